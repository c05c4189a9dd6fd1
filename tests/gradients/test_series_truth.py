"""Gradients of series against the activations themselves, by quadrature.

The other tests of gradients differentiate the sums that stand for such an activation; here its
kernel is integrated over both pre-activations and differentiated by extrapolated differences. The
rule splits both integrals where an argument changes its sign: softsign has a kink there.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import ntkc

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


def sigmoid(z: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))


def softplus(z: Array) -> Array:
    return np.logaddexp(0, z)


def mish_slope(z: Array) -> Array:
    t = np.tanh(softplus(z))
    return np.asarray(t + z * (1 - t**2) * sigmoid(z))


SELU = 1.0507009873554805, 1.6732632423543772


def decaying(scale: float, alpha: float, rate: float) -> tuple[Function, Function]:
    """scale z above 0, scale alpha (e^(rate z) - 1) below."""

    def value(z: Array) -> Array:
        return scale * np.where(z > 0, z, alpha * np.expm1(rate * np.minimum(z, 0.0)))

    def slope(z: Array) -> Array:
        return scale * np.where(z > 0, 1.0, alpha * rate * np.exp(rate * np.minimum(z, 0.0)))

    return value, slope


PAIRS: dict[str, tuple[Function, Function]] = {
    "celu(2)": decaying(1.0, 2.0, 0.5),
    "elu": decaying(1.0, 1.0, 1.0),
    "selu": decaying(*SELU, 1.0),
    "arctan": (np.arctan, lambda z: 1 / (1 + z**2)),
    "log_cosh": (lambda z: np.logaddexp(z, -z) - np.log(2), np.tanh),
    "mish": (lambda z: z * np.tanh(softplus(z)), mish_slope),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * sigmoid(-z)),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * sigmoid(-z))),
    "softplus": (softplus, sigmoid),
    "softsign": (lambda z: z / (1 + np.abs(z)), lambda z: (1 + np.abs(z)) ** -2.0),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
FAR = 9.0
"""Standard deviations that are integrated over: what is beyond weighs 2e-19."""
ACCURACY = 5e-12
"""Relative to the largest entry. Series are certified to 1e-10, and these reach 1e-12."""
W, B = 1.1, 0.2
X = np.random.default_rng(0).standard_normal((3, 4))
X[2] = X[1]


def split(at: Array) -> tuple[Array, Array]:
    """Nodes and weights (..., 160) of a standard normal variable, split at `at` (...)."""
    middle = np.clip(at, -FAR, FAR)
    edges = [np.full_like(middle, -FAR), (middle - FAR) / 2, middle, (middle + FAR) / 2]
    edges.append(np.full_like(middle, FAR))
    places, weights = [], []
    for low, high in pairwise(edges):
        half = (high - low)[..., None] / 2
        places.append((high + low)[..., None] / 2 + half * NODES)
        weights.append(half * WEIGHTS)
    z = np.concatenate(places, axis=-1)
    return z, np.concatenate(weights, axis=-1) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def expectation(f: Function, p: float, q: float, c: float) -> float:
    """E[f(u) f(v)] for variances p, q and covariance c."""
    s, outer = split(np.zeros(()))
    deviation = np.sqrt(max(q - c * c / p, 0.0))
    mean = c / np.sqrt(p) * s
    if deviation < 1e-7:
        return float(np.sum(outer * f(np.sqrt(p) * s) * f(mean)))
    t, inner = split(-mean / deviation)
    over_v = (inner * f(mean[:, None] + deviation * t)).sum(axis=1)
    return float(np.sum(outer * f(np.sqrt(p) * s) * over_v))


def kernels(name: str, w: float) -> tuple[Array, Array]:
    """The NNGP and the NTK of one hidden layer."""
    f, slope = PAIRS[name]
    sigma = w**2 * X @ X.T / X.shape[1] + B**2
    both = np.empty((2, len(X), len(X)))
    for i, j in np.ndindex(both.shape[1:]):
        entries = sigma[i, i], sigma[j, j], sigma[i, j]
        both[:, i, j] = expectation(f, *entries), expectation(slope, *entries)
    return _layer(both, sigma, w)


def _layer(both: Any, sigma: Any, w: float) -> tuple[Any, Any]:
    nngp = w**2 * both[0] + B**2
    return nngp, nngp + w**2 * both[1] * sigma


def entry(name: str, x: Array, z: Array) -> tuple[float, float]:
    """The NNGP and the NTK of two inputs."""
    p, q, c = (W**2 * a @ b / len(x) + B**2 for a, b in ((x, x), (z, z), (x, z)))
    both = [expectation(f, p, q, c) for f in PAIRS[name]]
    return _layer(both, c, W)


def extrapolated(both: Callable[[float], tuple[Any, Any]]) -> tuple[Any, Any]:
    """The derivatives at 0, by central differences extrapolated twice: an error of h^6, 1e-12."""
    rows = []
    for h in (0.02, 0.01, 0.005):
        rows.append([(a - b) / (2 * h) for a, b in zip(both(h), both(-h), strict=True)])
    once = [
        [(4 * fine - coarse) / 3 for coarse, fine in zip(*pair, strict=True)]
        for pair in pairwise(rows)
    ]
    nngp, ntk = ((16 * fine - coarse) / 15 for coarse, fine in zip(*once, strict=True))
    return nngp, ntk


DECAYS = ("celu(2)", "elu", "selu")
"""Those whose programs take half a minute to compile."""


def some(names: Iterable[str]) -> list[Any]:
    """Names for tests; those of `DECAYS` are left to the full oracle."""
    return [pytest.param(n, marks=pytest.mark.slow) if n in DECAYS else n for n in names]


@pytest.mark.parametrize("name", some(PAIRS))
def test_gradients_of_series(name: str) -> None:
    layer = f"dense(w_std = w, b_std = {B})"
    kernel: Any = ntkc.compile(
        source=f"param w = {W}\nnetwork n {{ input vector[4]; {layer} -> {name} -> {layer} }}"
    )
    by_w = extrapolated(lambda h: kernels(name, W + h))
    for get, value, slope in zip(("nngp", "ntk"), kernels(name, W), by_w, strict=True):
        found, gradient = kernel.value_and_gradient(X, get=get, wrt=("w",))
        assert np.abs(found - value).max() <= ACCURACY * np.abs(value).max()
        assert np.abs(gradient["w"] - slope).max() <= ACCURACY * np.abs(slope).max()


@pytest.mark.parametrize("name", some([*DECAYS, "tanh"]))
def test_gradients_by_inputs(name: str) -> None:
    layer = f"dense(w_std = {W}, b_std = {B})"
    kernel: Any = ntkc.compile(
        source=f"network n {{ input vector[4]; {layer} -> {name} -> {layer} }}"
    )
    direction = np.array([0.5, -0.5, 0.1, 0.7])
    truth = extrapolated(lambda h: entry(name, X[0] + h * direction, X[1]))
    for get, slope in zip(("nngp", "ntk"), truth, strict=True):
        _, gradient = kernel.value_and_gradient(
            X[:1], X[1:2], get=get, wrt="x1", cotangent=np.ones((1, 1))
        )
        assert abs(gradient["x1"][0] @ direction - slope) <= 2 * ACCURACY * abs(slope)
