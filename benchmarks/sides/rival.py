"""The rival: `neural-tangents` under `jax.jit`, used as well as it can be.

Tracing and compiling are asked for ahead of time, so that compile time and first call are two
figures. The result stays in JAX's own buffer: it is not charged for a copy to NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

from benchmarks.protocol import Job
from benchmarks.sides import rival_networks
from benchmarks.sides.data import make_batch


class Rival:
    """Builds the network with the builder the job names, and compiles its kernel function."""

    def load(self) -> None:
        """Import JAX and neural-tangents (which imports TensorFlow)."""
        self._jax = import_module("jax")
        self._numpy = import_module("jax.numpy")
        import_module("neural_tangents")

    def versions(self) -> dict[str, str]:
        """Of the packages whose code runs in a call."""
        return {name: version(name) for name in ("neural-tangents", "jax", "jaxlib", "numpy")}

    def prepare(self, job: Job) -> None:
        """Put the batch on JAX's device, and see that the precision is what was asked for.

        JAX makes float32 of everything unless told otherwise, and told otherwise it makes float64
        of some float32 kernels: the worker's environment decides, one process a precision.
        """
        self._job = job
        self._batch = self._numpy.asarray(make_batch(job))
        _check_dtype("the batch", self._batch, job.dtype)

    def compile(self) -> None:
        """Build, trace, lower and compile the kernel of the batch with itself."""
        builder = getattr(rival_networks, self._job.rival_builder)
        kernel_fn = builder(**self._job.rival_arguments)
        jitted = self._jax.jit(lambda x: kernel_fn(x, None, "ntk"))
        self._kernel = jitted.lower(self._batch).compile()

    def run(self) -> Any:
        """The full square, which is what the rival computes where the matrix is symmetric."""
        return self._kernel(self._batch).block_until_ready()

    def sample(self, result: Any, indices: Sequence[tuple[int, int]]) -> list[float]:
        """Entries of the JAX array."""
        _check_dtype("the kernel", result, self._job.dtype)
        return [float(result[i, j]) for i, j in indices]


def _check_dtype(what: str, array: Any, dtype: str) -> None:
    if str(array.dtype) != dtype:
        raise TypeError(f"{what} is {array.dtype} where the case asks for {dtype}")


def make() -> Rival:
    """The side."""
    return Rival()
