"""E[f(u) g(v)] of sums of terms, by bilinearity: each pair of terms by tilting and moments.

An exponential of a quadratic polynomial turns the Gaussian pair into another one: with
A = diag(s, t) its squares and b its rates, the covariance K becomes (K^-1 - 2A)^-1, the means
K b, and a factor det(1 - 2AK)^(-1/2) e^(b K b / 2) comes out. A cosine is the real part of an
exponential with an imaginary rate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ntkc.ir.node import Node, function, is_const, make, substitute, symbol
from ntkc.symbolic.algebra import (
    ONE,
    ZERO,
    Complex,
    exponential,
    inverse_root,
    minus,
    over,
    plus,
    root,
    simplified,
    summed,
    times,
)
from ntkc.symbolic.halflines import Pair
from ntkc.symbolic.moments import Budget, complex_moment, moment
from ntkc.symbolic.terms import NoRuleError, Term, Terms

C, P, Q, ETA = map(symbol, ("c", "p", "q", "eta"))
_DETERMINANT, _GAP_P, _GAP_Q = map(symbol, ("determinant", "gap_p", "gap_q"))
_SUM_P, _SUM_Q = map(symbol, ("sum_p", "sum_q"))
_LARGEST = root(times(P, Q))
BOUNDED: Final = make("max", make("min", C, _LARGEST), -_LARGEST)
"""The covariance, within what the variances allow."""
_NOISE: Final = 1e-27
"""Complements up to here, angles up to 5e-14, are roundings of inputs."""
PAIR: Final = Pair(P, Q, C, _DETERMINANT, _GAP_P, _GAP_Q, sum_p=_SUM_P, sum_q=_SUM_Q)


def expectation(f: Terms, g: Terms, budget: Budget) -> Node:
    """E[f(u) g(v)] over `c`, `p`, `q`, their determinant and gaps. Raises `NoRuleError`."""
    return summed(_pair(s, t, budget) for s in f for t in g)


def from_covariance(form: Node, *, kinked: bool = False) -> Node:
    """The form over c, p and q; where it is kinked, with |c| at most sqrt(pq) whatever rounding
    says: beyond, angles that are nearly 0 would be right ones.
    """
    c = BOUNDED if kinked else C
    bindings = {
        "c": c,
        "determinant": P * Q - c * c,
        "gap_p": P - c,
        "gap_q": Q - c,
        "sum_p": P + c,
        "sum_q": Q + c,
    }
    return substitute(form, bindings)


def from_complement(form: Node) -> Node:
    """The form over the complement eta = 1 - c/sqrt(pq), p and q, without cancellation.

    A pair that coincides up to rounding coincides: its angles are 0/0, and while their values
    hardly matter, their slopes would be what rounding makes them.
    """
    a, b = root(P), root(Q)
    unequal = make("coincide", function("abs", a * inverse_root(Q) - 1.0))
    apart = function("max", ETA - _NOISE, 0.0) + unequal
    eta = function("select", apart, ETA, 0.0)
    product, gap = a * b, function("select", apart, a - b, 0.0)
    bindings = {
        "c": product * (1.0 - eta),
        "determinant": P * Q * (eta * (2.0 - ETA)),
        "gap_p": a * gap + product * eta,
        "gap_q": product * eta - b * gap,
        "sum_p": a * gap + product * (2.0 - ETA),
        "sum_q": product * (2.0 - ETA) - b * gap,
    }
    return substitute(form, bindings)


def on_diagonal(form: Node) -> Node:
    """The form at c = q = p."""
    bindings = {"c": P, "q": P, "determinant": ZERO, "gap_p": ZERO, "gap_q": ZERO}
    bindings |= {"sum_p": times(2.0, P), "sum_q": times(2.0, P)}
    return simplified(substitute(form, bindings))


def _pair(s: Term, t: Term, budget: Budget) -> Node:
    budget.spend()
    pair, factor = _quadratic(s.square, t.square)
    factor = times(s.coefficient, t.coefficient, factor)
    if s.waves or t.waves:
        return _waves(s, t, pair, factor, budget)
    if not (is_const(s.rate, 0.0) and is_const(t.rate, 0.0)):
        pair, exponent = _tilted(pair, s.rate, t.rate)
        factor = times(factor, exponential(exponent))
    return times(factor, moment(pair, s.power, t.power, s.condition, t.condition, budget))


def _quadratic(s: Node, t: Node) -> tuple[Pair, Node]:
    """The pair under exp(s u^2 + t v^2), and the factor."""
    if is_const(s, 0.0) and is_const(t, 0.0):
        return PAIR, ONE
    d = PAIR.determinant
    scale = minus(
        plus(minus(ONE, times(2.0, s, P)), times(4.0, s, t, d)),
        times(2.0, t, Q),
    )
    p = over(minus(P, times(2.0, t, d)), scale)
    q = over(minus(Q, times(2.0, s, d)), scale)
    pair = Pair(
        p=p,
        q=q,
        c=over(C, scale),
        determinant=over(d, scale),
        gap_p=over(minus(PAIR.gap_p, times(2.0, t, d)), scale),
        gap_q=over(minus(PAIR.gap_q, times(2.0, s, d)), scale),
        sum_p=over(minus(PAIR.sum_p, times(2.0, t, d)), scale),
        sum_q=over(minus(PAIR.sum_q, times(2.0, s, d)), scale),
    )
    return pair, over(ONE, root(scale))


def _tilted(pair: Pair, s: Node, t: Node) -> tuple[Pair, Node]:
    """The pair under exp(s u + t v), and the exponent of the factor."""
    m = plus(times(pair.p, s), times(pair.c, t))
    n = plus(times(pair.c, s), times(pair.q, t))
    exponent = times(0.5, plus(times(s, m), times(t, n)))
    return replace(pair, m=m, n=n, tilt_u=s, tilt_v=t), exponent


def _waves(s: Term, t: Term, pair: Pair, factor: Node, budget: Budget) -> Node:
    """The real part; two cosines are half of a sum and a difference of phases."""
    if s.condition is not None or t.condition is not None:
        raise NoRuleError("a wave times a step, erf or Phi has no closed form here")
    budget.spend(8)
    both = s.waves and t.waves
    parts = []
    for sign in (1.0, -1.0) if both else (1.0,):
        rate_u = Complex(s.rate, s.frequency)
        rate_v = Complex(t.rate, times(sign, t.frequency))
        m = rate_u.scaled(pair.p) + rate_v.scaled(pair.c)
        n = rate_u.scaled(pair.c) + rate_v.scaled(pair.q)
        exponent = (rate_u * m + rate_v * n).scaled(0.5)
        phase = plus(s.phase, times(sign, t.phase))
        exponent = exponent + Complex(ZERO, phase)
        moments = complex_moment(pair, m, n, s.power, t.power, budget)
        parts.append(exponent.exp_real(moments))
    return times(factor, 0.5 if both else 1.0, summed(parts))
