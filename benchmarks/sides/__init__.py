"""The contenders: each knows how to load its library, compile a job, and run it once.

Their libraries live in different environments, so each side imports its own inside `load`, where
the import is timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

from benchmarks.protocol import Job


class Side(Protocol):
    """What the worker's loop asks of a contender; every method but `versions` may be timed."""

    def load(self) -> None:
        """Import the library, from a process that has imported nothing heavy yet."""

    def versions(self) -> dict[str, str]:
        """The versions that the figures belong to."""

    def prepare(self, job: Job) -> None:
        """Make the input data, which counts as nobody's time or memory."""

    def compile(self) -> None:
        """Go from the network's description to something callable."""

    def run(self) -> Any:
        """Compute the whole Gram matrix, and return only when it is there."""

    def sample(self, result: Any, indices: Sequence[tuple[int, int]]) -> list[float]:
        """A few entries of a result, to see that the sides computed the same thing."""


def make_side(module: str) -> Side:
    """The side that a module here knows, which imports no library before it is told to load."""
    side: Side = import_module(f"benchmarks.sides.{module}").make()
    return side
