"""The activations written again, in mpmath: what the oracle integrates.

`SMOOTH` have no kink but at 0 (`plane`), `PIECEWISE` are polynomials between kinks (`tails`). The
arguments of an activation follow its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.oracle.plane import Halves
from tests.oracle.tails import Tail


def _logistic(mp: Any, z: Any) -> tuple[Any, Any, Any]:
    """(s(z), s(-z), exp(-z))."""
    fall = mp.exp(-z)
    below = 1 / (1 + fall)
    return below, fall * below, fall


def _tanh(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        value = mp.tanh(z)
        slope = 1 - value * value
        return value, -value, slope, slope

    return halves


def _sigmoid(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        up, down, _ = _logistic(mp, z)
        return up, down, up * down, up * down

    return halves


def _softplus(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        up, down, fall = _logistic(mp, z)
        small = mp.log1p(fall)
        return z + small, small, up, down

    return halves


def _silu(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        up, down, _ = _logistic(mp, z)
        bend = z * up * down
        return z * up, -z * down, up + bend, down - bend

    return halves


def _mish(mp: Any) -> Halves:
    def half(z: Any, up: Any, grown: Any) -> tuple[Any, Any]:
        # tanh(log(1 + e)) = (e^2 + 2e)/(e^2 + 2e + 2), e = exp(z)
        square = grown * (grown + 2)
        gate = square / (square + 2)
        return z * gate, gate + z * up * (1 - gate * gate)

    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        up, down, fall = _logistic(mp, z)
        above, slope = half(z, up, 1 / fall)
        below, turned = half(-z, down, fall)
        return above, below, slope, turned

    return halves


def _softsign(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        inverse = 1 / (1 + z)
        return z * inverse, -z * inverse, inverse * inverse, inverse * inverse

    return halves


def _arctan(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        value, slope = mp.atan(z), 1 / (1 + z * z)
        return value, -value, slope, slope

    return halves


def _log_cosh(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        fall = mp.exp(-2 * z)
        lack = mp.expm1(-2 * z)
        value = z + mp.log1p(lack / 2)
        slope = -lack / (1 + fall)
        return value, value, slope, -slope

    return halves


def _relu(mp: Any) -> Halves:
    return lambda z: (z, mp.zero, mp.one, mp.zero)


def _erf(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        value, slope = mp.erf(z), 2 / mp.sqrt(mp.pi) * mp.exp(-z * z)
        return value, -value, slope, slope

    return halves


def _gelu(mp: Any) -> Halves:
    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        up, down, density = mp.ncdf(z), mp.ncdf(-z), mp.npdf(z)
        return z * up, -z * down, up + z * density, down - z * density

    return halves


def _elu(mp: Any, alpha: Any = 1, scale: Any = 1, width: Any = 1) -> Halves:
    """scale * (z above 0, alpha (exp(z / width) - 1) below)."""

    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        below = scale * alpha * mp.expm1(-z / width)
        return scale * z, below, mp.mpf(scale), scale * alpha / width * mp.exp(-z / width)

    return halves


SMOOTH: dict[str, Callable[..., Halves]] = {
    "arctan": _arctan,
    "log_cosh": _log_cosh,
    "mish": _mish,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "softplus": _softplus,
    "softsign": _softsign,
    "tanh": _tanh,
}
"""Those whose values are kept."""


def _selu(mp: Any) -> Halves:
    scale, alpha, _ = decay(mp, "selu")

    def halves(z: Any) -> tuple[Any, Any, Any, Any]:
        below = scale * alpha * mp.expm1(-z)
        return scale * z, below, scale, below + scale * alpha

    return halves


WITNESSES: dict[str, Callable[..., Halves]] = {
    "relu": _relu,
    "erf": _erf,
    "gelu": _gelu,
    "selu": _selu,
}
"""Activations of known closed form, by which the quadrature itself is tested."""


DECAYS = ("celu", "elu", "selu")
"""Lines with an exponential below 0."""


def decay(mp: Any, name: str, *arguments: Any) -> tuple[Any, Any, Any]:
    """(scale, alpha, rate) of scale z for z > 0, scale alpha (exp(rate z) - 1) for z < 0."""
    if name == "selu":
        return mp.mpf(1.0507009873554805), mp.mpf(1.6732632423543772), mp.one
    alpha = mp.mpf(arguments[0])
    return mp.one, alpha, 1 / alpha if name == "celu" else mp.one


def _step_shape(low: Any, high: Any, slope: Any, number: Any) -> tuple[Any, list[Tail]]:
    return number, [Tail(slope, 1, low, 1), Tail(-slope, 1, high, 1)]


def piecewise(mp: Any, name: str, *arguments: Any) -> tuple[Any, list[Tail]]:
    """The number and the tails of a piecewise activation."""
    one = mp.one
    if name == "relu6":
        return _step_shape(mp.zero, 6 * one, one, mp.zero)
    if name == "hard_tanh":
        return _step_shape(-one, one, one, -one)
    if name == "clip":
        low, high = map(mp.mpf, arguments)
        return _step_shape(low, high, one, low)
    if name == "hard_sigmoid":
        return _step_shape(-3 * one, 3 * one, one / 6, mp.zero)
    if name == "soft_shrink":
        threshold = mp.mpf(arguments[0])
        return mp.zero, [Tail(one, 1, threshold, 1), Tail(-one, -1, threshold, 1)]
    if name == "hard_swish":
        rising = [Tail(one / 6, 1, -3 * one, 2), Tail(-one / 2, 1, -3 * one, 1)]
        return mp.zero, [*rising, Tail(-one / 6, 1, 3 * one, 2), Tail(-one / 2, 1, 3 * one, 1)]
    raise KeyError(name)


PIECEWISE = ("clip", "hard_sigmoid", "hard_swish", "hard_tanh", "relu6", "soft_shrink")
