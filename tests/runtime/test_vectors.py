"""Vectors as values: what compiled code makes of them is what the functions say in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from ntkc.runtime import vectors
from ntkc.runtime.vectors import (
    accumulate,
    load,
    maximum,
    minimum,
    power_of_two,
    safe_inverse_sqrt,
    safe_sqrt,
    select,
    store,
    wide_vectors,
    zeros,
)

LANES = {"float32": 16, "float64": 8}


def formulas(x: Any, y: Any, out: Any, half: Any) -> None:
    """Everything that vectors can do, a result each; `half` is a number of their type."""
    wide_vectors()
    size = out.size // 16
    a, b = load(x, 0), load(y, 0)
    store(out, 0 * size, a + b * half)
    store(out, 1 * size, half - a)
    store(out, 2 * size, a / b)
    store(out, 3 * size, -abs(a))
    store(out, 4 * size, minimum(a, b))
    store(out, 5 * size, maximum(half, a))
    store(out, 6 * size, select(a, b, half))
    store(out, 7 * size, safe_sqrt(a))
    store(out, 8 * size, safe_inverse_sqrt(a))
    store(out, 9 * size, power_of_two(b))
    store(out, 10 * size, half)
    store(out, 11 * size, zeros(x))
    store(out, 12 * size, load(x, size))
    store(out, 13 * size, select(a, half, half) * a)


COMPILED = njit(error_model="numpy")(formulas)


@pytest.mark.parametrize("dtype", LANES)
def test_compiled_vectors_do_what_numpy_does(dtype: str) -> None:
    lanes = LANES[dtype]
    x = np.linspace(-2.0, 2.0, 2 * lanes).astype(dtype)
    x[:3] = 0.0, -0.0, 1e-30
    y = np.arange(-lanes, lanes, dtype=dtype) - 3
    half = np.dtype(dtype).type(0.5)
    found, expected = np.full((2, 16 * lanes), 7.0, dtype)
    COMPILED(x, y, found, half)
    with np.errstate(all="ignore"):
        formulas(x, y, expected, half)
    np.testing.assert_array_equal(found, expected)
    assert (found[14 * lanes :] == 7.0).all()  # and nothing beyond


@pytest.mark.parametrize("dtype", LANES)
def test_totals_are_float64(dtype: str) -> None:
    def add(x: Any, totals: Any) -> None:
        accumulate(totals, 1, load(x, 0), 0.3)

    lanes = LANES[dtype]
    x = (np.arange(lanes) / 7).astype(dtype)
    found, expected = np.ones((2, lanes + 2))
    njit(add)(x, found)
    add(x, expected)
    np.testing.assert_allclose(found, expected, rtol=1e-15, atol=0)
    assert found[0] == found[-1] == 1.0


def test_roots_are_good_to_the_last_place_at_every_size() -> None:
    def root(x: Any, out: Any) -> None:
        for k in range(0, x.size, 8):
            store(out, k, safe_sqrt(load(x, k)))

    random = np.random.default_rng(0)
    x = random.uniform(1.0, 2.0, 4096) * 2.0 ** random.integers(-1022, 1023, 4096)
    x[:4] = 5e-324, 2.0**-1022, np.finfo(np.float64).max, 1.0
    found = np.empty(4096)
    njit(error_model="numpy")(root)(x, found)
    np.testing.assert_array_max_ulp(found, np.sqrt(x), 1)
    x[:3] = 0.0, -0.0, -1.0
    njit(error_model="numpy")(root)(x, found)
    assert (found[:3] == 0.0).all()


def test_a_comparison_with_nan_gives_the_second() -> None:
    def choose(x: Any, y: Any, out: Any) -> None:
        store(out, 0, minimum(load(x, 0), load(y, 0)))
        store(out, 8, maximum(load(x, 0), load(y, 0)))
        store(out, 16, select(load(x, 0), load(y, 0), load(y, 8)))

    x, y = np.full(8, np.nan), np.arange(16.0)
    found, expected = np.empty((2, 24))
    njit(choose)(x, y, found)
    choose(x, y, expected)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, [*y[:8], *y[:8], *y[8:]])


def test_types_do_not_mix() -> None:
    def mixed(x: Any, y: Any) -> None:
        store(x, 0, load(x, 0) + load(y, 0))

    with pytest.raises(TypingError):
        njit(mixed)(np.zeros(16, np.float32), np.zeros(8))

    def integers(x: Any) -> None:
        store(x, 0, load(x, 0))

    with pytest.raises(TypingError):
        njit(integers)(np.zeros(16, np.int64))


def test_registers_are_asked_for_at_their_full_width() -> None:
    compiled = njit(error_model="numpy")(formulas)
    compiled(*np.zeros((3, 16 * 16), np.float32), np.float32(0.5))
    (text,) = compiled.inspect_llvm().values()
    assert '"prefer-vector-width"="512"' in text
    assert vectors.BYTES == 64
