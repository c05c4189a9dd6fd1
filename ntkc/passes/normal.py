"""How the normal distribution is spelled for vector loops.

    Phi(-x) = exp(-x^2/2) P(t) / (1 + x)        t = (x - 5)/(x + 5), x >= 0

with one polynomial P on the whole half line (Schonfelder 1978, "Chebyshev expansions for the
error and related functions").
"""

from __future__ import annotations

from collections.abc import Callable

from ntkc.ir.node import Node, Varies, function
from ntkc.symbolic import minimax

_FAR = 37.0
"""Beyond this many standard deviations a normal probability is 0, or counts as 0."""

Exponential = Callable[[Node], Node]


def normal_cdf(x: Node, dtype: str, exp: Exponential) -> Node:
    """Phi(x), whose lower tail keeps its relative accuracy as far as exp does."""
    tail = upper_tail(function("abs", x), dtype, exp)
    return function("select", x, 1.0 - tail, tail)


def upper_tail(size: Node, dtype: str, exp: Exponential) -> Node:
    """Phi(-size) for size >= 0; as it stands for a value of one input, which NumPy computes."""
    if size.varies is not Varies.CROSS:
        return function("normal_cdf", -size)
    size = function("min", size, _FAR)
    t = (size - minimax.TAIL_CENTRE) / (size + minimax.TAIL_CENTRE)
    fit = minimax.normal_tail_core(dtype)
    polynomial = function("polynomial", t, coefficients=tuple(map(float, fit.coefficients)))
    return exp(size * size * -0.5) * polynomial / (1.0 + size)
