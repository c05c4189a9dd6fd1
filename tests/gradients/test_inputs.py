"""Gradients by inputs against differences of the recursion in 55 digits."""

from __future__ import annotations

import numpy as np
import pytest

from tests.backends.kernels import BASE, ROOTS, at_angles, hard_pairs, network
from tests.backends.kernels import exact as exact_kernel
from tests.gradients.oracle import STEP, Array, derived, rates, slopes
from tests.gradients.test_parameters import BEFORE, DENSE, NETWORKS

EXACT = 1e-12
"""Relative to sqrt(k(x, x) k(z, z)) / |x|, for directions of length 1."""
DIRECTION = np.random.default_rng(5).standard_normal(7)
DIRECTION /= np.linalg.norm(DIRECTION)


def _by_pairs(made: object, x1: Array, x2: Array, root: str) -> Array:
    """The derivative of every entry along DIRECTION, one cotangent at a time."""
    found = np.empty((len(x1), len(x2)))
    for i, j in np.ndindex(found.shape):
        cotangent = np.zeros(found.shape)
        cotangent[i, j] = 1.0
        _, gradient = made.value_and_gradient(  # type: ignore[attr-defined]
            x1, x2, get=root, wrt="x1", cotangent=cotangent
        )
        assert np.isfinite(gradient["x1"]).all()
        assert (np.delete(gradient["x1"], i, axis=0) == 0).all()
        found[i, j] = gradient["x1"][i] @ DIRECTION
    return found


def check_inputs(
    text: str,
    x1: Array,
    x2: Array,
    limit: float | Array,
    dtype: str = "float64",
    step: float = STEP,
) -> None:
    """Hold derivatives by the first inputs to the recursion's."""
    scales = exact_kernel(text, x1, x2)
    norms = np.linalg.norm(x1, axis=1)[:, None]
    for root in ROOTS:
        scale = scales[f"{root}_scale"] / np.where(norms > 0, norms, 1.0)
        truth = slopes(text, x1, x2, DIRECTION, step)[root]
        found = _by_pairs(derived(text, dtype), x1, x2, root)
        assert (np.abs(found - truth) <= limit * np.where(scale > 0, scale, 1.0)).all(), root


def _pairs(angles: tuple[float, ...]) -> tuple[Array, Array]:
    """`hard_pairs`, with multiples that are not rounded: a kernel with a kink is not told apart
    from its mirror image by differences of 1e-12, but by an angle of 1e-17 it is.
    """
    x1, x2 = hard_pairs(angles)
    return x1, np.concatenate([x2[:-4], np.outer([2.0, 0.0, 2.0**-10, 32.0], BASE)])


SMOOTH = ["alone", "erf", "gelu", "deep erf"]
KINKED = ["relu", "no bias", "erf, relu", "layer_norm", "residual", "dropout", "slope", "normalize"]


@pytest.mark.parametrize("name", [*SMOOTH, *KINKED])
def test_pairs(name: str) -> None:
    """At every angle from 1e-3, at coincidence, and against multiples and zeros."""
    x1, x2 = _pairs((0.0, 1e-3, 0.06, 0.5, 2.0, 3.0))
    check_inputs(NETWORKS[name], x1[:1], x2, EXACT)


@pytest.mark.parametrize("name", ["relu", "erf, relu", "residual"])
def test_small_angles(name: str) -> None:
    """The direction from one input to the other is known to eps over their angle."""
    angles = np.array([1e-8, 1e-7, 1e-6, 1e-5, 1e-4])
    x2 = at_angles(BASE, angles)
    check_inputs(NETWORKS[name], BASE[None], x2, 8 * np.finfo(float).eps / angles + EXACT)


@pytest.mark.parametrize("name", ["relu", "erf", "erf, relu", "residual"])
def test_at_zeros(name: str) -> None:
    """With biases a kernel is differentiable at a row of zeros."""
    _, x2 = _pairs((0.5, 2.0))
    check_inputs(NETWORKS[name], 0 * BASE[None], x2, EXACT)
    check_inputs(
        NETWORKS[name], 0 * BASE[None].astype(np.float32), x2.astype(np.float32), 1e-5, "float32"
    )


def test_at_zeros_without_bias() -> None:
    """|x| times a function of the angle has no gradient at 0: finite all the same, and for one
    layer, whose odd part is linear, the mean over opposite directions.
    """
    _, x2 = _pairs((0.5, 2.0))
    made = derived(NETWORKS["no bias"])
    rows = np.stack([0 * BASE, BASE, 0 * BASE])
    cotangent = np.ones((3, 3))
    assert np.isfinite(made.value_and_gradient(rows, wrt="x1", cotangent=cotangent)[1]["x1"]).all()
    text = network("dense(w_std = w, b_std = 0 * b) -> relu -> dense", before=BEFORE)
    found = _by_pairs(derived(text), 0 * BASE[None], x2, "nngp")
    truth = slopes(text, 0 * BASE[None], x2, DIRECTION)["nngp"]
    assert np.abs(found - truth).max() <= EXACT


