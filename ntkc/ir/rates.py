"""The derivative of every scalar operation: what forward mode does at one node.

A rule takes the node and the rates of its arguments along one direction, None for an
argument that does not move, and gives the node's own rate. Values at which a derivative
does not exist get a finite one, by these conventions:

- 1/sqrt(x) counts as 0 at x = 0 (`inv_sqrt`), so sqrt and arccos have rate 0 at their branch
  points: what they are multiplied by vanishes there too, faster, in every kernel (a
  complement's own rate is of its order), and the product's limit is 0;
- where two branches of a choice meet, the rate is that of the branch the value comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ntkc.ir.node import (
    Node,
    Varies,
    const,
    function,
    inv_sqrt,
    is_const,
    make,
    topological,
    within,
)
from ntkc.ir.octaves import Octaves
from ntkc.ir.ops import SPATIAL

Rate = Node | None
Rule = Callable[..., Rate]


def plus(x: Rate, y: Rate) -> Rate:
    """x + y."""
    if x is None or y is None:
        return y if x is None else x
    return x + y


def minus(x: Rate, y: Rate) -> Rate:
    """x - y."""
    if y is None:
        return x
    return -y if x is None else x - y


def times(factor: Node, x: Rate) -> Rate:
    """factor * x."""
    if x is None or is_const(factor, 0.0):
        return None
    if is_const(factor, 1.0):
        return x
    return factor if is_const(x, 1.0) else factor * x


GUARD = 1e-30
"""What formulas add to a threshold which may be 0, so that angles at it are defined."""
_LEAST_THRESHOLD = 1e-6
"""In the units of z. The rate by a threshold t is a difference of angles of legs as small as t, of
which roundings remain, over t; at 0 itself it is a limit that such formulas do not know."""


def _sum(node: Node, x: Rate, y: Rate) -> Rate:
    return plus(_guarded(node, x), _guarded(node, y))


def _difference(node: Node, x: Rate, y: Rate) -> Rate:
    return minus(_guarded(node, x), _guarded(node, y))


def _guarded(node: Node, rate: Rate) -> Rate:
    """The rate of a term; of a guarded threshold that moves, where it is far enough from 0."""
    if rate is None or node.varies is not Varies.CONST or node.args[0] is node.args[1]:
        return rate
    for guard, threshold in (node.args, node.args[::-1]):
        if is_const(guard, GUARD):
            square = threshold * threshold
            what = "for a derivative by a threshold, its square"
            return times(within(square, _LEAST_THRESHOLD**2, math.inf, what) / square, rate)
    return rate


def _product(node: Node, x: Rate, y: Rate) -> Rate:
    left, right = node.args
    return plus(times(right, x), times(left, y))


def _quotient(node: Node, x: Rate, y: Rate) -> Rate:
    change = minus(x, times(node, y))
    return None if change is None else change / node.args[1]


def _chosen(condition: Node, x: Rate, y: Rate) -> Rate:
    """The rate of what a choice chooses."""
    if x is None and y is None:
        return None
    zero = const(0.0)
    return function("select", condition, zero if x is None else x, zero if y is None else y)


def _root(node: Node, x: Rate) -> Rate:
    return times(const(0.5), times(inv_sqrt(node.args[0]), x))


def _inverse_root(node: Node, x: Rate) -> Rate:
    """-x'/(2 x sqrt(x)), by factors that stay in range where x is tiny and x' with it."""
    return times(const(-0.5), times(node, times(node, times(node, x))))


def _power(node: Node, x: Rate) -> Rate:
    exponent = node.attr("exponent")
    if exponent == 0:
        return None
    below = node.args[0] ** (exponent - 1) if exponent > 1 else const(1.0)
    return times(const(float(exponent)), times(below, x))


def _arcsine(node: Node, x: Rate) -> Rate:
    sine = node.args[0]
    return times(inv_sqrt((1.0 - sine) * (1.0 + sine)), x)


def _angle(node: Node, y: Rate, x: Rate) -> Rate:
    opposite, adjacent = node.args
    return _turned(times(adjacent, y), times(opposite, x), opposite, adjacent)


def _turned(one: Rate, other: Rate, opposite: Node, adjacent: Node) -> Rate:
    """The rate of the angle of (adjacent, opposite), from the products whose difference it is."""
    turned = minus(one, other)
    if turned is None:
        return None
    square = opposite * opposite + adjacent * adjacent
    return function("select", square, turned / square, 0.0)


_ROUNDINGS = 1e-15
"""Of two products: what is left of their difference where they are equal."""


def _steady_angle(opposite: Node, adjacent: Node, y: Rate, x: Rate) -> Rate:
    """The same, where both legs may be as small as a threshold that moves: then their quotient
    stays, and a rounding of the difference over the square of the threshold must not remain.
    """
    one, other = times(adjacent, y), times(opposite, x)
    if one is None or other is None:
        return _turned(one, other, opposite, adjacent)
    size = function("abs", one) + function("abs", other)
    moves = function("abs", one - other) - const(_ROUNDINGS) * size
    one, other = (function("select", moves, part, 0.0) for part in (one, other))
    return _turned(one, other, opposite, adjacent)


_ROOT_PI = const(1.772453850905516)
"""The float nearest to it, which the square root of the float nearest to pi is not."""


def _bell(node: Node, rate: float) -> Node:
    """exp(-rate x^2)."""
    return function("exp", const(-rate) * (node.args[0] * node.args[0]))


def _owen_t(node: Node, h: Rate, y: Rate, x: Rate) -> Rate:
    """-exp(-h^2/2) [Phi(h y/|x|) - 1/2] / sqrt(2 pi) along h, and the integrand at the end along
    the angle of (|x|, y).
    """
    height, opposite, adjacent = node.args
    size = function("abs", adjacent)
    steepness = opposite / function("max", size, 1e-300)
    inner = function("normal_cdf", height * steepness) - 0.5
    bell = function("exp", const(-0.5) * (height * height))
    along = times(const(-1.0 / math.sqrt(2.0 * math.pi)), times(bell * inner, h))
    turned = times(function("select", adjacent, 1.0, -1.0), x)
    angle = _steady_angle(opposite, size, y, turned)
    end = function("exp", const(-0.5) * (height * height) * (1.0 + steepness * steepness))
    return plus(along, times(const(0.5 / math.pi), times(end, angle)))


def _triangle(node: Node, h: Rate, y: Rate, x: Rate) -> Rate:
    """What the angle has of it, less the rate of Owen's T."""
    height, opposite, adjacent = node.args
    size = function("abs", adjacent)
    steepness = opposite / function("max", size, 1e-300)
    inner = function("normal_cdf", height * steepness) - 0.5
    bell = function("exp", const(-0.5) * (height * height))
    along = times(const(1.0 / math.sqrt(2.0 * math.pi)), times(bell * inner, h))
    turned = times(function("select", adjacent, 1.0, -1.0), x)
    angle = _angle(make("atan2", opposite, size), y, turned)
    end = function("expm1", const(-0.5) * (height * height) * (1.0 + steepness * steepness))
    return plus(along, times(const(-0.5 / math.pi), times(end, angle)))


