"""IR scalar expressions to SymPy and back.

Nothing here reads text: names become `sympy.Symbol`s, numbers become exact rationals (or
multiples of a few named constants) and come back as the same floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy

from ntkc.ir.node import Node, const, function, make, symbol, topological
from ntkc.symbolic.functions import (
    ExpMinusOne,
    InverseRoot,
    Kink,
    Larger,
    Modulus,
    Select,
    Smaller,
)

POSITIVE = frozenset({"p", "q"})
"""Symbols that are variances. Zero is reached as a limit of the forms."""

_SIMPLE = 10_000
_NAMED = (sympy.pi, 1 / sympy.pi, sympy.sqrt(2), sympy.sqrt(sympy.pi), sympy.sqrt(2 / sympy.pi))


# --- to SymPy ------------------------------------------------------------------------


def sympy_symbol(name: str) -> Any:
    """The SymPy symbol for a name of the formula."""
    return sympy.Symbol(name, positive=True) if name in POSITIVE else sympy.Symbol(name, real=True)


def exact_number(value: float) -> Any:
    """The exact number meant by a float: a simple rational, a simple multiple of a constant
    such as pi, or else the very dyadic rational. `float` of it gives the value back.
    """
    simple = Fraction(value).limit_denominator(_SIMPLE)
    if float(simple) == value:
        return sympy.Rational(simple.numerator, simple.denominator)
    for constant in _NAMED:
        unit = float(constant)
        factor = Fraction(value / unit).limit_denominator(100)
        candidate = sympy.Rational(factor.numerator, factor.denominator) * constant
        if abs(factor) > 0 and float(candidate) == value:
            return candidate
    exact = Fraction(value)
    return sympy.Rational(exact.numerator, exact.denominator)


def to_sympy(root: Node, known: Mapping[Node, Any] | None = None) -> Any:
    """The expression in SymPy, with `known` SymPy expressions for some of its nodes.

    Raises `ValueError` for an operation that is not scalar.
    """
    done: dict[Node, Any] = dict(known or {})
    for node in topological((root,)):
        if node not in done:
            done[node] = _to_sympy(node, [done[a] for a in node.args])
    return done[root]


def _to_sympy(node: Node, args: list[Any]) -> Any:
    if node.op == "const":
        return exact_number(node.attr("value"))
    if node.op in ("symbol", "param"):
        return sympy_symbol(node.attr("name"))
    if node.op == "power":
        return args[0] ** node.attr("exponent")
    if node.op == "kink":
        return Kink(node.attr("degree"), args[0])
    if node.op == "polynomial":
        coefficients = map(exact_number, reversed(node.attr("coefficients")))
        return reduce(lambda value, a: value * args[0] + a, coefficients, sympy.Integer(0))
    rule = _TO_SYMPY.get(node.op)
    if rule is None:
        raise ValueError(f"{node.op} has no SymPy counterpart")
    return rule(*args)


_TO_SYMPY: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "abs": Modulus,
    "min": Smaller,
    "max": Larger,
    "select": Select,
    "sqrt": sympy.sqrt,
    "inv_sqrt": InverseRoot,
    "exp": sympy.exp,
    "expm1": ExpMinusOne,
    "log": sympy.log,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "asin": sympy.asin,
    "atan2": sympy.atan2,
}


# --- from SymPy ----------------------------------------------------------------------


def from_sympy(expression: Any, known: Mapping[Any, Node] | None = None) -> Node:
    """The expression in IR, with `known` nodes for some of its SymPy symbols."""
    done: dict[Any, Node] = dict(known or {})
    for part in sympy.postorder_traversal(expression):
        if part not in done:
            done[part] = _from_sympy(part, done)
    return done[expression]


def _from_sympy(e: Any, done: dict[Any, Node]) -> Node:
    if e.is_Symbol:
        return symbol(e.name)
    if e.is_number:
        return const(float(e))
    if e.is_Add:
        return _sum(e, done)
    if e.is_Mul:
        return _product(e, done)
    if isinstance(e, sympy.Pow):
        return _power(done[e.base], e.exp, done)
    if isinstance(e, sympy.atan):
        return make("atan2", done[e.args[0]], const(1.0))
    if isinstance(e, Kink):
        return make("kink", done[e.args[1]], degree=int(e.args[0]))
    for kind, op in _FROM_SYMPY:
        if isinstance(e, kind):
            return make(op, *(done[a] for a in e.args))
    raise ValueError(f"{type(e).__name__} has no IR counterpart")


_FROM_SYMPY: tuple[tuple[Any, str], ...] = (
    (Select, "select"),
    (Larger, "max"),
    (Smaller, "min"),
    (Modulus, "abs"),
    (InverseRoot, "inv_sqrt"),
    (ExpMinusOne, "expm1"),
    (sympy.exp, "exp"),
    (sympy.log, "log"),
    (sympy.sin, "sin"),
    (sympy.cos, "cos"),
    (sympy.asin, "asin"),
    (sympy.atan2, "atan2"),
)


def _sum(e: Any, done: dict[Any, Node]) -> Node:
    """Positive terms first, then the negative ones subtracted."""
    plus, minus = [], []
    for term in e.as_ordered_terms():
        if term.could_extract_minus_sign():
            minus.append(_negated(term, done))
        else:
            plus.append(done[term])
    if not plus:
        return -_fold("add", minus)
    return reduce(lambda total, term: total - term, minus, _fold("add", plus))


def _negated(term: Any, done: dict[Any, Node]) -> Node:
    opposite = -term
    for part in sympy.postorder_traversal(opposite):
        if part not in done:
            done[part] = _from_sympy(part, done)
    return done[opposite]


def _product(e: Any, done: dict[Any, Node]) -> Node:
    """A number times the factors, over those with a negative exponent."""
    number, factors = e.as_coeff_Mul()
    constants = [number] if number != 1 else []
    above, below = [], []
    for factor in sympy.Mul.make_args(factors):
        if factor.is_number:
            constants.append(factor)
        elif isinstance(factor, sympy.Pow) and factor.exp.is_number and factor.exp < 0:
            below.append(_power(done[factor.base], -factor.exp, done))
        else:
            above.append(done[factor])
    scale = float(sympy.Mul(*constants))
    if scale == -1.0 and above:
        above = [-above[0], *above[1:]]
    elif scale != 1.0 or not above:
        above = [const(scale), *above]
    numerator = _fold("mul", above)
    return numerator / _fold("mul", below) if below else numerator


def _fold(op: str, items: Iterable[Node]) -> Node:
    return reduce(lambda x, y: function(op, x, y), items)


def _power(base: Node, exponent: Any, done: dict[Any, Node]) -> Node:
    if not exponent.is_Rational or exponent.q not in (1, 2):
        raise ValueError(f"no IR counterpart of an exponent {exponent}")
    if exponent < 0:
        return 1.0 / _power(base, -exponent, done)
    whole, half = divmod(int(exponent * 2), 2)
    parts = [base**whole] if whole > 1 else [base] * whole
    if half:
        parts.append(function("sqrt", base))
    return _fold("mul", parts)
