"""What `import ntkc` offers: compile, check, format and explain programs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

from ntkc.diagnostics import Diagnostic, Source
from ntkc.diagnostics.suggest import closest

if TYPE_CHECKING:
    from ntkc.artefact.compiled import CompiledKernel
    from ntkc.driver import Options

TEXT = "<text>"
_BACKENDS = ("auto", "cpu", "cuda")
_DTYPES = ("float64", "float32")
_MEANT = {"gpu": "cuda"}  # other words are nearer by their letters
_LOOSEST = 0.01

PathLike = str | os.PathLike[str]


def compile(
    path: PathLike | None = None,
    *,
    source: str | None = None,
    network: str | None = None,
    backend: str = "auto",
    dtype: str = "float64",
    root: PathLike | None = None,
    allow: Iterable[PathLike] = (),
    cache: bool = True,
    tolerance: float | None = None,
    collapse: bool = True,
    vectors: bool = True,
    sizes: Iterable[int] | None = None,
) -> CompiledKernel:
    """Compile a program, from a file or from its text, to the kernel of one network.

    `network` chooses one of several. `backend` is "cpu", "cuda", or "auto": a GPU if one can be
    used, else the processor. `dtype` is what the kernel computes in, "float64" or "float32", or
    NumPy's own type. Imports stay inside `root`, by default the folder of the file (a text has
    none, and imports nothing without it), and the files and folders in `allow`. What was
    compiled before is found in the user's cache, unless `cache` is false. `tolerance` bounds
    the errors of activations without closed form, such as `tanh`, relative to the diagonals: by
    default 1e-10, and 1e-6 in float32. With `collapse`, a deep network whose kernel depends on
    the angle alone becomes one function of it. With `vectors`, loops of networks on positions
    are written with vectors as values; without, LLVM is left to find vectors in loops over
    numbers. Where the input leaves sizes of positions open with `?`, each call compiles for
    those of its array; `sizes`, such as (32, 32, 3), settle them now. What the compiler remarks
    on without refusing it is in the kernel's `warnings`.

    Raises `ProgramError` with every mistake in the program, `NtkError` where the tolerance cannot
    be certified, `DeviceError` (a `RuntimeError`) where "cuda" finds no usable GPU, `OSError` where
    the file cannot be read, and `ValueError` or `TypeError` for other arguments.
    """
    from ntkc.artefact.compiled import compile_program

    options = make_options(
        network, backend, dtype, root, allow, tolerance, collapse, sizes, vectors
    )
    return compile_program(_origin(path, source), options, cache)


def check(
    path: PathLike | None = None,
    *,
    source: str | None = None,
    network: str | None = None,
    root: PathLike | None = None,
    allow: Iterable[PathLike] = (),
) -> list[Diagnostic]:
    """Every error and warning of a program; of all its networks unless one is chosen."""
    from ntkc import driver

    return driver.check(_origin(path, source), make_options(network, root=root, allow=allow))


def format(source: str) -> str:
    """A program's text in canonical layout, comments kept. Raises `ProgramError`."""
    from ntkc.syntax.formatter import format_file
    from ntkc.syntax.parser import parse_text

    return format_file(parse_text(source, TEXT))


def explain(
    path: PathLike | None = None,
    *,
    source: str | None = None,
    network: str | None = None,
    root: PathLike | None = None,
    allow: Iterable[PathLike] = (),
) -> str:
    """A program's recursion layer by layer, and what a pair costs, for a person to read."""
    from ntkc.driver import front_end
    from ntkc.explain import explain_model

    options = make_options(network, root=root, allow=allow)
    return explain_model(front_end(_origin(path, source), options))


