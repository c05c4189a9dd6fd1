"""Derivatives by parameters against differences of the recursion in 55 digits, where it is hard:
nearly coincident pairs, zeros, scaled rows, and depth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ntkc.runtime.errors import ArgumentError
from tests.backends.kernels import BASE, ROOTS, hard_pairs, network
from tests.backends.kernels import exact as exact_kernel
from tests.gradients.oracle import Array, derived, rates

EXACT = 1e-13
"""Relative to sqrt(k(x, x) k(z, z)): a derivative is a sum of terms of that size over the
parameter's, and each layer adds a few roundings."""
BEFORE = "param w = 1.4\nparam b = 0.3\n"
DENSE = "dense(w_std = w, b_std = b)"
NETWORKS = {
    "alone": network(DENSE, before=BEFORE),
    "relu": network(f"{{ {DENSE} -> relu }} * 3", "dense", before=BEFORE),
    "no bias": network("{ dense(w_std = w) -> relu } * 2", "dense(b_std = b)", before=BEFORE),
    "erf": network(f"{{ {DENSE} -> erf }} * 2", "dense", before=BEFORE),
    "gelu": network(f"{{ {DENSE} -> gelu }} * 3", "dense", before=BEFORE),
    "deep erf": network(f"{{ {DENSE} -> erf }} * 6", "dense", before=BEFORE),
    "erf, relu": network(f"{DENSE} -> erf -> {DENSE} -> relu -> dense", before=BEFORE),
    "gabor, relu": network(f"{DENSE} -> gabor -> {DENSE} -> relu -> dense", before=BEFORE),
    "layer_norm": network(f"{{ {DENSE} -> layer_norm -> relu }} * 2", "dense", before=BEFORE),
    "residual": network(DENSE, f"add(identity, relu -> {DENSE}) * 3", "relu", before=BEFORE),
    "dropout": network(
        f"{{ {DENSE} -> relu -> dropout(b) }} * 2", "dense -> erf -> dense -> relu", before=BEFORE
    ),
    "slope": network(f"{{ {DENSE} -> leaky_relu(slope = b) }} * 2", "dense", before=BEFORE),
    "sign": network(f"{DENSE} -> relu -> dense -> sign -> dense(w_std = w)", before=BEFORE),
    "multiply": network(DENSE, f"multiply(relu -> {DENSE} -> erf, identity)", before=BEFORE),
    "normalize": network("normalize", f"{{ {DENSE} -> relu }} * 3", "dense", before=BEFORE),
    "standard": network(
        "dense(units = 51, b_std = b, parameterization = standard) -> relu",
        "dense(w_std = w, parameterization = standard, b_std = 0.3)",
        before=BEFORE,
    ),
}  # fmt: skip


def worst(text: str, x1: Array, x2: Array, dtype: str = "float64", **given: float) -> float:
    """The largest error of values and of derivatives by all parameters."""
    made = derived(text, dtype)
    scales = exact_kernel(text, x1, x2, **given)
    errors = []
    for root in ROOTS:
        value, gradient = made.value_and_gradient(x1, x2, get=root, **given)
        scale = np.where(scales[f"{root}_scale"] > 0, scales[f"{root}_scale"], 1.0)
        assert np.isfinite(value).all()
        assert list(gradient) == list(made.parameters)
        errors.append(np.abs(value - scales[root]) / scale)
        for name, found in gradient.items():
            assert np.isfinite(found).all()
            truth = rates(text, x1, x2, name, **given)[root]
            errors.append(np.abs(found - truth) / scale)
    return float(np.max(errors))


@pytest.mark.parametrize("name", NETWORKS)
def test_hard_pairs(name: str) -> None:
    x1, x2 = hard_pairs((0.0, 1e-8, 1e-5, 1e-3, 0.06, 0.5, 2.0, 3.0))
    if name == "sign":  # sees the angle itself: half of the digits near coincidence
        x1, x2 = x1[:1], x2[3:8]
    assert worst(NETWORKS[name], x1, x2) <= EXACT


def test_other_values_of_parameters() -> None:
    """A scale of zero is one too, where a root of a square has a kink."""
    x1, x2 = hard_pairs((0.0, 1e-5, 0.5, 2.0))
    for given in ({"w": 0.7, "b": 1.1}, {"w": 1.4, "b": 0.0}, {"w": 0.0, "b": 0.2}):
        assert worst(NETWORKS["relu"], x1, x2, **given) <= EXACT
        assert worst(NETWORKS["erf"], x1, x2, **given) <= EXACT


def test_depth() -> None:
    """Forty layers add their roundings."""
    text = network(f"{{ {DENSE} -> relu }} * 40", "dense", before=BEFORE)
    assert worst(text, *hard_pairs((0.0, 1e-6, 0.1, 2.0))) <= 5 * EXACT


@pytest.mark.parametrize("name", ["relu", "erf", "erf, relu"])
def test_float32(name: str) -> None:
    """A few roundings (6e-8) a layer, as the kernel's own."""
    x1, x2 = (x.astype(np.float32) for x in hard_pairs((0.0, 1e-4, 0.06, 1.0)))
    assert worst(NETWORKS[name], x1, x2[:-1], "float32") <= 1e-5