@pytest.mark.parametrize("name", ["relu", "erf", "erf, relu"])
def test_float32(name: str) -> None:
    x1, x2 = (x.astype(np.float32) for x in _pairs((0.0, 1e-2, 0.06, 1.0, 2.0)))
    check_inputs(NETWORKS[name], x1[:1], x2[:-1], 1e-4, "float32")


@pytest.mark.parametrize("name", ["relu", "erf", "erf, relu", "normalize"])
def test_gram_matrices(name: str) -> None:
    """One batch in both places: what its rows do to rows, columns and the diagonal."""
    rng = np.random.default_rng(7)
    x = np.concatenate([rng.standard_normal((4, 7)), at_angles(BASE, [0.0, 1e-3]), BASE[None]])
    x[0] *= 3.0
    cotangent = rng.standard_normal((7, 7))
    made = derived(NETWORKS[name])
    for root in ROOTS:
        value, gradient = made.value_and_gradient(x, get=root, wrt="x1", cotangent=cotangent)
        assert (value == value.T).all()
        assert np.abs(value - made(x, get=root)).max() <= EXACT * value.max()
        both = slopes(NETWORKS[name], x, x, DIRECTION)[root]
        np.fill_diagonal(both, 0.0)
        single = slopes(NETWORKS[name], x, x[:1], DIRECTION)[f"{root}_diagonal"]
        truth = ((cotangent + cotangent.T) * both).sum(axis=1) + cotangent.diagonal() * single
        assert np.abs(gradient["x1"] @ DIRECTION - truth).max() <= 1e-11 * np.abs(truth).max()


def test_both_inputs_and_parameters() -> None:
    """Everything at once is what each is alone, and `x2` is `x1` of the transposed kernel."""
    rng = np.random.default_rng(8)
    x, z = rng.standard_normal((5, 7)), rng.standard_normal((3, 7))
    cotangent = rng.standard_normal((5, 3))
    made = derived(NETWORKS["relu"])
    value, gradient = made.value_and_gradient(x, z, wrt=("x2", "w", "x1"), cotangent=cotangent)
    assert list(gradient) == ["x2", "w", "x1"]
    assert gradient["x1"].shape == x.shape
    assert gradient["x2"].shape == z.shape
    turned = made.value_and_gradient(z, x, wrt="x1", cotangent=cotangent.T)
    np.testing.assert_allclose(gradient["x2"], turned.gradient["x1"], rtol=1e-13)
    np.testing.assert_allclose(value, turned.value.T, rtol=1e-14)
    truth = (cotangent * rates(NETWORKS["relu"], x, z, "w")["ntk"]).sum()
    assert gradient["w"] == pytest.approx(truth, rel=1e-12)


def test_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are taken block by block; where a block ends changes nothing but roundings."""
    rng = np.random.default_rng(9)
    x = rng.standard_normal((23, 7))
    x[11] = x[3]
    cotangent = rng.standard_normal((23, 23))
    made = derived(NETWORKS["relu"])
    whole = made.value_and_gradient(x, wrt="x1", cotangent=cotangent)
    monkeypatch.setattr("ntkc.runtime.slopes._BLOCK_BYTES", 23 * 8 * 4)
    monkeypatch.setattr("ntkc.runtime.slopes._MIRRORED", 5)
    parts = made.value_and_gradient(x, wrt="x1", cotangent=cotangent)
    np.testing.assert_allclose(parts.gradient["x1"], whole.gradient["x1"], rtol=1e-11, atol=1e-13)
    assert (parts.value == parts.value.T).all()
    np.testing.assert_allclose(parts.value, whole.value, rtol=1e-14)


def test_normalized_inputs() -> None:
    """Where inputs lie on a sphere, the kernel is a function of directions: gradients are tangent
    to the sphere.
    """
    text = network(f"{{ {DENSE} -> relu }} * 2", "dense", size="7 normalized", before=BEFORE)
    text = text.replace("vector[7 normalized]", "vector[7] normalized")
    rng = np.random.default_rng(10)
    x = rng.standard_normal((4, 7))
    x /= np.sqrt(np.mean(x**2, axis=1, keepdims=True))
    cotangent = rng.standard_normal((4, 4))
    gradient = derived(text).value_and_gradient(x, wrt="x1", cotangent=cotangent).gradient["x1"]
    assert np.abs((gradient * x).sum(axis=1)).max() <= 1e-13
    assert np.abs(gradient).max() > 0.01
