"""The peak of this process's memory, as the operating system counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_UNITS_PER_MIB = 2**20 if sys.platform == "darwin" else 2**10


def peak_mib() -> float:
    """The largest resident set since the start, or since the last `forget_peak`."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _UNITS_PER_MIB


def forget_peak() -> None:
    """Lower the high-water mark to what is resident now, where the system can (Linux).

    Without this an import's passing peak would hide what comes after it. Elsewhere the mark only
    rises, and differences of it are lower bounds.
    """
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")