@pytest.mark.parametrize("name", ["relu", "erf", "residual", "layer_norm"])
def test_gram_matrices(name: str) -> None:
    """Exactly symmetric, near duplicates and zeros included, and right on the diagonal."""
    _, x = hard_pairs((0.0, 1e-8, 0.1, 1.0))
    made = derived(NETWORKS[name])
    for root in ROOTS:
        value, gradient = made.value_and_gradient(x, get=root)
        assert (value == value.T).all()
        for name_, found in gradient.items():
            assert (found == found.T).all()
            truth = rates(NETWORKS[name], x, x[:1], name_)[f"{root}_diagonal"]
            scale = np.abs(np.diag(value)) + 1e-300
            assert (np.abs(np.diag(found) - truth) <= EXACT * scale).all()


def test_float32_between_duplicates() -> None:
    """A batch with equal rows: entries of the pair are those of the diagonal."""
    x = np.stack([BASE, BASE, 2 * BASE]).astype(np.float32)
    made = derived(NETWORKS["relu"], "float32")
    for found in made.value_and_gradient(x).gradient.values():
        assert found[0, 1] == pytest.approx(found[0, 0], rel=1e-6)
        assert found.dtype == np.float32


def test_contraction() -> None:
    """With a cotangent the gradient is that of a sum: a number for each parameter."""
    rng = np.random.default_rng(3)
    x, z = rng.standard_normal((5, 7)), rng.standard_normal((4, 7))
    made = derived(NETWORKS["relu"])
    for second in (None, z):
        whole = made.value_and_gradient(x, second)
        weights = rng.standard_normal(whole.value.shape)
        found = made.value_and_gradient(x, second, cotangent=weights)
        assert (found.value == whole.value).all()
        for name, gradient in whole.gradient.items():
            assert isinstance(found.gradient[name], float)
            assert found.gradient[name] == pytest.approx((weights * gradient).sum(), rel=1e-13)


def test_some_parameters_in_their_order() -> None:
    x = hard_pairs((0.5, 1.0))[1]
    made = derived(NETWORKS["relu"])
    whole = made.value_and_gradient(x).gradient
    for wrt in ("b", ("b", "w"), ["w"]):
        found = made.value_and_gradient(x, wrt=wrt).gradient
        assert list(found) == ([wrt] if isinstance(wrt, str) else list(wrt))
        for name, gradient in found.items():
            assert np.abs(gradient - whole[name]).max() <= EXACT * np.abs(whole[name]).max()


def test_a_parameter_without_effect() -> None:
    text = network("dense -> relu -> dense(w_std = w, b_std = 0 * b)", before=BEFORE)
    gradient = derived(text).value_and_gradient(hard_pairs((0.5,))[1]).gradient
    assert (gradient["b"] == 0).all()
    assert (gradient["w"] != 0).any()


MOVING = "activation ramp(z, t = 1) = max(z - t, 0)\nparam lo = -0.5\nparam hi = 0.5\n"
THRESHOLDS = {
    "clip(low = lo, high = hi)": ("lo", "hi"),
    "soft_shrink(threshold = hi)": ("hi",),
    "ramp(t = lo)": ("lo",),
}


@pytest.mark.parametrize("call", THRESHOLDS)
def test_small_thresholds(call: str) -> None:
    """1e-10: the derivative is of angles whose legs are as small as the threshold."""
    text = network(f"dense(w_std = 0.9) -> {call} -> dense", before=MOVING)
    x1, x2 = hard_pairs((1e-5, 0.5))
    given = {"lo": -1e-5, "hi": 1e-5 if call.startswith("soft") else 1.0}
    taken = {name: given[name] for name in THRESHOLDS[call]}
    assert worst(text, x1[:1], x2[:3], **taken) <= 1e-10


@pytest.mark.parametrize("call", THRESHOLDS)
def test_no_derivative_by_a_threshold_at_0(call: str) -> None:
    """Which was any number up to 1e152; by what else moves there is one."""
    text = network(f"dense(w_std = w) -> {call} -> dense", before=MOVING + "param w = 1.1\n")
    made, x = derived(text), hard_pairs((0.5, 2.0))[1][:4]
    for name in THRESHOLDS[call]:
        with pytest.raises(ArgumentError, match="for a derivative by a threshold, its square must"):
            made.value_and_gradient(x, wrt=name, **{name: 0.0})
        truth = rates(text, x, x, "w", **{name: 0.0})["ntk"]
        found = made.value_and_gradient(x, wrt="w", **{name: 0.0}).gradient["w"]
        off = ~np.eye(len(x), dtype=bool)
        assert np.abs(found - truth)[off].max() <= EXACT * np.abs(truth).max() * 10


def test_the_oracle_takes_numbers_of_its_own() -> None:
    """Parameters in 55 digits are not rounded: a step of 1e-12 is seen to 40 digits."""
    from tests.gradients.oracle import _ARITHMETIC, STEP, exact, recursion

    text = NETWORKS["alone"]
    x = exact(BASE[None])
    moved = _ARITHMETIC.number(1.4) + STEP
    ends: list[Any] = [recursion(text, x, x, {"w": w, "b": 0.3})["nngp"] for w in (moved, 1.4)]
    expected = (moved**2 - _ARITHMETIC.number(1.4) ** 2) * (x * x).sum() / 7
    assert abs((ends[0] - ends[1])[0, 0] - expected) < 1e-40
