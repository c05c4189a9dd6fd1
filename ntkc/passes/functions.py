"""Spell elementary functions as arithmetic that vectorises: polynomials, roots and choices.

    asin(x)    becomes    select(1/2 − |x|, |x| P(x²), π/2 − 2 √z P(z)) with z = (1 − |x|)/2

Vector code has no library calls: a call into libm costs more than the rest of a layer. Every
polynomial is fitted when the program is compiled, to the precision of its number type
(`ntkc.symbolic.minimax`), and its error is certified there. Preserves every value to within
a few units in the last place. Only values of the pair are rewritten; values of single inputs
are NumPy's business.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ntkc.ir.module import Module
from ntkc.ir.node import Node, Rewriter, Varies, const, function, make, sqrt
from ntkc.symbolic import minimax


def spell_functions(module: Module, dtype: str) -> Module:
    """The module with the pair's `kink`, `asin`, `atan2` and `power` spelled out for `dtype`."""
    rewriter = Rewriter(_Spelling(dtype))
    roots = {name: rewriter(root) for name, root in module.roots.items()}
    spans = {rewriter(node): span for node, span in module.spans.items()}
    return module.with_roots(roots, spans)


class _Spelling:
    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self._rules: dict[str, Callable[[Node], Node]] = {
            "kink": self._kink,
            "asin": self._asin,
            "atan2": self._atan2,
            "power": lambda n: _power(n.args[0], n.attr("exponent")),
        }

    def __call__(self, node: Node) -> Node:
        if node.varies is not Varies.CROSS or node.op not in self._rules:
            return node
        return self._rules[node.op](node)

    def _polynomial(self, fit: minimax.Fit, x: Node) -> Node:
        return make("polynomial", x, coefficients=tuple(map(float, fit.coefficients)))

    def _kink(self, node: Node) -> Node:
        """K_n(μ) = μⁿ √μ R_n(μ) on the whole of [0, 1]."""
        degree, mu = node.attr("degree"), node.args[0]
        series = self._polynomial(minimax.kink_core(degree, self._dtype), mu)
        scale = sqrt(mu)
        return (scale if degree == 0 else scale * _power(mu, degree)) * series

    def _asin(self, node: Node) -> Node:
        """Both ranges share one polynomial on [0, 1/4], as in fdlibm."""
        x = node.args[0]
        size = function("min", function("abs", x), 1.0)
        small = const(0.5) - size
        z = function("select", small, size * size, const(0.5) - const(0.5) * size)
        w = function("select", small, size, sqrt(z))
        arc = w * self._polynomial(minimax.asin_core(self._dtype), z)
        value = function("select", small, arc, const(math.pi / 2) - const(2.0) * arc)
        return function("select", x, value, -value)

    def _atan2(self, node: Node) -> Node:
        """Reduced by octants, then to |t| ≤ tan(π/8): one division, one polynomial."""
        y, x = node.args
        tall = function("abs", y) - function("abs", x)
        high = function("max", function("abs", y), function("abs", x))
        low = function("min", function("abs", y), function("abs", x))
        wide = low - const(math.tan(math.pi / 8)) * high
        top = function("select", wide, low - high, low)
        bottom = function("select", wide, low + high, high)
        t = top / function("max", bottom, 1e-37)
        arc = t * self._polynomial(minimax.atan_core(self._dtype), t * t)
        arc = function("select", wide, arc + const(math.pi / 4), arc)
        arc = function("select", tall, const(math.pi / 2) - arc, arc)
        arc = function("select", x, arc, const(math.pi) - arc)
        return function("select", y, arc, -arc)


def _power(x: Node, exponent: int) -> Node:
    """xⁿ by repeated squaring."""
    if exponent == 0:
        return const(1.0)
    half = _power(x, exponent // 2) if exponent > 1 else None
    if half is None:
        return x
    square = half * half
    return square * x if exponent % 2 else square
