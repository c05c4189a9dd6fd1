"""`ntkc fit`: a model from a program and a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkc.cli import arguments, datasets, exits, signals, tables, terminal

if TYPE_CHECKING:
    from ntkc.cli.datasets import Dataset
    from ntkc.fitted import FittedModel


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    arguments.add_program(parser)
    parser.add_argument(
        "data", metavar="train.csv", help="training data: .csv, .tsv, .parquet, .npy or .npz"
    )
    datasets.add_arguments(parser)
    parser.add_argument(
        "-o", "--output", metavar="DIR", required=True, help="the folder of the fitted model"
    )
    parser.add_argument("--force", action="store_true", help="replace whatever stands there")
    datasets.add_fitting(parser)
    parser.add_argument(
        "--solver", choices=("auto", "direct", "iterative"), default="auto",
        help="a factorisation, or conjugate gradients (default: the latter beyond 8000 rows)",
    )  # fmt: skip
    parser.add_argument(
        "--residual", type=float, default=1e-6, metavar="E",
        help="the relative residual at which an iterative solver is done (default: 1e-6)",
    )  # fmt: skip
    parser.add_argument(
        "--max-iterations", type=int, default=1000, metavar="N", help="default: 1000"
    )
    parser.add_argument(
        "--tiles", metavar="DIR",
        help="keep the Gram matrix in this folder, and do not recompute it at each iteration",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint", metavar="FILE.npz", help="save iterations here, and go on from them"
    )
    arguments.add_limits(parser)


def run(args: Namespace) -> int:
    """Fit a model, and write its folder."""
    from ntkc.diagnostics.durations import duration

    output = _output(args)
    values = arguments.parameters(args.param)
    data = datasets.training_set(args.data, args)
    with signals.terminating(), _seconds() as elapsed:
        model = fitted(args, data, values, solving(args))
    for remark in model.remarks:
        terminal.warning(remark)
    skipped = int((~data.kept).sum())
    if skipped:
        terminal.warning(f"{skipped} of {len(data.kept)} rows have missing values: left out")
    model = model.keep("data", {**data.recipe, "width": model.features})
    try:
        place = model.save(output, force=args.force)
    except FileExistsError as error:
        raise exits.InputError(f"{error}; --force replaces it") from None
    terminal.out(summary(place, model, duration(elapsed[0])))
    return exits.OK


def _output(args: Namespace) -> Path:
    output = Path(args.output)
    tables.check_folder(output.parent, "--output")
    if output.exists() and not output.is_dir() and not args.force:
        raise exits.UsageError(f"--output: {output} is a file, not a folder; --force replaces it")
    return output


def solving(args: Namespace) -> dict[str, Any]:
    """The options of the solver."""
    return {
        "solver": args.solver,
        "residual": args.residual,
        "max_iterations": args.max_iterations,
        "tiles": args.tiles,
        "checkpoint": args.checkpoint,
    }


def fitted(
    args: Namespace, data: Dataset, values: dict[str, float], more: dict[str, Any]
) -> FittedModel:
    """A model of some data as the arguments want it, with a bar while it is computed."""
    from ntkc.artefact.compiled import compile_program
    from ntkc.cli.progress import bar
    from ntkc.fitted import fit

    kernel = compile_program(arguments.origin(args.program), arguments.options(args))
    terminal.diagnostics(kernel.warnings)
    with bar(arguments.shows_progress(args)) as progress:
        return fit(
            kernel,
            data.x,
            data.y,
            task=args.task,
            get=args.get,
            ridge=args.ridge,
            standardize="auto" if args.standardize is None else args.standardize,
            params=values,
            on_singular=args.on_singular,
            feature_names=data.feature_names,
            target_names=data.target_names,
            threads=args.threads,
            memory=args.memory,
            progress=progress.update,
            on_iteration=progress.iteration,
            **more,
        )


def summary(place: Path, model: FittedModel, seconds: str) -> str:
    """What was made, for a person."""
    inputs = f"{model.features} input{'' if model.features == 1 else 's'}"
    names = ", ".join(model.coding.names)
    what = f"{model.task} of {names}" if names else model.task
    lines = [f"{place}: {what} on {len(model.x_train)} rows of {inputs}, in {seconds}", ""]
    for name, value in model.report.items():
        shown = f"{value:.6g}" if isinstance(value, float) else str(value)
        lines.append(f"    {name.replace('_', ' '):<34} {shown}")
    return "\n".join(lines) + "\n"


@contextmanager
def _seconds() -> Iterator[list[float]]:
    """How long something takes."""
    from time import monotonic

    start, found = monotonic(), [0.0]
    yield found
    found[0] = monotonic() - start
