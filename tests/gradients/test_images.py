"""Gradients by inputs on positions, against differences of the recursion in 55 digits."""

from __future__ import annotations

import numpy as np
import pytest

import ntkc
from ntkc.runtime.errors import ArgumentError, MemoryBudgetError
from tests.gradients.oracle import Array, derived, slopes
from tests.gradients.test_positions import BODIES, HEAD, batches

DIRECTION = np.random.default_rng(3).standard_normal((3, 2, 2))
SAMPLE = ("flatten", "pool", "dropout")
EXACT = 1e-13
"""Relative to the largest derivative: some dozens of roundings."""


def program(name: str) -> str:
    return HEAD + f"    {BODIES[name]}\n}}\n"


def along(gradient: Array) -> Array:
    """The derivatives along DIRECTION of every image."""
    return np.asarray((gradient * DIRECTION).sum(axis=(1, 2, 3)))


@pytest.mark.parametrize(
    "name", [n if n in SAMPLE else pytest.param(n, marks=pytest.mark.slow) for n in BODIES]
)
def test_pairs_and_gram_matrices(name: str) -> None:
    """Also of an image with itself, where every pair of positions p = p' coincides."""
    text, (x1, x2) = program(name), batches()
    cotangent = np.random.default_rng(4).standard_normal((2, 2))
    for root in ("ntk", "nngp"):
        kernel = derived(text)
        value, gradient = kernel.value_and_gradient(
            x1, x2, get=root, wrt=("x2", "x1"), cotangent=cotangent
        )
        np.testing.assert_array_equal(value, kernel(x1, x2, get=root))
        assert list(gradient) == ["x2", "x1"]
        first = slopes(text, x1, x2, DIRECTION)[root]
        second = slopes(text, x2, x1, DIRECTION)[root].T
        limit = EXACT * max(np.abs(first).max(), np.abs(second).max())
        assert np.abs(along(gradient["x1"]) - (cotangent * first).sum(axis=1)).max() <= limit
        assert np.abs(along(gradient["x2"]) - (cotangent * second).sum(axis=0)).max() <= limit
        own = slopes(text, x1, x1, DIRECTION)
        np.fill_diagonal(own[root], 0.0)
        both = (cotangent + cotangent.T) * own[root]
        truth = both.sum(axis=1) + cotangent.diagonal() * own[f"{root}_diagonal"]
        found = kernel.value_and_gradient(x1, get=root, wrt="x1", cotangent=cotangent).gradient
        assert np.abs(along(found["x1"]) - truth).max() <= EXACT * np.abs(truth).max()


def test_through_the_compiler_in_blocks() -> None:
    """A budget for one pair at a time gives what a large one gives."""
    text = program("pool")
    rng = np.random.default_rng(5)
    x, cotangent = rng.standard_normal((3, 3, 2, 2)), rng.standard_normal((3, 3))
    kernel = ntkc.compile(source=text)
    whole = kernel.value_and_gradient(x, wrt=("x1", "w"), cotangent=cotangent)
    one = kernel.value_and_gradient(x, wrt="x1", cotangent=cotangent, memory="200 KiB")
    np.testing.assert_allclose(one.gradient["x1"], whole.gradient["x1"], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(whole.value, kernel(x), rtol=1e-14)
    alone = kernel.value_and_gradient(x, wrt="w", cotangent=cotangent).gradient["w"]
    assert whole.gradient["w"] == alone
    large = derived(
        HEAD.replace("3, 2, 2", "8, 8, 1") + "    conv(3, w_std = w) -> relu -> flatten\n}\n"
    )
    with pytest.raises(MemoryBudgetError, match="all pairs of positions"):
        large.value_and_gradient(
            np.ones((1, 8, 8, 1)), wrt="x1", cotangent=[[1.0]], memory="300 KiB"
        )
    with pytest.raises(ArgumentError, match="needs a cotangent"):
        kernel.value_and_gradient(x, wrt="x1")


def test_equal_images_and_zeros() -> None:
    """Everything is finite; equal images in two places have half the gradient each of one."""
    text, (x, _) = program("flatten"), batches()
    kernel = derived(text)
    rows = np.concatenate([x[:1], x[:1], 0 * x[:1]])
    found = kernel.value_and_gradient(rows, wrt="x1", cotangent=np.ones((3, 3))).gradient["x1"]
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], found[1], rtol=1e-13)
