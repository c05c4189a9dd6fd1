"""Routines: compiled statement by statement, they do what they say as Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

from ntkc.runtime.routine import UnknownSyntaxError, routine
from ntkc.runtime.vectors import load, select, store, wide_vectors

u64, i64, F = np.uint64, np.int64, np.float32

TABLE = np.array([3, 1, 2], dtype=np.int64)
SCALE = 0.75


@njit
def halved(x: Any) -> Any:
    """A helper that Numba compiles, and that may raise."""
    if x > 1e300:
        raise ValueError("too large")
    return 0.5 * x


@routine
def numbers(buffer, size, first, low):  # type: ignore[no-untyped-def]
    """Arithmetic of floats and of whole numbers, loops, choices, calls, tables."""
    total = 0.0
    for i in range(size):
        x = buffer[i]
        y = -x * SCALE + (x - 2.0) / 3.0
        total = total + y
        buffer[i] = select(x, halved(y), math.sin(abs(x)))
    for i in range(u64(1), size, u64(2)):
        buffer[i] += float(i % u64(5))
    for k in range(low // 1, low + 3):
        j = TABLE[k - low] if k < 2 else max(k // 2, -1)
        if -1 <= j < 2:
            buffer[first + u64(j + 1)] = total + j
        else:
            if j == 3:
                buffer[0] = 7.0
            total *= 2.0
    buffer[size - u64(1)] = total


@njit(error_model="numpy")
def call_numbers(buffer: Any, size: Any, first: Any, low: Any) -> None:
    """Twice, with one routine in the code."""
    numbers(buffer, u64(size), u64(first), low)
    numbers(buffer, u64(size), u64(first), low + 1)


@pytest.mark.parametrize("low", [-2, 0, 1])
def test_a_routine_does_what_it_says(low: int) -> None:
    start = np.linspace(-3.0, 3.0, 11)
    compiled, expected = start.copy(), start.copy()
    call_numbers(compiled, 11, 2, low)
    call_numbers.py_func(expected, 11, 2, low)
    assert not np.array_equal(expected, start)
    # Numba and NumPy have sines of their own, which differ by a rounding.
    np.testing.assert_allclose(compiled, expected, rtol=4e-16, atol=4e-16)


@routine
def sums(x, out, size):  # type: ignore[no-untyped-def]
    """Vectors that go from one pass of a loop to the next."""
    wide_vectors()
    before = load(x, u64(0)) * F(0.0)
    for k in range(u64(0), size, u64(16)):
        cell = load(x, k)
        store(out, k, before + cell * F(2.0))
        before = cell


@njit
def call_sums(x: Any, out: Any) -> None:
    """With a float32 buffer."""
    sums(x, out, u64(x.size))


def test_vectors_in_float32() -> None:
    x = np.arange(64, dtype=np.float32)
    out = np.zeros_like(x)
    call_sums(x, out)
    shifted = np.concatenate([np.zeros(16, np.float32), x[:-16]])
    np.testing.assert_array_equal(out, shifted + 2 * x)


def test_errors_of_what_it_calls_are_raised() -> None:
    with pytest.raises(ValueError, match="too large"):
        call_numbers(np.full(11, -1e301), 11, 2, 0)


@routine
def while_loop(buffer):  # type: ignore[no-untyped-def]
    """A loop that no generated function has."""
    while buffer[0] > 0:
        buffer[0] -= 1


@routine
def power(buffer):  # type: ignore[no-untyped-def]
    """An operator that no generated function has."""
    buffer[0] = buffer[0] ** buffer[1]


@routine
def sliced(buffer):  # type: ignore[no-untyped-def]
    """Places that no generated function names."""
    buffer[0:2] = 0.0


@pytest.mark.parametrize("unknown", [while_loop, power, sliced])
def test_what_it_does_not_know_is_an_error(unknown: Callable[..., None]) -> None:
    @njit
    def call(buffer: Any) -> None:
        unknown(buffer)

    with pytest.raises(UnknownSyntaxError):
        call(np.ones(3))
