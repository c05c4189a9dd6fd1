"""What identifies a compilation: equal digests mean equal generated source."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from ntkc.artefact.bundle import Bundle
from ntkc.diagnostics.excerpt import quoted
from ntkc.driver import Derivatives, FrontEnd, Options
from ntkc.ir.node import topological
from ntkc.ir.text import format_module
from ntkc.syntax import ast
from ntkc.version import __version__

LENGTH = 24
_COMPILER = (
    "activations", "artefact", "backends", "ir", "layers", "network", "passes", "runtime",
    "schedule", "symbolic", "driver.py",
)  # fmt: skip
"""What generated source depends on, besides the kernel IR that comes before all passes."""


def digest(
    front: FrontEnd,
    options: Options,
    bundle: Bundle,
    derivatives: Derivatives | None = None,
) -> str:
    """The digest of a program understood, under these options, on this machine.

    It is taken before any pass and any formula is derived, so that finding what was compiled
    before costs no more than reading the program.
    """
    parts = [
        format_module(front.module),
        *_quotes(front),
        options.dtype,
        options.backend,
        _devices(options.backend),
        "" if derivatives is None else repr((derivatives.root, derivatives.wrt)),
        repr((options.certified, options.collapse, options.vectors)),
        json.dumps(toolchain(), sort_keys=True),
        _compiler(),
        _machine(),
    ]
    if any(
        isinstance(s, ast.ActivationDef) for f in front.program.files for s in f.file.statements
    ):
        parts += [file.text for file in bundle.files]  # formulas, known to the IR by name alone
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:LENGTH]


def _quotes(front: FrontEnd) -> Iterator[str]:
    """The lines of the program that comments in the generated source will show."""
    spans = front.module.spans
    yield quoted(Path(front.program.main.source.name).name)
    for node in topological(root for _, root in sorted(front.module.roots.items())):
        span = spans.get(node)
        yield "" if span is None else f"{Path(span.source.name).name}:{span.line}:{span.text}"


@cache
def toolchain() -> dict[str, str]:
    """The versions of everything that shapes generated code or compiles it."""
    found = {"ntkc": __version__, "python": platform.python_version()}
    for package in ("numba", "llvmlite", "numpy", "sympy"):
        found[package] = metadata.version(package)
    return found


@cache
def _compiler() -> str:
    """A digest of the compiler's own files: a change to it never meets what it made before."""
    root = Path(__file__).resolve().parent.parent
    state = hashlib.sha256()
    for name in _COMPILER:
        path = root / name
        for file in (
            [path] if path.is_file() else sorted([*path.rglob("*.py"), *path.rglob("*.json")])
        ):
            state.update(f"{file.relative_to(root).as_posix()}\0".encode())
            state.update(file.read_bytes())
    return state.hexdigest()


def _devices(backend: str) -> str:
    """What CUDA kernels are made for."""
    if backend != "cuda":
        return ""
    from ntkc.artefact.device_target import device_target

    return repr(device_target())


@cache
def _machine() -> str:
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    return f"{sys.implementation.cache_tag} {binding.get_host_cpu_name()} {features}"