def make_options(
    network: str | None = None,
    backend: str = "auto",
    dtype: str = "float64",
    root: PathLike | None = None,
    allow: Iterable[PathLike] = (),
    tolerance: float | None = None,
    collapse: bool = True,
    sizes: Iterable[int] | None = None,
    vectors: bool = True,
) -> Options:
    """Checked options of a compilation. Raises `ValueError` or `TypeError`."""
    from ntkc.driver import Options

    if network is not None and not isinstance(network, str):
        raise TypeError(f"network: expected a name, got {network!r}")
    _one_of("backend", backend, _BACKENDS)
    dtype = _dtype_name(dtype)
    _one_of("dtype", dtype, _DTYPES)
    if isinstance(allow, (str, os.PathLike)):
        raise TypeError(f"allow: expected several paths, such as [{str(allow)!r}]")
    folder = None if root is None else Path(root)
    if not isinstance(collapse, bool):
        raise TypeError(f"collapse: expected True or False, got {collapse!r}")
    if not isinstance(vectors, bool):
        raise TypeError(f"vectors: expected True or False, got {vectors!r}")
    paths = tuple(Path(entry) for entry in allow)
    return Options(
        network,
        dtype,
        _chosen(backend),
        folder,
        paths,
        _tolerance(tolerance),
        _sizes(sizes),
        collapse,
        vectors,
    )


def _chosen(backend: str) -> str:
    """The backend that "auto" stands for: a GPU that can be used, else the processor."""
    if backend != "auto":
        return backend
    from ntkc.runtime.cuda.devices import device_files, search, simulated

    return "cuda" if device_files() and not simulated() and search().devices else "cpu"


def _sizes(value: Iterable[int] | None) -> tuple[int, ...] | None:
    """Sizes of an example. Raises `TypeError` or `ValueError`."""
    if value is None:
        return None
    sizes = tuple(value)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, Integral):
            raise TypeError(f"sizes: expected whole numbers, such as (32, 32, 3), got {size!r}")
        if size < 1:
            raise ValueError(f"sizes: expected numbers of at least 1, got {size}")
    return tuple(map(int, sizes))


def _tolerance(value: object) -> float | None:
    """A bound of relative errors. Raises `TypeError` or `ValueError`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"tolerance: expected a number such as 1e-8, got {value!r}")
    if not 0.0 < value <= _LOOSEST:
        raise ValueError(f"tolerance: expected a number above 0, at most {_LOOSEST}, got {value!r}")
    return float(value)


def _dtype_name(value: object) -> str:
    """The name of a number type, which may be given as NumPy's own: `np.float32`."""
    if isinstance(value, str):
        return value
    import numpy as np

    try:
        if value is None:  # NumPy's own default
            raise TypeError
        return np.dtype(value).name  # type: ignore[call-overload,no-any-return]
    except TypeError:
        shown = " or ".join(map(repr, _DTYPES))
        raise TypeError(f"dtype: expected {shown}, got {value!r}") from None


def _one_of(argument: str, value: object, allowed: tuple[str, ...]) -> None:
    shown = " or ".join(map(repr, allowed))
    if not isinstance(value, str):
        raise TypeError(f"{argument}: expected {shown}, got {value!r}")
    if value not in allowed:
        close = _MEANT.get(value) or closest(value, allowed)
        hint = "" if close is None else f"; did you mean {close!r}?"
        raise ValueError(f"{argument}: expected {shown}, got {value!r}{hint}")


def _origin(path: PathLike | None, source: str | None) -> Path | Source:
    """What is to be read. Raises where it is nothing, both, or no file."""
    if (path is None) == (source is None):
        what = "neither" if path is None else "both"
        raise TypeError(f"expected a path or source=..., got {what}")
    if source is not None:
        if not isinstance(source, str):
            raise TypeError(f"source: expected a text, got {type(source).__name__}")
        return Source(TEXT, source)
    if isinstance(path, str) and ("\n" in path or re.match(r"\s*network\b[^{]*\{", path)):
        raise TypeError("path: this is the text of a program; pass it as source=...")
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path: expected a path, got {type(path).__name__}")
    found = Path(path)
    if found.is_dir():
        raise IsADirectoryError(f"{found} is a folder, not a program")
    if not found.exists():
        from ntkc.syntax.files import similar

        hint = similar(found)
        raise FileNotFoundError(
            f"there is no file {found}" + (f"; did you mean {hint}?" if hint else "")
        )
    return found
