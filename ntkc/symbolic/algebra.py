"""Arithmetic on formulas that leaves out zeros and ones as it goes.

Derivations multiply by covariances that are 0 and coefficients that are 1; a formula made by
these functions has neither. Numbers are folded, so that a constant activation's forms have
no arithmetic on literals left.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.node import Node, Operand, Rewriter, as_node, const, function, is_const, make
from ntkc.ir.ops import SCALAR

ZERO, ONE, HALF = const(0.0), const(1.0), const(0.5)


def plus(x: Operand, y: Operand) -> Node:
    """x + y; a difference where y is negated."""
    x, y = as_node(x), as_node(y)
    if is_const(x, 0.0):
        return y
    if is_const(y, 0.0):
        return x
    if y.op == "neg":
        return minus(x, y.args[0])
    if x.op == "neg":
        return minus(y, x.args[0])
    return folded(make("add", x, y))


def minus(x: Operand, y: Operand) -> Node:
    """x - y."""
    x, y = as_node(x), as_node(y)
    if is_const(y, 0.0):
        return x
    if x is y:
        return ZERO
    if is_const(x, 0.0):
        return negated(y)
    if y.op == "neg":
        return plus(x, y.args[0])
    return folded(make("sub", x, y))


def negated(x: Operand) -> Node:
    """-x."""
    x = as_node(x)
    return x.args[0] if x.op == "neg" else folded(make("neg", x))


def times(*factors: Operand) -> Node:
    """The product: numbers gathered in front, signs pulled out.

    Raises `OverflowError` where the numbers leave the range of floats.
    """
    number, result, minuses = 1.0, None, False
    for factor in map(as_node, factors):
        if factor.op == "neg":
            minuses, factor = not minuses, factor.args[0]
        if is_const(factor):
            number *= factor.attr("value")
            continue
        if factor.op == "mul" and is_const(factor.args[0]):
            number *= factor.args[0].attr("value")
            factor = factor.args[1]
        result = factor if result is None else make("mul", result, factor)
    if not math.isfinite(number):
        raise OverflowError("a product of numbers is too large for a number")
    if number < 0:
        number, minuses = -number, not minuses
    if result is None or number == 0.0:
        return const(0.0 if number == 0.0 else -number if minuses else number)
    result = result if number == 1.0 else make("mul", const(number), result)
    return make("neg", result) if minuses else result


def over(x: Operand, y: Operand) -> Node:
    """x / y, where y is not 0."""
    x, y = as_node(x), as_node(y)
    if is_const(x, 0.0) or is_const(y, 1.0):
        return x
    if x.op == "neg":
        return negated(over(x.args[0], y))
    if is_const(y):
        return times(_inverse(y.attr("value")), x)
    return ONE if x is y else folded(make("div", x, y))


def _inverse(number: float) -> float:
    """1 / number, infinite for 0."""
    return 1.0 / number if number else math.inf


def quotient(x: Operand, y: Operand) -> Node:
    """x / y for y >= 0, and 0 where y is 0."""
    x, y = as_node(x), as_node(y)
    if is_const(x, 0.0) or is_const(y):
        return x if is_const(x, 0.0) else over(x, y)
    return function("select", y, make("div", x, y), 0.0)


def raised(x: Operand, n: int) -> Node:
    """x to a whole power n >= 0."""
    x = as_node(x)
    if n == 0:
        return ONE
    if n == 2 and is_const(x):
        return folded(make("mul", x, x))
    return x if n == 1 else folded(make("power", x, exponent=n))


def root(x: Operand) -> Node:
    """The square root."""
    return folded(function("sqrt", x))


def inverse_root(x: Operand) -> Node:
    """1/sqrt(x), and 0 where x is 0."""
    return folded(function("inv_sqrt", x))


def exponential(x: Operand) -> Node:
    """e^x."""
    return folded(function("exp", x))


def summed(terms: Iterable[Node]) -> Node:
    """The sum."""
    result = ZERO
    for term in terms:
        result = plus(result, term)
    return result


def folded(node: Node) -> Node:
    """The number, where all arguments of a scalar operation are numbers and it is finite.

    Zero has one sign here: terms are told apart by their numbers.
    """
    if not node.args or node.op not in SCALAR or not all(map(is_const, node.args)):
        return node
    rule = _QUICK.get(node.op)
    if rule is None:
        (value,) = evaluate([node], {})
    else:
        value = rule(*(arg.attr("value") for arg in node.args))
    if not math.isfinite(value):
        return node
    return ZERO if value == 0.0 else const(float(value))


_QUICK: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "neg": operator.neg,
}
"""What Python's floats do as NumPy's do, and without its overhead."""


def simplified(form: Node) -> Node:
    """The form again, by the rules above: after a substitution of numbers."""
    return Rewriter(_simpler)(form)


def _simpler(node: Node) -> Node:
    args = node.args
    match node.op:
        case "add":
            return plus(*args)
        case "sub":
            return minus(*args)
        case "mul":
            return times(*args)
        case "neg":
            return negated(*args)
        case "select":
            if args[1] is args[2]:
                return args[1]
            if is_const(args[0]):
                return args[1] if args[0].attr("value") > 0 else args[2]
        case "owen_t" | "atan2" if is_const(args[1 if node.op == "owen_t" else 0], 0.0):
            return ZERO if node.op == "owen_t" else node
        case "div" if is_const(args[0], 0.0) and not is_const(args[1], 0.0):
            return ZERO
    return folded(node)


@dataclass(frozen=True)
class Complex:
    """A complex number of two formulas."""

    real: Node
    imaginary: Node = ZERO

    def __add__(self, other: Complex) -> Complex:
        return Complex(plus(self.real, other.real), plus(self.imaginary, other.imaginary))

    def __mul__(self, other: Complex) -> Complex:
        return Complex(
            minus(times(self.real, other.real), times(self.imaginary, other.imaginary)),
            plus(times(self.real, other.imaginary), times(self.imaginary, other.real)),
        )

    def scaled(self, factor: Operand) -> Complex:
        """The product with a real number."""
        return Complex(times(self.real, factor), times(self.imaginary, factor))

    def exp_real(self, factor: Complex) -> Node:
        """The real part of factor times e^self."""
        size = exponential(self.real)
        if is_const(self.imaginary, 0.0):
            return times(size, factor.real)
        cosine = folded(function("cos", self.imaginary))
        sine = folded(function("sin", self.imaginary))
        wave = minus(times(factor.real, cosine), times(factor.imaginary, sine))
        return times(size, wave)
