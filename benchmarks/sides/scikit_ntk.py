"""Another rival: `scikit-ntk`, a kernel for scikit-learn's Gaussian processes, in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

from benchmarks.protocol import Job
from benchmarks.sides.data import make_batch


class ScikitNtk:
    """Calls the kernel of the depth and the bias that the job names."""

    def load(self) -> None:
        """Import scikit-ntk, and scikit-learn with it."""
        self._skntk = import_module("skntk")

    def versions(self) -> dict[str, str]:
        """Of the packages whose code runs in a call."""
        return {name: version(name) for name in ("scikit-ntk", "scikit-learn", "numpy")}

    def prepare(self, job: Job) -> None:
        """Make the batch."""
        self._job = job
        self._batch = make_batch(job)

    def compile(self) -> None:
        """Make the kernel object: there is nothing to compile."""
        arguments = self._job.rival_arguments
        self._depth, self._bias = int(arguments["depth"]), float(arguments["bias"])
        self._kernel = self._skntk.NeuralTangentKernel(self._depth, self._bias)

    def run(self) -> Any:
        """The full square, which is what it computes where the matrix is symmetric."""
        return self._kernel(self._batch)

    def sample(self, result: Any, indices: Sequence[tuple[int, int]]) -> list[float]:
        """Entries without the factor 1 / ((depth + 1)(bias² + 1)) that it has in the end."""
        scale = (self._depth + 1) * (self._bias**2 + 1)
        return [float(result[i, j]) * scale for i, j in indices]


def make() -> ScikitNtk:
    """The side."""
    return ScikitNtk()
