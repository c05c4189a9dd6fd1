"""`ntkc curve`: loss against training time, error against the number of rows."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from ntkc.cli import arguments, datasets, exits, signals, tables, terminal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ntkc.cli.datasets import Dataset
    from ntkc.fitted.fitting import Problem

KINDS = ("dynamics", "learning")


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "curve", choices=KINDS,
        help="dynamics: loss against training time; learning: error against the number of rows",
    )  # fmt: skip
    arguments.add_program(parser)
    parser.add_argument(
        "data", metavar="train.csv", help="data: .csv, .tsv, .parquet, .npy or .npz"
    )
    datasets.add_arguments(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE",
        help="the curve as .csv, .tsv, .parquet, .npy or .npz (default: CSV to the output)",
    )  # fmt: skip
    parser.add_argument(
        "--plot", metavar="FILE.png", help="and a picture: .png, .pdf or .svg; needs matplotlib"
    )
    datasets.add_fitting(parser)
    only = parser.add_argument_group("dynamics")
    only.add_argument("--test", metavar="test.csv", help="test rows from another file")
    only.add_argument(
        "--holdout", type=float, default=0.2, metavar="SHARE",
        help="without --test: the share of rows to test on (default: 0.2)",
    )  # fmt: skip
    only.add_argument("--learning-rate", type=float, default=1.0, metavar="R", help="default: 1")
    only.add_argument("--times", type=numbers, metavar="T,T,..", help="times, inf among them")
    only = parser.add_argument_group("learning")
    only.add_argument(
        "--sizes", type=arguments.wholes, metavar="N,N,..", help="numbers of rows to train on"
    )
    only.add_argument(
        "--repeats", type=int, default=10, metavar="N", help="random subsets a size (default: 10)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of random choices (default: 0)")
    arguments.add_limits(parser)


def numbers(text: str) -> list[float]:
    """Numbers with commas between them."""
    return [float(part) for part in text.split(",")]


def run(args: Namespace) -> int:
    """Compute the curve, write it, draw it."""
    from ntkc.cli import plots

    tables.check_output(args.output, [args.data, args.test])
    if args.plot is not None:
        plots.check(args.plot)
    data = datasets.training_set(args.data, args)
    if args.curve == "dynamics":
        columns, title = _dynamics(args, data)
    else:
        columns, title = _learning(args, data)
    tables.write(args.output, columns)
    if args.output is not None:
        terminal.out(f"{args.output}: {title}")
    if args.plot is not None:
        plots.draw(args.plot, args.curve, columns, title)
        terminal.note(f"{args.plot}: {title}")
    return exits.OK


def _dynamics(args: Namespace, data: Dataset) -> tuple[dict[str, NDArray[Any]], str]:
    import numpy as np

    from ntkc.fitted.curves import dynamics

    if args.get != "ntk":
        raise exits.UsageError("--get: training follows the NTK")
    x, y = data.x, _targets(data)
    if args.test is not None:
        other = datasets.like(args.test, {**data.recipe, "width": _width(x)}, args.missing)
        if other.y is None or not len(other.x):
            raise exits.InputError(f"{args.test} has no rows with the target {args.targets[0]!r}")
        x_test, y_test = other.x, other.y
    else:
        if not 0 <= args.holdout < 1:
            raise exits.UsageError(f"--holdout: expected a share from 0 to 1, got {args.holdout}")
        order = np.random.default_rng(args.seed).permutation(len(x))
        count = int(args.holdout * len(x))
        train, test = np.sort(order[count:]), np.sort(order[:count])
        x, x_test, y, y_test = x[train], x[test], y[train], y[test]
    found = dynamics(
        _problem(args, x, y, data.target_names),
        x_test if len(x_test) else None,
        y_test,
        learning_rate=args.learning_rate,
        ridge=0.0 if args.ridge == "auto" else args.ridge,
        times=args.times,
    )
    return found, f"gradient flow on {len(x)} rows, tested on {len(x_test)}"


def _learning(args: Namespace, data: Dataset) -> tuple[dict[str, NDArray[Any]], str]:
    from ntkc.cli.progress import bar
    from ntkc.fitted.curves import learning_curve

    problem = _problem(args, data.x, _targets(data), data.target_names)
    with signals.terminating(), bar(arguments.shows_progress(args)) as progress:
        found = learning_curve(
            problem,
            sizes=args.sizes,
            repeats=args.repeats,
            ridge=args.ridge,
            seed=args.seed,
            progress=progress.update,
        )
    rows = len(data.x)
    return found.columns, f"learning curve in {rows} rows, relative ridge {found.ridge:.3g}"


def _problem(args: Namespace, x: Any, y: Any, names: tuple[str, ...]) -> Problem:
    from ntkc.artefact.compiled import compile_program
    from ntkc.fitted.fitting import pose

    kernel = compile_program(arguments.origin(args.program), arguments.options(args))
    terminal.diagnostics(kernel.warnings)
    return pose(
        kernel,
        x,
        y,
        task=args.task,
        get=args.get,
        standardize="auto" if args.standardize is None else args.standardize,
        params=arguments.parameters(args.param),
        target_names=names,
        threads=args.threads,
        memory=args.memory,
    )


def _targets(data: Dataset) -> NDArray[Any]:
    assert data.y is not None  # --target is required
    return data.y


def _width(x: NDArray[Any]) -> int:
    return int(x.reshape(len(x), -1).shape[1])
