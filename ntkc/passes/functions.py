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
from collections.abc import Callable, Sequence

from ntkc.ir.module import Module
from ntkc.ir.node import Node, Rewriter, Varies, const, function, make, sqrt
from ntkc.passes import normal
from ntkc.passes.kinks import Kinks, power, shared_factors
from ntkc.symbolic import minimax


def spell_functions(module: Module, dtype: str) -> Module:
    """The module with the pair's `kink`, `asin`, `atan2` and `power` spelled out for `dtype`."""
    spelling = _Spelling(dtype)
    rewriter = Rewriter(spelling, pairs_only=True)
    for mu, factor in shared_factors(module).items():
        spelling.kinks.shared[rewriter(mu)] = factor
    roots = {name: rewriter(root) for name, root in module.roots.items()}
    return module.with_roots(roots, rewriter.known(module.spans))


_EXP_RANGE = {
    "float64": (-708.0, 709.0, 0.6931471805598903, 5.497923018708371e-14),
    "float32": (-87.0, 88.0, 0.693145751953125, 1.428606765330187e-06),
}
"""Least and greatest argument, and ln 2 in two parts of which the first times any exponent is
exact. Kernel values are bounded by the diagonals, which NumPy computes and the runtime checks
for overflow: an argument beyond the greatest never reaches a result that is returned."""


_LONG = {"float64": 14, "float32": 10}
"""Coefficients from which on a polynomial is split."""


class _Spelling:
    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self.kinks = Kinks(dtype, self._polynomial)
        self._rules: dict[str, Callable[[Node], Node]] = {
            "kink": self.kinks.kink,
            "mul": self.kinks.mul,
            "add": self.kinks.add,
            "asin": self._asin,
            "atan2": self._atan2,
            "exp": self._exp,
            "expm1": self._expm1,
            "coincide": self.kinks.coincide,
            "normal_cdf": lambda n: normal.normal_cdf(n.args[0], dtype, self._exponential),
            "erf": self._erf,
            "chebyshev": lambda n: _chebyshev(n.args[0], n.attr("coefficients")),
            "power": lambda n: power(n.args[0], n.attr("exponent")),
        }

    def __call__(self, node: Node) -> Node:
        if node.varies is not Varies.CROSS:  # of one input, and made of what it has with itself
            return node
        rule = self._rules.get(node.op)
        return node if rule is None else rule(node)

    def _polynomial(self, fit: minimax.Fit, x: Node) -> Node:
        """A long one as two of half the degree in x², whose chains of operations are half as long:
        a processor waits for them where there is little else to do meanwhile.
        """
        coefficients = tuple(map(float, fit.coefficients))
        if len(coefficients) < _LONG[self._dtype]:
            return make("polynomial", x, coefficients=coefficients)
        square = x * x
        even, odd = (make("polynomial", square, coefficients=coefficients[i::2]) for i in (0, 1))
        return even + x * odd

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

    def _exp(self, node: Node) -> Node:
        """eˣ = 2ⁿ e^r with |r| ≤ ln 2 / 2, r from a two-part ln 2 (Cody & Waite 1980)."""
        scale, fraction = self._reduced(node.args[0])
        return scale + scale * fraction

    def _exponential(self, x: Node) -> Node:
        """e^x within another function, which may be of one input alone."""
        node = function("exp", x)
        return self._exp(node) if x.varies is Varies.CROSS else node

    def _erf(self, node: Node) -> Node:
        """erf(x) = 2 Phi(x sqrt 2) - 1, absolutely accurate: no closed form has it near 0."""
        cdf = normal.normal_cdf(node.args[0] * math.sqrt(2.0), self._dtype, self._exponential)
        return const(2.0) * cdf - 1.0

    def _expm1(self, node: Node) -> Node:
        """eˣ − 1 = 2ⁿ (e^r − 1) + (2ⁿ − 1): nothing cancels near x = 0, where n = 0."""
        scale, fraction = self._reduced(node.args[0])
        return scale * fraction + (scale - 1.0)

    def _reduced(self, x: Node) -> tuple[Node, Node]:
        """2ⁿ and e^r − 1. Beyond the largest exponent the result stays there: see `_EXP_RANGE`."""
        low, high, first, second = _EXP_RANGE[self._dtype]
        x = function("min", function("max", x, low), high)
        n = function("round", x * math.log2(math.e))
        r = (x - n * first) - n * second
        return make("pow2", n), r * self._polynomial(minimax.expm1_core(self._dtype), r)

    def _atan2(self, node: Node) -> Node:
        """Reduced by octants, then to |t| ≤ tan(π/8): one division, one polynomial."""
        y, x = node.args
        height = function("abs", y)
        width = x if x.op == "sqrt" else function("abs", x)
        tall = height - width
        high = function("max", height, width)
        low = function("min", height, width)
        wide = low - const(math.tan(math.pi / 8)) * high
        top = function("select", wide, low - high, low)
        bottom = function("select", wide, low + high, high)
        t = top / function("max", bottom, 1e-37)
        arc = t * self._polynomial(minimax.atan_core(self._dtype), t * t)
        arc = function("select", wide, arc + const(math.pi / 4), arc)
        arc = function("select", tall, const(math.pi / 2) - arc, arc)
        if width is not x:
            arc = function("select", x, arc, const(math.pi) - arc)
        return function("select", y, arc, -arc)


_SHORT = 8


def _chebyshev(x: Node, coefficients: Sequence[float], splits: int = 2) -> Node:
    """The even terms by T_2k(x) = T_k(y) with y = 2x^2 - 1, and the odd ones over x by
    T_{2k+1} = 2x T_k(y) - T_{2k-1}: sums of half the length that need not wait for one another.
    """
    if splits == 0 or len(coefficients) <= _SHORT:
        return _clenshaw(x, coefficients)
    y = 2.0 * (x * x) - 1.0
    odd, rest = [], 0.0
    for coefficient in reversed(coefficients[1::2]):
        rest = coefficient - rest
        odd.append(2.0 * rest)
    odd[-1] /= 2.0
    even = _chebyshev(y, coefficients[::2], splits - 1)
    return even + x * _chebyshev(y, odd[::-1], splits - 1)


def _clenshaw(x: Node, coefficients: Sequence[float]) -> Node:
    """b_k = a_k + 2x b_{k+1} - b_{k+2}, and a_0 + x b_1 - b_2 (Clenshaw 1955)."""
    twice = x + x
    now, after = const(0.0), const(0.0)
    for coefficient in reversed(coefficients[1:]):
        now, after = (coefficient - after) + twice * now, now
    return (coefficients[0] - after) + x * now
