"""`ntkc doctor`: what this machine offers, and what is amiss."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from ntkc.cli import exits, terminal
from ntkc.version import __version__

_PACKAGES = ("numpy", "numba", "llvmlite", "sympy", "lark", "threadpoolctl")
_FEATURES = ("avx2", "fma", "avx512f", "avx512vl", "neon", "sve")


class TroubleError(Exception):
    """Something that keeps ntkc from working, or from working well."""

    def __init__(self, message: str, fatal: bool = True) -> None:
        super().__init__(message)
        self.fatal = fatal


def configure(parser: ArgumentParser) -> None:
    """There are no arguments."""


def run(args: Namespace) -> int:
    """Print every finding; 3 if something keeps kernels from running."""
    broken = False
    for name, find in _checks():
        try:
            terminal.out(f"{name:<12} {find()}")
        except TroubleError as trouble:
            broken |= trouble.fatal
            terminal.out(f"{name:<12} {'broken' if trouble.fatal else 'warning'}: {trouble}")
    terminal.out("\nsomething is broken" if broken else "\nall is well")
    return exits.RUNTIME if broken else exits.OK


def _checks() -> Iterator[tuple[str, Callable[[], str]]]:
    yield "ntkc", lambda: f"{__version__} in {Path(__file__).parent.parent}"
    yield "python", lambda: f"{platform.python_version()} in {sys.prefix}"
    yield "platform", platform.platform
    for package in _PACKAGES:
        yield package, partial(_version, package)
    yield "processor", _processor
    yield "threads", _threads
    yield "blas", _blas
    yield "cuda", _cuda
    yield "cache", _cache
    yield "a kernel", _kernel


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        if package == "threadpoolctl":
            raise TroubleError(
                "not installed: products compete for processors", fatal=False
            ) from None
        raise TroubleError("not installed") from None


def _processor() -> str:
    try:
        from llvmlite import binding
    except Exception as error:
        raise TroubleError(f"llvmlite cannot be imported: {error}") from None
    features = binding.get_host_cpu_features()
    found = [name for name in _FEATURES if features.get(name)]
    return f"{binding.get_host_cpu_name()}: {', '.join(found) or 'no vector extensions known here'}"


def _threads() -> str:
    try:
        numba: Any = import_module("numba")

        from ntkc.runtime.options import thread_count
    except Exception as error:
        raise TroubleError(f"numba cannot be imported: {error}") from None
    if numba.config.DISABLE_JIT:
        raise TroubleError("NUMBA_DISABLE_JIT is set: kernels are interpreted", fatal=False)
    return (
        f"{thread_count(None)} for kernels; Numba's own: {numba.config.NUMBA_NUM_THREADS} "
        f"({numba.config.THREADING_LAYER}), for `gram` of compiled folders alone"
    )


def _blas() -> str:
    import numpy as np

    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        raise TroubleError("threadpoolctl is missing, so it cannot be told", fatal=False) from None
    np.matmul(np.eye(2), np.eye(2))
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    if not pools:
        raise TroubleError("none that threadpoolctl knows", fatal=False)
    return "; ".join(
        f"{p['internal_api']} {p.get('version') or ''} with {p['num_threads']} threads"
        for p in pools
    )


def _cuda() -> str:
    """A machine without a GPU is a sound one; a GPU that cannot be used is worth a word."""
    try:
        from ntkc.runtime.cuda.devices import device_files, search
        from ntkc.runtime.cuda.product import cupy
    except Exception as error:
        raise TroubleError(f"numba.cuda cannot be imported: {error}", fatal=False) from None
    found = search()
    if not found.devices:
        words = "; ".join(found.findings)
        if device_files():
            raise TroubleError(f"no usable GPU: {words}", fatal=False)
        return f"not used: {words}"
    products = "CuPy's cuBLAS" if cupy() is not None else "own kernels (CuPy is not installed)"
    return f"{'; '.join(map(str, found.devices))}; products by {products}"


def _cache() -> str:
    from ntkc.artefact.location import VARIABLE, location
    from ntkc.cli.cache import describe

    try:
        folder = location()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError) as error:
        raise TroubleError(
            f"cannot be written ({error}): every process compiles anew; set {VARIABLE}",
            fatal=False,
        ) from None
    return describe() + (f" ({VARIABLE})" if os.environ.get(VARIABLE) else "")


def _kernel() -> str:
    """Compile one and compare a value that is known by hand: E[relu(u) relu(v)] is 1/2 at u = v."""
    try:
        from ntkc.api import compile

        kernel = compile(source="network check { input vector[2]; dense; relu; dense }")
        found = kernel([[1.0, 1.0], [1.0, -1.0]], get="nngp")
    except Exception as error:
        raise TroubleError(f"{type(error).__name__}: {error}") from None
    expected = [0.5, 0.15915494309189535]  # 1/2 and 1/(2 pi)
    if any(abs(a - b) > 1e-12 for a, b in zip(found[0], expected, strict=True)):
        raise TroubleError(f"is wrong: {found[0].tolist()} instead of {expected}")
    return "compiles, runs and is right"
