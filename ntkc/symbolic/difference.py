"""Difference arithmetic: F(x) - F(y) of a formula to the accuracy of x - y itself.

Every subexpression f is carried as (f(x), f(y), f(x) - f(y)), the third never computed by
subtracting the first two where they may be close, but by a rule of the operation:
x1 y1 - x2 y2 = dx y1 + x2 dy, exp(x1) - exp(x2) = exp(x2) expm1(dx), and so on. (Also known
as computational divided differencing: Reps & Rall 2003.)

It serves the complement of an activation's kernel, the next layer's 1 - cosine. With F11,
F22 and F12 the dual at (p, p, p), (q, q, q) and (c, p, q), D1 = F11 - F12, D2 = F22 - F12:

    1 - F12 / sqrt(F11 F22)
        = [(D1 + D2)/2 - ((D1 - D2) / (sqrt F11 + sqrt F22))^2 / 2] / sqrt(F11 F22),

because sqrt(F11 F22) = (F11 + F22)/2 - (sqrt F11 - sqrt F22)^2 / 2. The steps between the
arguments follow from eta alone: with a = sqrt p, b = sqrt q and c = ab (1 - eta),
p - c = a(a - b) + ab eta, q - c = b(b - a) + ab eta, p - q = (a - b)(a + b). Where p differs
from q by delta, D1 and D2 are of order delta and their sum of order delta^2 + eta: rounding
costs eps delta there, that is eps in the angle sqrt(2 complement). Where sqrt F11 and sqrt F22 are
further apart than (a - b)^2 = ab, a factor of 2.6, the differences would cancel down from the
larger one: there 1 - F12 / sqrt(F11 F22) is taken as it stands, to eps. So it is where a and b are
that far apart, and the complement is not small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ntkc.ir.node import (
    Node,
    const,
    function,
    is_const,
    make,
    sqrt,
    substitute,
    symbol,
    topological,
)


@dataclass(frozen=True)
class Pair:
    """An expression's values at two points, and the first less the second."""

    one: Node
    two: Node
    step: Node

    @property
    def constant(self) -> bool:
        """Whether the points do not matter."""
        return self.one is self.two


def complement(dual: Node, diagonal: Node) -> Node:
    """1 - dual / sqrt(diagonal(p) diagonal(q)) over `eta`, `p`, `q`; 1 where either is 0."""
    p, q, eta = map(symbol, ("p", "q", "eta"))
    a, b = sqrt(p), sqrt(q)
    product = a * b
    c = product * (1.0 - eta)
    gap, zero = a - b, const(0.0)
    between = gap * (a + b)
    from_p = {
        "c": Pair(p, c, a * gap + product * eta),
        "p": Pair(p, p, zero),
        "q": Pair(p, q, between),
    }
    from_q = {
        "c": Pair(q, c, product * eta - b * gap),
        "p": Pair(q, p, -between),
        "q": Pair(q, q, zero),
    }
    exponent = _exponent(dual)
    form = dual if exponent is None else exponent
    first, second = (difference(form, points) for points in (from_p, from_q))
    if exponent is not None:
        return function("max", -function("expm1", -0.5 * (first.step + second.step)), 0.0)
    root1, root2 = sqrt(diagonal), sqrt(substitute(diagonal, {"p": q}))
    size, gap_after = root1 * root2, root1 - root2
    apart = (first.step - second.step) / (root1 + root2)
    near = 0.5 * (first.step + second.step - apart * apart) / size
    as_it_stands = 1.0 - first.two / size
    plain = function("min", as_it_stands - _FAR, gap * gap - product)
    far = function("max", gap_after * gap_after - size, plain)
    value = function("select", far, as_it_stands, near)
    return function("select", size, function("max", value, 0.0), 1.0)


_FAR = 1.0 / 64.0
"""A complement of 10 degrees: beside it a rounding of 1 is 64 of its own, and 6 of the angle's."""


def _exponent(form: Node) -> Node | None:
    """f where the form is e^f times what depends on no argument: then the complement is
    1 - exp(f12 - (f11 + f22)/2).
    """
    if form.op == "exp":
        return form.args[0]
    if form.op != "mul":
        return None
    moving = [part for part in form.args if _moves(part)]
    return _exponent(moving[0]) if len(moving) == 1 else None