def _edge(node: Node, h: Rate, y: Rate, x: Rate) -> Rate:
    """With t = y/|x| and E = exp(-h^2 (1 + t^2)/2)/(2 pi): -exp(-h^2/2) Phi(-h t)/sqrt(2 pi),
    -V_0 - t E and -2 V_1 along h, and -E, -h t^2 E and -2 t^2 E/(1 + t^2) along the angle of
    (|x|, y), for the degrees 0, 1, 2 and V_0, V_1 those of lower degrees.
    """
    height, opposite, adjacent = node.args
    degree, size = node.attr("degree"), function("abs", adjacent)
    steepness = opposite / function("max", size, 1e-300)
    steepness = function("max", function("min", steepness, 1e100), -1e100)
    square = height * height
    end = function("exp", const(-0.5) * square * (1.0 + steepness * steepness)) * (0.5 / math.pi)
    if degree == 0:
        bell = function("exp", const(-0.5) * square) * (1.0 / math.sqrt(2.0 * math.pi))
        along, around = -bell * function("normal_cdf", -height * steepness), -end
    elif degree == 1:
        along = -make("edge", *node.args, degree=0) - steepness * end
        around = -height * (steepness * (steepness * end))
    else:
        along = const(-2.0) * make("edge", *node.args, degree=1)
        around = const(-2.0) * (1.0 - 1.0 / (1.0 + steepness * steepness)) * end
    turned = times(function("select", adjacent, 1.0, -1.0), x)
    angle = _steady_angle(opposite, size, y, turned)
    return plus(times(along, h), times(around, angle))


def _kink(node: Node, x: Rate) -> Rate:
    """dK_n/dmu = n^2 K_{n-1}, and dK_0/dmu = 1/sqrt(mu (2 - mu))."""
    (mu,), degree = node.args, node.attr("degree")
    if degree == 0:
        return times(inv_sqrt(mu * (2.0 - mu)), x)
    return times(const(float(degree**2)), times(make("kink", mu, degree=degree - 1), x))


