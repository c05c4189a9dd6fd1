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
from fractions import Fraction

from ntkc.ir.arithmetic import kink_polynomials
from ntkc.ir.module import Module
from ntkc.ir.node import Node, Rewriter, Varies, const, function, make, sqrt, topological, total
from ntkc.passes import normal
from ntkc.symbolic import minimax


def spell_functions(module: Module, dtype: str) -> Module:
    """The module with the pair's `kink`, `asin`, `atan2` and `power` spelled out for `dtype`."""
    spelling = _Spelling(dtype)
    rewriter = Rewriter(spelling, pairs_only=True)
    for mu, factor in _shared_factors(module).items():
        spelling.shared[rewriter(mu)] = factor
    roots = {name: rewriter(root) for name, root in module.roots.items()}
    return module.with_roots(roots, rewriter.known(module.spans))


_EXP_RANGE = {
    "float64": (-708.0, 709.0, 0.6931471805598903, 5.497923018708371e-14),
    "float32": (-87.0, 88.0, 0.693145751953125, 1.428606765330187e-06),
}
"""Least and greatest argument, and ln 2 in two parts of which the first times any exponent is
exact. Kernel values are bounded by the diagonals, which NumPy computes and the runtime checks
for overflow: an argument beyond the greatest never reaches a result that is returned."""


_COINCIDENT = {"float64": 2.0**-49, "float32": 2.0**-21}
"""Eight roundings of 1 (four in float32, where more would be angles that inputs have): what a
correlation of two equal vectors may miss it by, their covariance and their variances being rounded
apart from each other, in windows that go around a ring several times too."""


_LONG = {"float64": 14, "float32": 10}
"""Coefficients from which on a polynomial is split."""


class _Spelling:
    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self._kinks: dict[Node, tuple[int, Node]] = {}
        """What became of each kink, and which it was."""
        self.shared: dict[Node, float] = {}
        """The factor below the root that all kinks of one μ share: see `_shared_factors`."""
        self._rules: dict[str, Callable[[Node], Node]] = {
            "kink": self._kink,
            "mul": self._mul,
            "asin": self._asin,
            "atan2": self._atan2,
            "exp": self._exp,
            "expm1": self._expm1,
            "coincide": self._coincide,
            "normal_cdf": lambda n: normal.normal_cdf(n.args[0], dtype, self._exponential),
            "erf": self._erf,
            "chebyshev": lambda n: _chebyshev(n.args[0], n.attr("coefficients")),
            "power": lambda n: _power(n.args[0], n.attr("exponent")),
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

    def _kink(self, node: Node) -> Node:
        """K_n(μ) = A(ρ) sin θ + B(ρ) θ with ρ = 1 − μ, sin θ = √(μ (2 − μ)), θ = sin θ P(μ).

        One root and one quotient or polynomial serve all degrees. What the root multiplies cancels
        for small μ, where K_n is added to terms of the order of μ: the angle that the next layer
        sees moves by no more than a rounding.
        """
        degree, mu = node.attr("degree"), node.args[0]
        spelled = self._scaled_kink(degree, mu, 1.0)
        self._kinks[spelled] = degree, mu
        return spelled

    def _scaled_kink(self, degree: int, mu: Node, factor: float) -> Node:
        """A positive factor times K_n(μ): the factor's place is below the root, unless another
        degree shares the root, and the angle with it.
        """
        shared = self.shared.get(mu)
        square = (factor if shared is None else shared) ** 2
        root = sqrt(mu * (const(2.0 * square) - (mu if square == 1.0 else square * mu)))
        rho = 1.0 - mu
        over = self._angle_over_sine(mu, rho)
        if shared is None:
            return root * _combined(degree, rho, const(1.0), over)
        found = _combined(degree, rho, root, root * over)
        return found if factor == shared else (factor / shared) * found

    def _angle_over_sine(self, mu: Node, rho: Node) -> Node:
        """θ / sin θ."""
        if self._dtype == "float32":
            return self._polynomial(minimax.angle_core(self._dtype), mu)
        found = minimax.angle_quotient()
        above, below = (
            make("polynomial", rho, coefficients=part)
            for part in (found.numerator, found.denominator)
        )
        return above / below

    def _mul(self, node: Node) -> Node:
        """A constant times a kink is one multiplication less with the constant below the root."""
        for factor, other in (node.args, node.args[::-1]):
            if other in self._kinks and factor.op == "const" and factor.attr("value") > 0:
                return self._scaled_kink(*self._kinks[other], factor.attr("value"))
        return node

    def _coincide(self, node: Node) -> Node:
        x = node.args[0]
        return function("select", x - _COINCIDENT[self._dtype], x, 0.0)

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


def _shared_factors(module: Module) -> dict[Node, float]:
    """By μ, where constants multiply its kinks of several degrees: that of the lowest degree."""
    found: dict[Node, dict[int, float]] = {}
    for node in topological(module.roots.values()):
        for factor, kink in (node.args, node.args[::-1]) if node.op == "mul" else ():
            if kink.op == "kink" and factor.op == "const" and factor.attr("value") > 0:
                by_degree = found.setdefault(kink.args[0], {})
                by_degree.setdefault(kink.attr("degree"), factor.attr("value"))
    return {mu: by[min(by)] for mu, by in found.items() if len(by) > 1}


def _combined(degree: int, rho: Node, sine: Node, angle: Node) -> Node:
    """A(ρ) sine + B(ρ) angle. The signs of A alternate with the degree, against those of B."""
    if degree == 0:
        return angle
    a, b = kink_polynomials(degree)
    if degree % 2:
        return _expanded(a, 1, rho) * sine - _expanded(b, -1, rho) * angle
    return _expanded(b, 1, rho) * angle - _expanded(a, -1, rho) * sine


def _expanded(coefficients: Sequence[Fraction], sign: int, x: Node) -> Node:
    """`sign` times the polynomial, as a sum of the powers that it has."""
    return total(
        const(float(sign * c)) if k == 0 else float(sign * c) * _power(x, k)
        for k, c in enumerate(coefficients)
        if c
    )


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


def _power(x: Node, exponent: int) -> Node:
    """xⁿ by repeated squaring."""
    if exponent == 0:
        return const(1.0)
    half = _power(x, exponent // 2) if exponent > 1 else None
    if half is None:
        return x
    square = half * half
    return square * x if exponent % 2 else square
