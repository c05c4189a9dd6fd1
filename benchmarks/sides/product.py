"""The product: `ntkc` through its public interface, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.protocol import Job
from benchmarks.sides.data import make_batch


class Product:
    """Compiles the `.ntk` source of the job and calls the compiled kernel."""

    def load(self) -> None:
        """Import ntkc and what it pulls in."""
        self._ntkc = import_module("ntkc")

    def versions(self) -> dict[str, str]:
        """Of ntkc, and of the libraries that generate code and multiply matrices."""
        return {name: _version(name) for name in ("ntkc", "numba", "llvmlite", "numpy")}

    def prepare(self, job: Job) -> None:
        """Make the batch."""
        self._job = job
        self._batch = make_batch(job)

    def compile(self) -> None:
        """Compile from source text, without a network's name: the source holds one network."""
        self._kernel = self._ntkc.compile(source=self._job.source, dtype=self._job.dtype)

    def run(self) -> Any:
        """The symmetric NTK Gram matrix."""
        return self._kernel(self._batch, threads=self._job.threads)

    def sample(self, result: Any, indices: Sequence[tuple[int, int]]) -> list[float]:
        """Entries of the NumPy array that a kernel returns."""
        return [float(result[i, j]) for i, j in indices]


def _version(package: str) -> str:
    """A checkout that was never installed can be imported all the same, and has no metadata."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def make() -> Product:
    """The side."""
    return Product()
