"""A report of a bug: everything that is needed to see it again."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from argparse import Namespace
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from uuid import uuid4

from ntkc import debug

_PACKAGES = ("ntkc", "numba", "llvmlite", "numpy", "sympy", "lark", "threadpoolctl")
_LARGEST = 1 << 20


def write_report(error: BaseException, args: Namespace, arguments: Sequence[str]) -> Path | None:
    """Write a report to this folder, or to a temporary one; its path."""
    text = "\n".join(_parts(error, args, arguments))
    if debug.level() >= 1:
        sys.stderr.write("".join(traceback.format_exception(error)))
    name = f"ntkc-bug-{uuid4().hex[:8]}.txt"
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        path = folder / name
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return path
    return None


def _parts(error: BaseException, args: Namespace, arguments: Sequence[str]) -> Iterator[str]:
    yield "A bug of ntkc\n"
    yield f"command   ntkc {' '.join(map(repr, arguments))}"
    yield f"options   {vars(args)}"
    yield f"python    {sys.version}"
    yield f"platform  {platform.platform()}"
    yield from (f"{name:<9} {_version(name)}" for name in _PACKAGES)
    yield "\n" + "".join(traceback.format_exception(error))
    for path in _programs(args):
        yield f"---- {path}\n{_text(path)}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _programs(args: Namespace) -> list[Path]:
    """The programs, and pieces of kernel IR, that the command line names."""
    given = [getattr(args, name, None) for name in ("program", "file", "target_of")]
    given += getattr(args, "programs", [])
    return [Path(name) for name in given if name is not None and Path(name).is_file()]


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="backslashreplace") as stream:
            return stream.read(_LARGEST)
    except OSError as error:
        return f"(cannot be read: {error})"
