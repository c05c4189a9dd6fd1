"""How the normal distribution and Owen's T function are spelled for vector loops.

    Phi(-x) = exp(-x^2/2) P(t) / (1 + x)        t = (x - 5)/(x + 5), x >= 0

with one polynomial P on the whole half line (Schonfelder 1978, "Chebyshev expansions for the
error and related functions"). For tangents up to 1 Owen's T is a Gauss-Legendre sum: its
integrand is even and analytic, so half of the nodes of a rule on [-1, 1] serve. Steeper angles
follow by T(h, a) + T(a h, 1/a) = [Phi(-h) + Phi(-ah)]/2 - Phi(-h) Phi(-ah) for h, a >= 0 (Owen
1956, "Tables for computing bivariate normal probabilities"). Both errors are below 1e-16.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ntkc.ir.node import Node, Varies, const, function, total
from ntkc.symbolic import minimax

_NODES = {"float64": 11, "float32": 6}
_FAR = 37.0
"""Beyond this many standard deviations a normal probability is 0, or counts as 0."""
_TINY = 1e-30

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


def owen_t(h: Node, y: Node, x: Node, dtype: str, exp: Exponential) -> Node:
    """T of h and the angle of (|x|, y)."""
    size, rise, run = (function("abs", part) for part in (h, y, x))
    steep = rise - run
    longer, shorter = function("max", rise, run), function("min", rise, run)
    longer = function("max", longer, _TINY)
    tangent = shorter / longer
    size = function("min", size, _FAR)
    other = function("min", size * rise / function("max", run, _TINY), _FAR)
    arm = function("select", steep, other, size)
    flat = _integral(arm, tangent, dtype, exp)
    tail, other_tail = (upper_tail(part, dtype, exp) for part in (size, other))
    whole = (tail + other_tail) * 0.5 - tail * other_tail
    value = function("select", steep, whole - flat, flat)
    return function("select", y, value, -value)


def _integral(h: Node, tangent: Node, dtype: str, exp: Exponential) -> Node:
    """The integral over the tangent from 0, at most 1, of exp(-h^2 (1+t^2)/2) / (1+t^2) / 2 pi."""
    count = _NODES[dtype]
    nodes, weights = np.polynomial.legendre.leggauss(2 * count)
    square = tangent * tangent
    fall = h * h * -0.5
    fall_per = fall * square
    terms = []
    for node, weight in zip(nodes[count:], weights[count:], strict=True):
        place = const(float(node) ** 2)
        share = const(float(weight) / (2.0 * math.pi))
        terms.append(exp(fall_per * place) * share / (1.0 + square * place))
    return exp(fall) * tangent * total(terms)
