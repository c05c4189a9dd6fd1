"""`ntkc predict`: a fitted model's predictions for a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from ntkc.cli import arguments, datasets, exits, signals, tables, terminal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ntkc.cli.datasets import Dataset
    from ntkc.fitted import FittedModel


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="fitted/", help="the folder that `ntkc fit` wrote")
    parser.add_argument(
        "data", metavar="test.csv", help="inputs: .csv, .tsv, .parquet, .npy or .npz"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE",
        help="predictions as .csv, .tsv, .parquet, .npy or .npz (default: CSV to the output)",
    )  # fmt: skip
    parser.add_argument(
        "--std", action="store_true", help="and their standard deviations, in a column `std`"
    )
    parser.add_argument(
        "--scores", action="store_true", help="of a classifier: and a column for each class"
    )
    datasets.add_missing(parser)
    arguments.add_limits(parser)


def run(args: Namespace) -> int:
    """Predict; where the data hold the target too, say how well."""
    from ntkc.cli.progress import bar
    from ntkc.fitted import load_model

    tables.check_output(args.output, [args.data])
    model = load_model(args.model).using(args.threads, args.memory)
    if args.scores and model.task != "classification":
        raise exits.UsageError(f"--scores: {args.model} is a regression, and has no classes")
    data = datasets.like(args.data, _recipe(model), args.missing)
    with signals.terminating(), bar(arguments.shows_progress(args)) as progress:
        predicted = _predictions(model, data, progress.update)
    columns = _columns(args, model, data, predicted)
    tables.write(args.output, columns)
    if data.y is not None and len(data.x):
        _judge(model, data.y, predicted)
    if args.output is not None:
        terminal.out(f"{args.output}: {len(data.kept)} predictions")
    return exits.OK


def _predictions(model: FittedModel, data: Dataset, progress: Any) -> NDArray[Any]:
    import numpy as np

    if len(data.x):
        return np.asarray(model.predict(data.x, progress=progress))
    return model.coding.decode(np.zeros((0, model.coding.outputs)))


def _recipe(model: FittedModel) -> dict[str, Any]:
    """Which inputs of a file the model takes; one that Python fitted takes arrays."""
    recipe: dict[str, Any] = dict(
        model.details.get("data")
        or {
            "kind": "array" if model.feature_names is None else "table",
            "features": list(model.feature_names or ()),
            "targets": list(model.coding.names),
            "width": model.features,
        }
    )
    return recipe


def _columns(
    args: Namespace, model: FittedModel, data: Dataset, predicted: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """What is written: a value for every row of the file, empty where one was skipped."""
    import numpy as np

    empty = not len(data.x)
    names = list(model.coding.names) or ["prediction"]
    if predicted.ndim == 2:
        if len(names) != predicted.shape[1]:
            names = [f"prediction_{number}" for number in range(predicted.shape[1])]
        columns = {name: predicted[:, j] for j, name in enumerate(names)}
    else:
        columns = {names[0]: predicted}
    if args.std:
        std = np.zeros(predicted.shape) if empty else model.std(model.prepare(data.x))
        parts = std.T if std.ndim == 2 else [std]
        titles = [f"{name}_std" for name in names] if std.ndim == 2 else ["std"]
        columns |= dict(zip(titles, parts, strict=True))
    if args.scores:
        scores = np.zeros((0, len(model.classes))) if empty else model.scores(data.x)
        columns |= {f"score_{label}": scores[:, j] for j, label in enumerate(model.classes)}
    return {name: _spread_out(column, data.kept) for name, column in columns.items()}


def _spread_out(column: NDArray[Any], kept: NDArray[Any]) -> NDArray[Any]:
    """A column with an empty entry wherever a row was skipped."""
    import numpy as np

    if kept.all():
        return column
    if column.dtype.kind == "U":
        whole = np.full(len(kept), "", column.dtype)
    else:
        whole = np.full(len(kept), np.nan)
    whole[kept] = column
    return whole


def _judge(model: FittedModel, y: NDArray[Any], predicted: NDArray[Any]) -> None:
    """Compare with targets that came with the inputs; beside the output, on stderr."""
    from ntkc.fitted.targets import LabelCoding

    coding = model.coding
    texts, wanted = y.dtype.kind == "U", predicted.dtype.kind == "U"
    if texts != wanted or y.shape != predicted.shape:
        terminal.warning("the target is of another type than what the model predicts: not compared")
        return
    if isinstance(coding, LabelCoding):
        _tell_unknown(coding.unknown(y), y)
    what, value = coding.score(y, predicted)
    terminal.note(f"{what} on {len(y)} rows: {value:.6g}")


def _tell_unknown(unknown: NDArray[Any], y: NDArray[Any]) -> None:
    import numpy as np

    if len(unknown):
        shown = ", ".join(repr(label.item()) for label in unknown[:5])
        rows = int(np.isin(y, unknown).sum())
        terminal.warning(
            f"{rows} row{'s have labels' if rows > 1 else ' has a label'} that the model was never "
            f"shown ({shown}): counted as wrong"
        )
