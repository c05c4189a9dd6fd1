"""Tables and arrays from files, and back: CSV, TSV, Parquet, NPY and NPZ. Nothing is unpickled.

A table's columns are numbers, booleans or texts; a missing number is NaN, a missing text empty.
"""

from __future__ import annotations

import csv
import errno
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import uuid4
from zipfile import ZipFile

from ntkc.cli.exits import InputError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIXES = (".csv", ".tsv", ".parquet", ".npy", ".npz")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_MISSING = frozenset({"", "na", "n/a", "nan", "null"})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?", re.I)
_WHOLE = re.compile(r"[+-]?\d{1,18}")


@dataclass(frozen=True)
class Table:
    """A file's columns by name, each an array (rows,), and the line that each row ends on."""

    file: str
    columns: Mapping[str, NDArray[Any]]
    rows: int
    lines: tuple[int, ...] | None = None

    def place(self, row: int) -> str:
        """Where a row is, for a message."""
        return f"row {row}" if self.lines is None else f"line {self.lines[row]}"


@dataclass(frozen=True)
class Arrays:
    """A file's arrays by name; an NPY file has one, called ""."""

    file: str
    arrays: Mapping[str, NDArray[Any]]


def suffix_of(name: str) -> str:
    """A file's format by its name. Raises `UsageError` for one that is not known."""
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{name}: expected a file of one of the types {', '.join(SUFFIXES)}")
    return suffix


def read(name: str) -> Table | Arrays:
    """Read a file. Raises `UsageError`, `InputError` or `OSError`."""
    suffix = suffix_of(name)
    if Path(name).is_dir():
        raise InputError(f"{name} is a folder, not a table")
    if suffix in _DELIMITERS:
        return _read_csv(name, suffix)
    if suffix == ".parquet":
        return _read_parquet(name)
    return _read_arrays(name, suffix)


def is_number(cell: str) -> bool:
    """Whether a cell of a text file is taken for a number; a missing one counts as such."""
    return cell.lower() in _MISSING or _NUMBER.fullmatch(cell) is not None


def _read_csv(name: str, suffix: str) -> Table:
    try:
        with Path(name).open(encoding="utf-8-sig", newline="") as stream:
            top = list(islice(stream, 1))
            delimiter = _delimiter("".join(top), suffix)
            reader = csv.reader(chain(top, stream), delimiter=delimiter, strict=True)
            header = next(filter(None, reader), None)
            if header is None:
                raise InputError(f"{name} is empty: its first line must name the columns")
            _check_header(name, header)
            cells, lines = [], []
            for row in filter(None, reader):  # a blank line is none
                if len(row) != len(header):
                    raise InputError(
                        f"{name}, line {reader.line_num}: {len(row)} cells, where the header has "
                        f"{len(header)}"
                    )
                if any("\0" in cell for cell in row):  # NumPy would drop it
                    raise InputError(f"{name}, line {reader.line_num}: a NUL, which no text holds")
                cells.append(row)
                lines.append(reader.line_num)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text: {error.reason}") from None
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: {error}") from None
    columns = {
        title.strip(): _typed([row[number] for row in cells]) for number, title in enumerate(header)
    }
    return Table(name, columns, len(cells), tuple(lines))


def _delimiter(header: str, suffix: str) -> str:
    """A tab for .tsv; for .csv a comma, or what a header without commas has in its place."""
    usual = _DELIMITERS[suffix]
    if suffix != ".csv" or usual in header:
        return usual
    return next((other for other in ";\t" if other in header), usual)


def _check_header(name: str, header: Sequence[str]) -> None:
    titles = [title.strip() for title in header]
    if "" in titles:
        raise InputError(f"{name}: column {titles.index('') + 1} has no name in the header")
    twice = [title for title in titles if titles.count(title) > 1]
    if twice:
        raise InputError(f"{name}: two columns are called {twice[0]!r}")


def _typed(cells: list[str]) -> NDArray[Any]:
    """A column as numbers where all its cells are, else as texts."""
    import numpy as np

    stripped = [cell.strip() for cell in cells]
    present = [cell for cell in stripped if cell.lower() not in _MISSING]
    if present and len(present) == len(stripped) and all(map(_WHOLE.fullmatch, present)):
        return np.array([int(cell) for cell in present], np.int64)
    if all(map(is_number, present)):
        missing = float("nan")
        values = [missing if cell.lower() in _MISSING else float(cell) for cell in stripped]
        return np.array(values, np.float64)
    return np.array(stripped, np.str_)


