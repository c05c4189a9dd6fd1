"""Inputs and targets out of tables and arrays: which columns, which rows."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ntkc.cli import arguments
from ntkc.cli.exits import InputError, UsageError
from ntkc.cli.tables import Arrays, Table, is_number, read
from ntkc.diagnostics.suggest import closest

if TYPE_CHECKING:
    from numpy.typing import NDArray

Missing = Literal["error", "skip"]


@dataclass(frozen=True)
class Dataset:
    """Inputs x (n, …), targets y or None, and what they are called in their file.

    `kept` says for each row of the file whether it is among the n. `recipe` is what a model
    remembers, so that `like` finds the same inputs in other files.
    """

    x: NDArray[Any]
    y: NDArray[Any] | None
    feature_names: tuple[str, ...] | None
    target_names: tuple[str, ...]
    kept: NDArray[Any]
    recipe: dict[str, Any]


def add_arguments(parser: ArgumentParser) -> None:
    """What to take from a training file."""
    parser.add_argument(
        "--target", dest="targets", metavar="NAME", action="append", required=True,
        help="the target: a column; can be repeated. For .npy a column's number or a .npy file, "
        "for .npz an array",
    )  # fmt: skip
    parser.add_argument(
        "--feature", dest="features", metavar="NAME", action="append", default=[],
        help="use these columns (of .npz: this array) alone as inputs; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--ignore", metavar="NAME", action="append", default=[],
        help="leave a column out, such as an identifier; can be repeated",
    )  # fmt: skip
    add_missing(parser)


def add_missing(parser: ArgumentParser) -> None:
    """What to do with rows that are not complete."""
    parser.add_argument(
        "--missing", choices=("error", "skip"), default="error",
        help="rows with empty or NaN cells: refuse them (default), or go on without them",
    )  # fmt: skip


def add_fitting(parser: ArgumentParser) -> None:
    """What is fitted, and how."""
    parser.add_argument("--get", choices=("ntk", "nngp"), default="ntk", help="which kernel")
    parser.add_argument(
        "--task", choices=("auto", "regression", "classification"), default="auto",
        help="default: classification for texts and booleans, regression for numbers",
    )  # fmt: skip
    parser.add_argument(
        "--ridge", type=ridge, default="auto", metavar="R",
        help="a multiple of the kernel's mean diagonal (default: that of the least leave-one-out "
        "error)",
    )  # fmt: skip
    parser.add_argument(
        "--standardize", action=BooleanOptionalAction, default=None,
        help="columns to mean 0 and deviation 1 (default: for `vector` inputs)",
    )  # fmt: skip
    parser.add_argument(
        "--on-singular", choices=("raise", "jitter", "pseudo-inverse"), default="raise",
        help="what to do about a singular matrix (default: raise)",
    )  # fmt: skip
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[],
        help="a parameter of the network; can be repeated",
    )  # fmt: skip
    arguments.add_precision(parser)


def ridge(text: str) -> float | str:
    """A ridge as it is given on the command line."""
    return text if text == "auto" else float(text)


def training_set(name: str, args: Namespace) -> Dataset:
    """The inputs and targets that the arguments name. Raises `InputError`, `UsageError`."""
    found = read(name)
    if isinstance(found, Table):
        data = _from_table(found, args.targets, _features(found, args), args.missing)
    elif args.ignore:
        raise UsageError("--ignore: columns have names in .csv and .parquet files only")
    else:
        data = _from_arrays(found, args.targets, args.features, args.missing)
    if not len(data.x):
        raise InputError(f"{name} has no {'complete ' if len(data.kept) else ''}rows")
    return data


def like(name: str, recipe: dict[str, Any], missing: Missing) -> Dataset:
    """The same inputs from another file, and targets where it has them."""
    found = read(name)
    if isinstance(found, Table):
        targets = [target for target in recipe["targets"] if target in found.columns]
        targets = targets if len(targets) == len(recipe["targets"]) else []
        if recipe["kind"] == "table":
            return _from_table(found, targets, recipe["features"], missing)
        rest = [title for title in found.columns if title not in targets]
        return _from_table(found, targets, rest, missing)
    return _like_arrays(found, recipe, missing)


def _features(table: Table, args: Namespace) -> list[str]:
    for title in [*args.features, *args.ignore]:
        _column(table, title)
    if args.features:
        both = set(args.features) & {*args.targets, *args.ignore}
        if both:
            raise UsageError(f"--feature: {sorted(both)[0]!r} is a target, or ignored")
        return list(args.features)
    left = [title for title in table.columns if title not in {*args.targets, *args.ignore}]
    if not left:
        raise InputError(f"{table.file} has no columns besides the target")
    return left


def _from_table(
    table: Table, targets: Sequence[str], features: Sequence[str], missing: Missing
) -> Dataset:
    import numpy as np

    inputs = [_numbers(table, title) for title in features]
    outputs = [_column(table, title) for title in targets]
    x = np.column_stack(inputs) if inputs else np.zeros((table.rows, 0))
    kept = np.ones(table.rows, bool)
    for title, column in zip([*features, *targets], [*inputs, *outputs], strict=True):
        absent = np.isnan(column) if column.dtype.kind == "f" else _empty(column)
        if missing == "error" and absent.any():
            row, count = int(np.flatnonzero(absent)[0]), int(absent.sum())
            raise InputError(
                f"{table.file}, {table.place(row)}: column {title!r} has no value ({count} such "
                f"row{'s' if count > 1 else ''}); --missing skip goes on without"
            )
        if column.dtype.kind == "f" and np.isinf(column).any():
            row = int(np.flatnonzero(np.isinf(column))[0])
            raise InputError(f"{table.file}, {table.place(row)}: column {title!r} is infinite")
        kept &= ~absent
    y = _targets(table, targets, outputs, kept)
    recipe = {"kind": "table", "features": list(features), "targets": list(targets)}
    return Dataset(x[kept], y, tuple(features), tuple(targets), kept, recipe)


def _targets(
    table: Table, titles: Sequence[str], columns: Sequence[NDArray[Any]], kept: NDArray[Any]
) -> NDArray[Any] | None:
    import numpy as np

    if len(columns) < 2:
        return np.asarray(columns[0][kept]) if columns else None
    for title, column in zip(titles, columns, strict=True):
        if column.dtype.kind not in "iuf":
            raise InputError(f"{table.file}: column {title!r} holds labels, one of several targets")
    return np.asarray(np.column_stack(columns)[kept])


def _column(table: Table, title: str) -> NDArray[Any]:
    if title not in table.columns:
        close = closest(title, table.columns)
        hint = f"; did you mean {close!r}?" if close else f" (it has {_list(table.columns)})"
        raise InputError(f"{table.file} has no column {title!r}{hint}")
    return table.columns[title]


def _numbers(table: Table, title: str) -> NDArray[Any]:
    import numpy as np

    column = _column(table, title)
    if column.dtype.kind in "biuf":
        return column.astype(np.float64)
    if not len(column):
        return np.zeros(0)
    row = next((row for row, cell in enumerate(column) if not is_number(str(cell))), None)
    if row is None:  # only where a file has types of its own
        raise InputError(f"{table.file}: column {title!r} holds texts, and not numbers")
    raise InputError(
        f"{table.file}, {table.place(row)}: column {title!r} has {str(column[row])!r}, which is no "
        "number; encode it as numbers, or leave it out with --ignore"
    )


def _empty(column: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.asarray(column == "") if column.dtype.kind == "U" else np.zeros(len(column), bool)


def _from_arrays(
    found: Arrays, targets: Sequence[str], features: Sequence[str], missing: Missing
) -> Dataset:
    if len(targets) != 1:
        raise UsageError("--target: one array, or one column, when the data are arrays")
    if "" in found.arrays:
        if features:
            raise UsageError("--feature: an .npy file has no named arrays")
        x, y, target = _split(found, targets[0])
        recipe = {"kind": "array", "array": "", "features": [], "targets": [target]}
        return _rows(found.file, x, y, recipe, missing)
    y = _array(found, targets[0])
    rest = [name for name in found.arrays if name != targets[0]]
    named = list(features) or (["x"] if "x" in rest else rest)
    if len(named) != 1:
        raise UsageError(f"--feature: name one array of inputs; {found.file} has {_list(rest)}")
    recipe = {"kind": "array", "array": named[0], "features": [], "targets": list(targets)}
    return _rows(found.file, _array(found, named[0]), y, recipe, missing)


def _split(found: Arrays, target: str) -> tuple[NDArray[Any], NDArray[Any], Any]:
    """The inputs and the target of an NPY file: a column of it, or another file."""
    import numpy as np

    x = found.arrays[""]
    if target.endswith(".npy"):
        return x, _array(read_arrays(target), ""), target
    try:
        column = int(target)
    except ValueError:
        raise UsageError(
            f"--target: for {found.file}, a column's number or a .npy file, and not {target!r}"
        ) from None
    if x.ndim != 2 or not -x.shape[1] <= column < x.shape[1]:
        raise InputError(f"{found.file} has the shape {x.shape}, and no column {column}")
    return np.delete(x, column, axis=1), x[:, column], column


def read_arrays(name: str) -> Arrays:
    """The arrays of a file. Raises `InputError` for a table."""
    found = read(name)
    if isinstance(found, Table):
        raise InputError(f"{name} is a table, where arrays are expected")
    return found


def _array(found: Arrays, name: str) -> NDArray[Any]:
    if name not in found.arrays:
        raise InputError(f"{found.file} has no array {name!r} (it has {_list(found.arrays)})")
    return found.arrays[name]


def _like_arrays(found: Arrays, recipe: dict[str, Any], missing: Missing) -> Dataset:
    import numpy as np

    target = recipe["targets"][0] if recipe["targets"] else None
    if "" in found.arrays:
        x, y = found.arrays[""], None
        whole = recipe.get("width")
        if isinstance(target, int) and x.ndim == 2 and x.shape[1] - 1 == whole:
            y, x = x[:, target], np.delete(x, target, axis=1)
        return _rows(found.file, x, y, recipe, missing)
    name = recipe.get("array") or "x"
    if name not in found.arrays and len(found.arrays) == 1:
        name = next(iter(found.arrays))
    y = found.arrays.get(target) if isinstance(target, str) else None
    return _rows(found.file, _array(found, name), y, recipe, missing)


def _rows(
    file: str, x: NDArray[Any], y: NDArray[Any] | None, recipe: dict[str, Any], missing: Missing
) -> Dataset:
    import numpy as np

    if x.ndim < 2 or x.dtype.kind not in "biuf":
        raise InputError(
            f"{file}: expected inputs as rows of numbers, got {x.dtype} of the shape {x.shape}"
        )
    if y is not None and (y.ndim not in (1, 2) or len(y) != len(x)):
        raise InputError(f"{file}: {len(x)} inputs, and targets of the shape {y.shape}")
    absent = np.isnan(x.reshape(len(x), -1)).any(axis=1)
    if y is not None and y.dtype.kind == "f":
        absent |= np.isnan(y.reshape(len(y), -1)).any(axis=1)
    if y is not None and y.dtype.kind == "U":
        absent |= (y == "").reshape(len(y), -1).any(axis=1)
    if missing == "error" and absent.any():
        raise InputError(
            f"{file}, row {int(np.flatnonzero(absent)[0])} has NaN ({int(absent.sum())} such rows "
            "in all); --missing skip goes on without"
        )
    names = tuple(str(target) for target in recipe["targets"])
    kept = ~absent
    return Dataset(x[kept], None if y is None else y[kept], None, names, kept, recipe)


def _list(names: Any) -> str:
    shown = ", ".join(map(repr, list(names)[:8]))
    return f"{shown}, …" if len(list(names)) > 8 else shown or "none"