def _polynomial(node: Node, x: Rate) -> Rate:
    (argument,), coefficients = node.args, node.attr("coefficients")
    below = tuple(k * a for k, a in enumerate(coefficients))[1:]
    if not below:
        return None
    if len(below) == 1:
        return times(const(below[0]), x)
    return times(make("polynomial", argument, coefficients=below), x)


def _chebyshev(node: Node, x: Rate) -> Rate:
    """By T_k' / k = 2 T_{k-1} + T_{k-2}' / (k - 2) (Clenshaw 1957, "The numerical solution of
    linear differential equations in Chebyshev series").
    """
    coefficients = node.attr("coefficients")
    below = [0.0] * (len(coefficients) + 1)
    for k in range(len(coefficients) - 1, 0, -1):
        below[k - 1] = below[k + 1] + 2 * k * coefficients[k]
    below[0] /= 2
    series = tuple(below[: len(coefficients) - 1])
    if not series:
        return None
    return times(make("chebyshev", node.args[0], coefficients=series), x)


def _octaves(node: Node, x: Rate) -> Rate:
    """Part by part."""
    below = Octaves.of(node).derivative()
    return None if below is None else times(below.at(node.args[0]), x)


def _modulus(node: Node, x: Rate) -> Rate:
    return _chosen(node.args[0], x, minus(None, x))


def _mapped(node: Node, x: Rate) -> Rate:
    """A linear map on positions, of a rate that may be the same at all of them."""
    if x is None:
        return None
    (value,) = node.args
    if (value.space and not x.space) or x.varies is Varies.CONST:
        x = x + const(0.0) * value
    return make(node.op, x, **dict(node.attrs))


def _dropout(node: Node, x: Rate, rate: Rate) -> Rate:
    """k / (1 - rate) of an input with itself, where dropout at 1/2 minus the identity is k."""
    value, dropped = node.args
    own = make("dropout", value, const(0.5)) - value
    scale = 1.0 / ((1.0 - dropped) * (1.0 - dropped))
    kept = None if x is None else make("dropout", x, dropped)
    return plus(kept, None if rate is None else times(own * scale, rate))


RULES: dict[str, Rule] = {
    "add": _sum,
    "sub": _difference,
    "mul": _product,
    "div": _quotient,
    "neg": lambda node, x: minus(None, x),
    "abs": _modulus,
    "min": lambda node, x, y: _chosen(node.args[1] - node.args[0], x, y),
    "max": lambda node, x, y: _chosen(node.args[0] - node.args[1], x, y),
    "select": lambda node, condition, x, y: _chosen(node.args[0], x, y),
    "sqrt": _root,
    "inv_sqrt": _inverse_root,
    "power": _power,
    "exp": lambda node, x: times(node, x),
    "expm1": lambda node, x: times(function("exp", node.args[0]), x),
    "log": lambda node, x: None if x is None else x / node.args[0],
    "round": lambda node, x: None,
    "pow2": lambda node, x: times(const(math.log(2.0)), times(node, x)),
    "sin": lambda node, x: times(function("cos", node.args[0]), x),
    "cos": lambda node, x: minus(None, times(function("sin", node.args[0]), x)),
    "asin": _arcsine,
    "atan2": _angle,
    "kink": _kink,
    "polynomial": _polynomial,
    "chebyshev": _chebyshev,
    "octaves": _octaves,
    "coincide": lambda node, x: _chosen(node, x, None),  # what counts as 0 does not move
    "erf": lambda node, x: times(const(2.0) / _ROOT_PI, times(_bell(node, 1.0), x)),
    "normal_cdf": lambda node, x: times(
        const(1.0 / math.sqrt(2.0 * math.pi)), times(_bell(node, 0.5), x)
    ),
    "owen_t": _owen_t,
    "triangle": _triangle,
    "edge": _edge,
    **dict.fromkeys(SPATIAL, _mapped),
    "dropout": _dropout,
    # What checks a value, and what marks where schedules cut, are the identity.
    "within": lambda node, x: x,
    "carry": lambda node, x: None if x is None else make("carry", x),
}
"""By operation. A linear operation's rule is the operation itself, on the rate."""


def derivative(form: Node, variable: Node) -> Node:
    """The rate of a scalar formula as one of its leaves moves at a rate of 1: forward mode, so that
    it grows with the formula's own size, whatever is nested in what.
    """
    rates: dict[Node, Rate] = {variable: const(1.0)}
    for node in topological((form,)):
        if node not in rates:
            given = [rates[arg] for arg in node.args]
            still = all(rate is None for rate in given)
            rates[node] = None if still else RULES[node.op](node, *given)
    found = rates[form]
    return const(0.0) if found is None else found
