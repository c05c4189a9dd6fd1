"""An artefact: a folder that Python imports, and what stands in it.

    __init__.py      `kernel`, and `gram`, its Numba-parallel sibling
    kernel.py        the generated source: tiles, and what depends on one input
    near.py          the same for inputs on positions that nearly coincide, in float64
    device.py        the CUDA kernels, in a folder for GPUs
    parallel.py      tiles on Numba's threads, in a folder for processors
    model.ntk        the program, with what it imports
    manifest.json    versions, options, digest, parameters, cost
    _runtime/        what runs a kernel, copied; only in a folder that is meant to be shipped

Nothing of an artefact imports the compiler. A folder without `_runtime` uses the installed one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ntkc.artefact.bundle import Bundle
from ntkc.artefact.parallel import parallel_source
from ntkc.runtime.load import NEAR_FILE

FORMAT = 1
"""Of the folder; `ABI` is that of the generated module."""
KERNEL = "kernel.py"
DEVICE = "device.py"
MANIFEST = "manifest.json"

_PACKAGE = '''\
"""The kernel of the network `{network}`, compiled by ntkc {version}.

    from {folder} import kernel
    kernel(x1)              the Gram matrix of a batch: {input}
    kernel(x1, x2)          the cross-Gram matrix of two
    kernel.diag(x1)         the diagonal alone
    gram(x1, x2)            the same as kernel(x1, x2), on Numba's threads instead of Python's
"""

from pathlib import Path

from {runtime} import Kernel, KernelError, load_program
from {runtime}.generated import import_generated
from {runtime}.parallel import ParallelKernel

__all__ = ["KernelError", "gram", "kernel"]


class _Kernel(Kernel):
    """A kernel that pickles as a reference to this package."""

    def __reduce__(self):
        return _member, ("kernel",)


class _Gram(ParallelKernel):
    """The same for its parallel sibling."""

    def __reduce__(self):
        return _member, ("gram",)


def _member(name):
    return globals()[name]


_program = load_program(import_generated(Path(__file__).with_name("kernel.py"), "{digest}"))
from .parallel import LOOPS  # noqa: E402 (it imports from the module above)

kernel = _Kernel(_program)
gram = _Gram(_program, LOOPS)
'''


_DEVICE_PACKAGE = '''\
"""The kernel of the network `{network}` on GPUs, compiled by ntkc {version}.

    from {folder} import kernel
    kernel(x1)              the Gram matrix of a batch: {input}
    kernel(x1, x2)          the cross-Gram matrix of two
    kernel.diag(x1)         the diagonal alone
"""

from pathlib import Path

from {runtime} import KernelError, load_program
from {runtime}.cuda.kernel import CudaKernel
from {runtime}.generated import import_generated

__all__ = ["KernelError", "kernel"]


class _Kernel(CudaKernel):
    """A kernel that pickles as a reference to this package."""

    def __reduce__(self):
        return _member, ("kernel",)


def _member(name):
    return globals()[name]


_program = load_program(import_generated(Path(__file__).with_name("kernel.py"), "{digest}"))
_device = import_generated(Path(__file__).with_name("device.py"), "{digest}_device")
kernel = _Kernel(_program, _device)
'''


@dataclass(frozen=True)
class Artefact:
    """What is written to a folder."""

    digest: str
    generated: str
    bundle: Bundle
    manifest: dict[str, Any]
    """Without what `write` adds."""
    device: str | None = None
    """The CUDA kernels, for GPUs."""
    near: str | None = None
    """The source for nearly coincident inputs, of networks on positions that need it."""


def write(artefact: Artefact, folder: Path, name: str, shipped: bool) -> None:
    """Write the artefact into an existing, empty folder, as the package `name`."""
    runtime = "._runtime" if shipped else "ntkc.runtime"
    for file in artefact.bundle.files:
        place = folder / file.place
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(place, file.text)
    write_generated(artefact, folder)
    if artefact.device is None:
        _write(folder / "parallel.py", _parallel(artefact, runtime))
    template = _PACKAGE if artefact.device is None else _DEVICE_PACKAGE
    package = template.format(
        network=artefact.manifest["network"],
        version=artefact.manifest["versions"]["ntkc"],
        folder=name,
        input=artefact.manifest["input"],
        digest=artefact.digest,
        runtime=runtime,
    )
    _write(folder / "__init__.py", package)
    if shipped:
        installed = Path(__file__).parent.parent / "runtime"
        shutil.copytree(
            installed, folder / "_runtime", ignore=shutil.ignore_patterns("__pycache__")
        )


def write_generated(artefact: Artefact, folder: Path) -> None:
    """Write the generated modules and the manifest alone."""
    _write(folder / KERNEL, artefact.generated)
    if artefact.device is not None:
        _write(folder / DEVICE, artefact.device)
    if artefact.near is not None:
        _write(folder / NEAR_FILE, artefact.near)
    manifest = {
        "format": FORMAT,
        "digest": artefact.digest,
        "sha256": _checksum(artefact.generated),
        **({} if artefact.device is None else {"device_sha256": _checksum(artefact.device)}),
        **({} if artefact.near is None else {"near_sha256": _checksum(artefact.near)}),
        **artefact.manifest,
        "program": [file.place for file in artefact.bundle.files],
    }
    _write(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def _parallel(artefact: Artefact, runtime: str) -> str:
    manifest = artefact.manifest
    if manifest["slices"]:
        return '"""Displacement slices run on Python\'s threads alone."""\n\nLOOPS = {}\n'
    root_sets = list(manifest["cost"])
    dtype, complement = manifest["options"]["dtype"], manifest["complement"]
    return parallel_source(artefact.digest, dtype, complement, root_sets, runtime)


def read(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest and the generated source of an artefact that is whole.

    Raises `ValueError` or `OSError` where it is not: a file is missing, torn or changed.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("the manifest is nested too deeply") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError("the manifest is of another format")
    generated = (folder / KERNEL).read_text(encoding="utf-8")
    if manifest.get("sha256") != _checksum(generated):
        raise ValueError("the generated source is not what was written")
    read_device(folder, manifest)
    read_near(folder, manifest)
    return manifest, generated


def read_device(folder: Path, manifest: dict[str, Any]) -> str | None:
    """The CUDA kernels of an artefact for GPUs; None for others. Raises as `read` does."""
    wanted = manifest.get("device_sha256")
    if wanted is None:
        return None
    text = (folder / DEVICE).read_text(encoding="utf-8")
    if wanted != _checksum(text):
        raise ValueError("the CUDA kernels are not what was written")
    return text


def read_near(folder: Path, manifest: dict[str, Any]) -> str | None:
    """The source for nearly coincident inputs; None where there is none. Raises as `read` does."""
    wanted = manifest.get("near_sha256")
    if wanted is None:
        return None
    text = (folder / NEAR_FILE).read_text(encoding="utf-8")
    if wanted != _checksum(text):
        raise ValueError("the source for nearly coincident inputs is not what was written")
    return text


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as stream:
        stream.write(text)