def _read_parquet(name: str) -> Table:
    _require_pyarrow(name)
    import pyarrow
    from pyarrow import parquet

    Path(name).open("rb").close()  # an error of the file itself reads like any other
    try:
        found = parquet.read_table(name)
        _check_header(name, found.column_names)
        columns = {title: _from_parquet(found.column(title)) for title in found.column_names}
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{name} is not a Parquet file: {error}") from None
    return Table(name, columns, found.num_rows)


def _from_parquet(column: Any) -> NDArray[Any]:
    """A column as numbers, booleans or texts; one of booleans with gaps is texts."""
    import numpy as np
    from pyarrow import float64, types

    if types.is_floating(column.type) or types.is_integer(column.type):
        return np.asarray(column.to_numpy())
    if types.is_decimal(column.type):
        return np.asarray(column.cast(float64()).to_numpy())
    if types.is_boolean(column.type) and column.null_count == 0:
        return np.array(column.to_pylist(), np.bool_)
    values = ["" if value is None else str(value) for value in column.to_pylist()]
    return np.array(values, np.str_)


def _require_pyarrow(name: str) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError(f"{name}: Parquet files need pyarrow: pip install pyarrow") from None


def _read_arrays(name: str, suffix: str) -> Arrays:
    import numpy as np

    wrong = InputError(f"{name} is not a {suffix} file of numbers or texts")
    try:
        with Path(name).open("rb") as stream:
            found = np.load(stream, allow_pickle=False)
            if isinstance(found, np.ndarray):
                arrays = {"": found}
            else:
                arrays = {key: found[key] for key in found.files}
    except (ValueError, EOFError):
        raise wrong from None
    except Exception as error:  # zipfile's errors have no common base
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of a place before the file
            raise
        raise wrong from None
    if (suffix == ".npy") != ("" in arrays):
        raise wrong
    return Arrays(name, arrays)


def write(name: str | None, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write columns of equal length to a file, replaced at once, or as CSV to the output.

    An NPY file holds a single column as (rows,), and several as (rows, columns).
    """
    if name is None:
        _write_csv(sys.stdout, columns, ",")
        return
    path, suffix = Path(name), suffix_of(name)
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part{suffix}")
    try:
        _write(partial, suffix, columns)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write(path: Path, suffix: str, columns: Mapping[str, NDArray[Any]]) -> None:
    import numpy as np

    if suffix in _DELIMITERS:
        with path.open("w", encoding="utf-8", newline="") as stream:
            _write_csv(stream, columns, _DELIMITERS[suffix])
    elif suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table(dict(columns)), path)
    elif suffix == ".npz":
        with ZipFile(path, "w") as archive:  # np.savez takes no array called "file"
            for title, column in columns.items():
                with archive.open(f"{title}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, np.asarray(column), allow_pickle=False)
    else:
        arrays = list(columns.values())
        np.save(path, arrays[0] if len(arrays) == 1 else np.column_stack(arrays))


def _write_csv(stream: TextIO, columns: Mapping[str, NDArray[Any]], delimiter: str) -> None:
    """Numbers in the shortest form that reads back to the same; NaN as an empty cell."""
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        writer.writerow(["" if value != value else value for value in row])


def check_output(name: str | None, inputs: Sequence[str | None] = ()) -> None:
    """Find out what can be known of an output before the work begins. Raises `UsageError`."""
    if name is None:
        return
    path = Path(name)
    if suffix_of(name) == ".parquet":
        _require_pyarrow(name)
    if path.is_dir():
        raise UsageError(f"--output: {path} is a folder")
    check_folder(path.parent, "--output")
    for other in inputs:
        if other is not None and path.exists() and Path(other).exists() and path.samefile(other):
            raise UsageError(f"--output: {path} is an input")


def check_folder(folder: Path, option: str) -> None:
    """Find out whether a folder is there and may be written to, before the work begins.

    Raises `UsageError`, or a `PermissionError` as the writing itself would.
    """
    if not folder.is_dir():
        raise UsageError(f"{option}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, "permission denied", str(folder))