def _moves(form: Node) -> bool:
    names = {node.attr("name") for node in topological((form,)) if node.op == "symbol"}
    return not names.isdisjoint(("c", "p", "q", "rho", "mu"))


def homogeneous_complement(kappa: Node) -> tuple[Node, Node | None]:
    """(kappa(1) - kappa(rho), kappa(1)) over `eta`, `rho` = 1 - eta and `mu` = 1 - |rho|; or
    (1 - kappa(rho) / kappa(1), None) where kappa is an exponential.
    """
    rho, mu, eta = map(symbol, ("rho", "mu", "eta"))
    points = {"rho": Pair(const(1.0), rho, eta), "mu": Pair(const(0.0), mu, -mu)}
    exponent = _exponent(kappa)
    if exponent is not None:
        return -function("expm1", -difference(exponent, points).step), None
    pair = difference(kappa, points)
    return pair.step, pair.one


def difference(form: Node, points: Mapping[str, Pair]) -> Pair:
    """The formula's values at two points and their accurate difference.

    `points` gives the symbols that differ; every other symbol is the same at both.
    """
    done: dict[Node, Pair] = {}
    for node in topological((form,)):
        if node.op == "symbol" and node.attr("name") in points:
            done[node] = points[node.attr("name")]
            continue
        args = [done[a] for a in node.args]
        one, two = _rebuilt(node, [x.one for x in args]), _rebuilt(node, [x.two for x in args])
        if one is two:
            done[node] = Pair(one, two, const(0.0))
        else:
            attributes = dict(node.attrs)
            rule: Callable[..., Node] = _RULES.get(node.op, _plain)
            done[node] = Pair(one, two, rule(one, two, *args, **attributes))
    return done[form]


# --- arithmetic that leaves out zeros --------------------------------------------------


def _rebuilt(node: Node, args: list[Node]) -> Node:
    """The operation at one of the points, folded where coincidence makes it a number."""
    if node.op == "kink" and is_const(args[0], 0.0):
        return const(0.0)
    if node.op == "abs" and is_const(args[0]):
        return const(abs(args[0].attr("value")))
    if node.op == "select" and is_const(args[0]):
        return args[1] if args[0].attr("value") > 0 else args[2]
    if node.op == "max" and all(map(is_const, args)):
        return max(args, key=lambda a: float(a.attr("value")))
    return make(node.op, *args, **dict(node.attrs))


def _add(x: Node, y: Node) -> Node:
    return y if is_const(x, 0.0) else x if is_const(y, 0.0) else x + y


def _sub(x: Node, y: Node) -> Node:
    if is_const(x) and is_const(y):
        return const(x.attr("value") - y.attr("value"))
    return -y if is_const(x, 0.0) else x if is_const(y, 0.0) else x - y


def _mul(x: Node, y: Node) -> Node:
    if is_const(x, 0.0) or is_const(y, 0.0):
        return const(0.0)
    return y if is_const(x, 1.0) else x if is_const(y, 1.0) else x * y


def _over(x: Node, y: Node) -> Node:
    """x / y, and 0 where y is 0: then x is 0 too."""
    return function("select", y, x / y, 0.0)


# --- the rules: (f(x), f(y), arguments) to f(x) - f(y) ----------------------------------


def _plain(one: Node, two: Node, *_: Pair, **__: Any) -> Node:
    return _sub(one, two)


def _product(one: Node, two: Node, x: Pair, y: Pair) -> Node:
    if x is y:
        return _mul(x.step, _add(x.one, x.two))
    return _add(_mul(x.step, y.one), _mul(x.two, y.step))


def _quotient(one: Node, two: Node, x: Pair, y: Pair) -> Node:
    return _sub(x.step, _mul(two, y.step)) / y.one


def _root(one: Node, two: Node, x: Pair) -> Node:
    return _over(x.step, one + two)


def _inverse_root(one: Node, two: Node, x: Pair) -> Node:
    """1/s - 1/t = -(s^2 - t^2) / (s t (s + t)), with the inverses i and j of s and t."""
    both = one * two
    return -_over(x.step * (both * both), one + two)


