"""The forms of an activation with exponentials that fall away from a kink, and their certificate.

Of what sums they are made is told in `decay_sums`, and of what series in `decays`.
"""

from __future__ import annotations

import math
from functools import lru_cache, partial

import numpy as np

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import Certificate, DualForms
from ntkc.ir.node import (
    Node,
    function,
    inv_sqrt,
    is_const,
    symbol,
    topological,
)
from ntkc.symbolic.algebra import (
    root,
)
from ntkc.symbolic.decay_sums import Sums
from ntkc.symbolic.decays import Slopes, largest_argument, series
from ntkc.symbolic.hermite import Array, Function, Sampled
from ntkc.symbolic.interpolation import LARGEST_VARIANCE
from ntkc.symbolic.uncertified import NotCertifiedError

_C, _P, _Q, _ETA = map(symbol, ("c", "p", "q", "eta"))
_STEEPEST = 64.0
_LARGEST_SHARE = 1e12


@lru_cache(maxsize=64)
def decay_forms(
    name: str,
    parameters: tuple[str, ...],
    slopes: Slopes,
    tolerance: float,
    samples: tuple[tuple[str, float], ...] = (),
) -> DualForms:
    """Every form, within the tolerance for every variance up to `LARGEST_VARIANCE`; where numbers
    are run-time parameters, at their `samples`.

    Raises `NotCertifiedError` where none is.
    """
    largest, magnified = _reach(name, slopes, dict(samples))
    aim = tolerance / 8.0 ** max(0, math.ceil(math.log(magnified / 2.5, 8.0)))
    try:
        made = series(aim, largest)
    except ValueError as problem:
        raise NotCertifiedError(name, str(problem)) from None
    error = made.error * magnified
    if error > tolerance:
        raise NotCertifiedError(
            name, f"its series is certified to {error:.1e}, not to {tolerance:g}", 2.0 * error
        )
    sums = Sums(slopes, made)
    near = near_dot = None
    if not is_const(slopes.jump, 0.0):
        rho = 1.0 - _ETA
        near, near_dot = sums.dual(root(_P) * root(_Q) * rho, rho), sums.dual_dot(rho)
    rho = _correlation()
    return DualForms(
        name=name,
        parameters=parameters,
        dual=sums.dual(_C, rho),
        dual_dot=sums.dual_dot(rho),
        diagonal=sums.one.norm,
        diagonal_dot=sums.one.slope_norm,
        complement=sums.complement(),
        certificate=Certificate("decays", error, LARGEST_VARIANCE, len(made.degrees)),
        near=near,
        near_dot=near_dot,
    )


def _reach(name: str, slopes: Slopes, samples: dict[str, float]) -> tuple[float, float]:
    """The largest variance that the series is asked for, and `_magnified`.

    Raises `NotCertifiedError` where either is out of its reach.
    """
    largest = largest_argument(slopes, LARGEST_VARIANCE)
    if largest > LARGEST_VARIANCE * _STEEPEST**2:
        raise NotCertifiedError(
            name,
            f"an exponential that falls faster than e^(-{_STEEPEST:g}|z|) is out of the reach of "
            "its series",
        )
    with np.errstate(all="ignore"):  # what is not finite is refused
        magnified = _magnified(slopes, samples)
    if not magnified < _LARGEST_SHARE:
        raise NotCertifiedError(
            name, "no series: its parts cancel, or their squares are out of the range of floats"
        )
    return largest, magnified


def _correlation() -> Node:
    rho = _C * (inv_sqrt(_P) * inv_sqrt(_Q))
    return function("max", function("min", rho, 1.0), -1.0)


def _magnified(slopes: Slopes, samples: dict[str, float]) -> float:
    """By what the errors of the parts exceed one of the slope's norm, at worst.

    A part's error is relative to its own norm; where parts cancel, the whole is less than they.
    """
    parts = [slopes.even, slopes.jump, *(x for d in slopes.decays for x in (d.even, d.odd, d.rate))]
    names = {n.attr("name") for n in topological(parts) if n.op in ("symbol", "param")}
    values = [float(x) for x in evaluate(parts, {n: samples.get(n, 1.0) for n in names})]
    constant, jump, *rest = values
    decays = list(zip(rest[::3], rest[1::3], rest[2::3], strict=True))
    variances = LARGEST_VARIANCE * np.logspace(0.0, -8.0, 25)

    def falling(x: Array, rate: float) -> Array:
        return np.asarray(np.exp(-rate * np.abs(x)))

    def even(x: Array) -> Array:
        falls = np.sum([e * falling(x, b) for e, _, b in decays], 0)
        return np.asarray(constant + falls)

    def odd(x: Array) -> Array:
        lost = np.sum([o * (1.0 - falling(x, b)) for _, o, b in decays], 0)
        return np.asarray(np.sign(x) * (jump - lost))

    def norms(part: Function, parity: int = 0) -> Array:
        return Sampled(part, parity).norms(variances)

    one, two = np.zeros((2, len(variances)))
    for e, o, rate in decays:
        one += abs(e) * np.sqrt(norms(partial(falling, rate=rate)))
        two += abs(o) * np.sqrt(norms(lambda x, b=rate: 1.0 - falling(x, b)))  # type: ignore[misc]
    lost = one**2 + two**2 + 2.0 * abs(jump) * two
    worst = float((lost / (norms(even) + norms(odd, 1))).max())
    return max(1.0, worst) if math.isfinite(worst) else math.inf
