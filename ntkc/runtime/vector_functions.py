"""What vectors of 64 bytes do, said with NumPy: what generated loops over lanes are made of.

Interpreted (`NUMBA_DISABLE_JIT`), a vector is a small array. Compiled, it is a type of its own
(`vector_code.py`), and the functions do the same.

Choices and roots take numbers too. As one instruction each they are no branches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BYTES = 64
"""Of a vector: `LANES` of generated modules are this over the size of a number."""


def wide_vectors() -> None:
    """Let loops of the function that calls this have registers of 64 bytes where there are any.

    For some processors LLVM takes half of that unless it is asked.
    """


def load(buffer: Any, at: Any) -> Any:
    """The vector that begins at an offset of a buffer."""
    at = int(at)
    return buffer[at : at + BYTES // buffer.itemsize].copy()


def store(buffer: Any, at: Any, value: Any) -> None:
    """Put a vector, or one number in every lane, at an offset of a buffer."""
    at = int(at)
    buffer[at : at + BYTES // buffer.itemsize] = value


def zeros(buffer: Any) -> Any:
    """The vector of zeros that fits a buffer."""
    return np.zeros(BYTES // buffer.itemsize, buffer.dtype)


def accumulate(totals: Any, at: Any, value: Any, scale: Any) -> None:
    """Add a vector times a number to as many float64 at an offset of a buffer."""
    at = int(at)
    totals[at : at + value.size] += value.astype(np.float64) * scale


def safe_sqrt(x: Any) -> Any:
    """The square root, and 0 for what is below 0."""
    return np.sqrt(np.maximum(x, x * 0))


def safe_inverse_sqrt(x: Any) -> Any:
    """1 / sqrt(x), and 0 for what is not above 0."""
    positive = x > 0
    return np.where(positive, 1 / np.sqrt(np.where(positive, x, x * 0 + 1)), x * 0)


def select(condition: Any, yes: Any, no: Any) -> Any:
    """Lane by lane `yes` where the condition is above 0, else `no`."""
    return np.where(condition > 0, yes, no)


def minimum(x: Any, y: Any) -> Any:
    """Lane by lane the smaller one; the second where they do not compare."""
    return np.where(x < y, x, y)


def maximum(x: Any, y: Any) -> Any:
    """Lane by lane the larger one; the second where they do not compare."""
    return np.where(x > y, x, y)


def power_of_two(exponent: Any) -> Any:
    """2 ** exponent for whole exponents within the range of the numbers."""
    return np.exp2(exponent)