def _power(one: Node, two: Node, x: Pair, exponent: int) -> Node:
    """dx times the sum of x1^i x2^(n-1-i)."""
    total, last = const(1.0), const(1.0)
    for _ in range(exponent - 1):
        last = _mul(last, x.two)
        total = _add(_mul(total, x.one), last)
    return _mul(x.step, total)


def _polynomial(one: Node, two: Node, x: Pair, coefficients: tuple[float, ...]) -> Node:
    """dx times the divided difference, by Horner's rule for it and for the value at x2."""
    value, slope = const(0.0), const(0.0)
    for k, coefficient in enumerate(reversed(coefficients)):
        slope = _add(_mul(slope, x.one), value) if k else slope
        value = _add(_mul(value, x.two), const(coefficient))
    return _mul(x.step, slope)


def _exponential(one: Node, two: Node, x: Pair) -> Node:
    """The larger times 1 - exp(-|dx|): no overflow that the values do not have."""
    fall = function("expm1", -function("abs", x.step))
    return function("select", x.step, -one * fall, two * fall)


def _exponential_less_one(one: Node, two: Node, x: Pair) -> Node:
    return _exponential(one + 1.0, two + 1.0, x)


def _sine(one: Node, two: Node, x: Pair) -> Node:
    return 2.0 * function("sin", x.step * 0.5) * function("cos", (x.one + x.two) * 0.5)


def _cosine(one: Node, two: Node, x: Pair) -> Node:
    return -2.0 * function("sin", x.step * 0.5) * function("sin", (x.one + x.two) * 0.5)


def _angle(one: Node, two: Node, y: Pair, x: Pair) -> Node:
    """The angle between two points, by their cross and inner products."""
    cross = _sub(_mul(y.step, x.two), _mul(y.two, x.step))
    return function("atan2", cross, x.one * x.two + y.one * y.two)


def _arcsine(one: Node, two: Node, x: Pair) -> Node:
    cosine1, cosine2 = (sqrt((1.0 - v) * (1.0 + v)) for v in (x.one, x.two))
    fall = _over(x.step * (x.one + x.two), cosine1 + cosine2)
    sides = Pair(cosine1, cosine2, -fall)
    return _angle(one, two, x, sides)


def _choice(test: Pair, both: Node, mixed: Node, neither: Node) -> Node:
    """`both` where the test holds at both points, `neither` where at none, else `mixed`."""
    if is_const(test.one):
        holds = test.one.attr("value") > 0
        return function("select", test.two, *((both, mixed) if holds else (mixed, neither)))
    inner = function("select", function("max", test.one, test.two), mixed, neither)
    return function("select", function("min", test.one, test.two), both, inner)


def _select(one: Node, two: Node, test: Pair, x: Pair, y: Pair) -> Node:
    if test.constant:
        return function("select", test.one, x.step, y.step)
    return _choice(test, x.step, _sub(one, two), y.step)


def _larger(one: Node, two: Node, x: Pair, y: Pair) -> Node:
    test = Pair(_sub(x.one, y.one), _sub(x.two, y.two), const(0.0))
    return _choice(test, x.step, _sub(one, two), y.step)


def _smaller(one: Node, two: Node, x: Pair, y: Pair) -> Node:
    test = Pair(_sub(y.one, x.one), _sub(y.two, x.two), const(0.0))
    return _choice(test, x.step, _sub(one, two), y.step)


def _modulus(one: Node, two: Node, x: Pair) -> Node:
    return _choice(x, x.step, _sub(one, two), -x.step)


_RULES: dict[str, Callable[..., Node]] = {
    "add": lambda one, two, x, y: _add(x.step, y.step),
    "sub": lambda one, two, x, y: _sub(x.step, y.step),
    "neg": lambda one, two, x: _sub(const(0.0), x.step),
    "mul": _product,
    "div": _quotient,
    "sqrt": _root,
    "inv_sqrt": _inverse_root,
    "power": _power,
    "polynomial": _polynomial,
    "exp": _exponential,
    "expm1": _exponential_less_one,
    "sin": _sine,
    "cos": _cosine,
    "asin": _arcsine,
    "atan2": _angle,
    "abs": _modulus,
    "max": _larger,
    "min": _smaller,
    "select": _select,
}
