"""Variances of 1e16 and more, whose squares no longer hold a 1."""

from __future__ import annotations

import numpy as np
import pytest

import ntkc
from ntkc.activations import load
from ntkc.ir.node import function, symbol, topological
from ntkc.runtime import ArgumentError, ArrayError
from ntkc.symbolic.held import is_difference
from tests.backends.kernels import uncompiled

OWN = {
    "own_gelu": "z * Phi(z)",
    "own_erf": "erf(2 * z)",
    "mixture": "z * Phi(z) + erf(z / 2)",
    "bell": "exp(-z^2)",
    "bump": "z * exp(-z^2 / 2)",
    "wave": "exp(-z^2) * cos(3 * z)",
    "squared": "z^2 * Phi(z)",
}
NAMED = ("gelu", "erf", "sigmoid_like", "gabor", "gaussian")
VARIANCES = (1e12, 1e16, 1e18, 1e25, 1e60)


def rays(variance: float) -> np.ndarray:
    """Inputs of which many lie on one ray, or nearly, or opposite."""
    x = np.random.default_rng(0).standard_normal((24, 3))
    x[1], x[2], x[3] = -x[0], x[0] * (1 + 1e-15), 2 * x[0]
    x[4] = x[0] + 1e-9 * x[4]
    x[5:20] = x[5] * np.linspace(0.5, 2.0, 15)[:, None]
    return x * np.sqrt(variance)


def kernel_of(activation: str) -> object:
    definition = f"activation {activation}(z) = {OWN.get(activation)}\n" * (activation in OWN)
    return uncompiled(
        f"{definition}network n {{ input vector[3]; dense -> {activation} -> dense }}"
    )


@pytest.mark.parametrize("activation", [*NAMED, *OWN])
def test_kernels_are_numbers(activation: str) -> None:
    """They were lost where a rounding made p q - c^2 less than -(1 + p + q)."""
    kernel = kernel_of(activation)
    for variance in VARIANCES:
        found = kernel(rays(variance), get=("nngp", "ntk"))  # type: ignore[operator]
        assert np.isfinite(found.nngp).all()
        assert np.isfinite(found.ntk).all()


@pytest.mark.parametrize(("smooth", "limit"), [("gelu", "relu"), ("own_gelu", "relu"),
                                               ("own_erf", "sign")])  # fmt: skip
def test_they_are_those_of_the_limit(smooth: str, limit: str) -> None:
    """gelu at a scale of 1e9 is relu, erf is sign: to 1/scale, and to the root of a rounding of the
    correlation, which their covariances carry.
    """
    for variance in (1e18, 1e25):
        x = rays(variance)
        found, expected = (kernel_of(a)(x, get="nngp") for a in (smooth, limit))  # type: ignore[operator]
        sizes = np.sqrt(np.diagonal(expected))
        assert np.abs((found - expected) / np.outer(sizes, sizes)).max() < 1e-7


def test_only_such_differences_are_held() -> None:
    c, p, q, eta, s = map(symbol, ("c", "p", "q", "eta", "s"))
    covariance = function("sqrt", p) * function("sqrt", q) * (1.0 - eta)
    assert is_difference(p * q - c * c)
    assert is_difference((s * p) * (s * q) - (s * c) * (s * c))
    assert is_difference(p * q - covariance * covariance)
    assert not is_difference(p * p - c * c)
    assert not is_difference(p * q - s * s)
    assert not is_difference((s * p) * (s * q) - c * c)
    assert not is_difference(p * q - p * c)
    for name in ("gelu", "erf", "gabor"):
        forms = load(name).bind().forms()
        for part in (forms.dual, forms.dual_dot):
            nodes = list(topological((part,)))
            bare = [n for n in nodes if n.op != "max" and any(map(is_difference, n.args))]
            assert not bare
            assert any(is_difference(n) for n in nodes)


@pytest.mark.parametrize(
    ("declared", "weights", "message"),
    [
        ("", "1e200", r"^the weights of the program: too large, a number overflows$"),
        ("param s = 1e200\n", "s", r"^parameters s=1e\+200: too large, a number overflows$"),
    ],
)
def test_weights_that_overflow_are_told(declared: str, weights: str, message: str) -> None:
    kernel = uncompiled(
        f"{declared}network n {{ input vector[3] normalized; dense -> erf -> "
        f"dense(w_std = {weights}) -> gelu -> dense }}"
    )
    with pytest.raises(ArgumentError, match=message):
        kernel(np.eye(3))


@pytest.mark.parametrize(("dtype", "scale"), [("float64", 1e100), ("float32", 1e10)])
@pytest.mark.parametrize("activation", ["erf", "gelu", "own_erf"])
def test_squares_beyond_the_range_are_refused(activation: str, dtype: str, scale: float) -> None:
    """p q - c^2 was no number there, counted as 0, and inputs 60 degrees apart as equal."""
    definition = f"activation {activation}(z) = {OWN.get(activation)}\n" * (activation in OWN)
    kernel = uncompiled(
        f"{definition}network n {{ input vector[3]; dense -> {activation} -> dense }}", dtype
    )
    x = np.random.default_rng(0).standard_normal((3, 3))
    with pytest.raises(ArrayError, match=r"x1: row 0: the variance before `.*` must be from 0 to"):
        kernel((x * scale).astype(dtype))
    assert np.isfinite(kernel((x * 1e4).astype(dtype))).all()


@pytest.mark.parametrize(("dtype", "scale"), [("float64", 1e100), ("float32", 1e10)])
def test_so_are_those_of_positions(dtype: str, scale: float) -> None:
    kernel = ntkc.compile(
        source="network n { input sequence[2, 2]; conv(1) -> erf -> flatten }", dtype=dtype
    )
    x = np.random.default_rng(0).standard_normal((3, 2, 2))
    with pytest.raises(ArrayError, match="x1: row 0: the variance before `erf` must be from 0 to"):
        kernel((x * scale).astype(dtype))
    assert np.isfinite(kernel((x * 1e4).astype(dtype))).all()
