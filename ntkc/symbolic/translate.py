"""IR scalar expressions to SymPy and back.

Nothing here reads text: names become `sympy.Symbol`s, numbers become exact rationals (or
multiples of a few named constants) and come back as the same floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy

from ntkc.ir.exact import recognise
from ntkc.ir.node import Node, const, function, make, symbol, topological
from ntkc.symbolic.functions import (
    Edge,
    ExpMinusOne,
    InverseRoot,
    Kink,
    Larger,
    Modulus,
    NormalCdf,
    OwenT,
    Select,
    Smaller,
    Triangle,
)

POSITIVE = frozenset({"p", "q"})
"""Symbols that are variances. Zero is reached as a limit of the forms."""

_SIMPLE = 10_000
_NAMED = {
    "pi": sympy.pi,
    "1/pi": 1 / sympy.pi,
    "sqrt(2)": sympy.sqrt(2),
    "sqrt(pi)": sympy.sqrt(sympy.pi),
    "sqrt(2/pi)": sympy.sqrt(2 / sympy.pi),
}


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
    known = recognise(value)
    if known is not None:
        factor, name = known
        return sympy.Rational(factor.numerator, factor.denominator) * _NAMED[name]
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


def opaque_numbers(form: Node) -> dict[Node, Any]:
    """Symbols for the form's constants that are neither simple rationals nor recognised: as
    exact dyadic rationals they would only grow under SymPy's hands.
    """
    found: dict[Node, Any] = {}
    for node in topological((form,)):
        value = node.attr("value") if node.op == "const" else 0.0
        exact = exact_number(value)
        if exact.is_Rational and exact.q > _SIMPLE:
            sign = {"positive": True} if value > 0 else {"negative": True}
            found[node] = sympy.Symbol(f"number{len(found)}", **sign)
    return found


def _to_sympy(node: Node, args: list[Any]) -> Any:
    if node.op == "const":
        return exact_number(node.attr("value"))
    if node.op in ("symbol", "param"):
        return sympy_symbol(node.attr("name"))
    if node.op == "power":
        return args[0] ** node.attr("exponent")
    if node.op in ("kink", "edge"):
        return {"kink": Kink, "edge": Edge}[node.op](node.attr("degree"), *args)
    if node.op == "polynomial":
        coefficients = map(exact_number, reversed(node.attr("coefficients")))
        return reduce(lambda value, a: value * args[0] + a, coefficients, sympy.Integer(0))
    if node.op == "chebyshev":
        coefficients = map(exact_number, node.attr("coefficients"))
        return sympy.Add(*(a * sympy.chebyshevt(k, args[0]) for k, a in enumerate(coefficients)))
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
    "erf": sympy.erf,
    "normal_cdf": NormalCdf,
    "owen_t": OwenT,
    "triangle": Triangle,
}


# --- from SymPy ----------------------------------------------------------------------


def from_sympy(expression: Any, known: Mapping[Any, Node] | None = None) -> Node:
    """The expression in IR, with `known` nodes for some of its SymPy symbols."""
    return _visited(expression, dict(known or {}))


def _from_sympy(e: Any, done: dict[Any, Node]) -> Node:
    if e.is_Symbol:
        return symbol(e.name)
    if e.is_number:
        return const(_nearest(e))
    if e.is_Add:
        return _sum(e, done)
    if e.is_Mul:
        return _product(e, done)
    if isinstance(e, sympy.Pow):
        return _power(done[e.base], e.exp, done)
    if isinstance(e, sympy.atan):
        return _angle(e.args[0], done)
    for kind, op in ((Kink, "kink"), (Edge, "edge")):
        if isinstance(e, kind):
            return make(op, *(done[a] for a in e.args[1:]), degree=int(e.args[0]))
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
    (sympy.erf, "erf"),
    (NormalCdf, "normal_cdf"),
    (OwenT, "owen_t"),
    (Triangle, "triangle"),
)


def _angle(tangent: Any, done: dict[Any, Node]) -> Node:
    """The angle of a right triangle's sides, rather than of their quotient."""
    scale, quotient = tangent.as_coeff_Mul()
    opposite, adjacent = quotient.as_numer_denom()
    if not adjacent.is_positive:
        opposite, adjacent = quotient, sympy.Integer(1)
    opposite *= scale
    return make("atan2", _visited(opposite, done), _visited(adjacent, done))


def _visited(e: Any, done: dict[Any, Node]) -> Node:
    for part in sympy.postorder_traversal(e):
        if part not in done:
            done[part] = _from_sympy(part, done)
    return done[e]


def _nearest(number: Any) -> float:
    """The float nearest to an exact number (`float` alone may be one unit off).

    Raises `OverflowError` where there is none.
    """
    found = float(number if number.is_Rational else number.evalf(40))
    if math.isinf(found):
        raise OverflowError("a number of the formula is too large for a float")
    return found


def _sum(e: Any, done: dict[Any, Node]) -> Node:
    """Positive terms first, then the negative ones subtracted; a polynomial in one symbol
    with numbers for coefficients becomes one operation.
    """
    plus, minus = [], []
    terms = e.as_ordered_terms()
    polynomial = _numeric_polynomial(terms)
    if polynomial is not None:
        x, coefficients, terms = polynomial
        plus.append(make("polynomial", done[x], coefficients=coefficients))
    for term in terms:
        if term.could_extract_minus_sign():
            minus.append(_visited(-term, done))
        else:
            plus.append(done[term])
    if not plus:
        return -_fold("add", minus)
    return reduce(lambda total, term: total - term, minus, _fold("add", plus))


def _numeric_polynomial(terms: list[Any]) -> tuple[Any, tuple[float, ...], list[Any]] | None:
    """(x, coefficients, the other terms) where three terms or more, or two with a power above
    the second, are numbers times powers of one symbol x.
    """
    powers = [(term, *_monomial(term)) for term in terms]
    symbols = {x for _, x, k, _ in powers if x is not None and k > 1}
    if len(symbols) != 1:
        return None
    (x,) = symbols
    taken = {k: (term, a) for term, y, k, a in powers if y == x or (y is None and k == 0)}
    if len(taken) < 3 and (len(taken) < 2 or max(taken) < 3):
        return None
    used = [term for term, _ in taken.values()]
    coefficients = tuple(
        _nearest(taken[k][1]) if k in taken else 0.0 for k in range(max(taken) + 1)
    )
    return x, coefficients, [term for term in terms if term not in used]


def _monomial(term: Any) -> tuple[Any, int, Any]:
    """(x, k, a) for a x^k, (None, 0, a) for a number, (None, -1, 0) for anything else."""
    if term.is_number:
        return None, 0, term
    factors = sympy.Mul.make_args(term)
    rest = [f for f in factors if not f.is_number]
    number = sympy.Mul(*(f for f in factors if f.is_number))
    if len(rest) == 1 and rest[0].is_Symbol:
        return rest[0], 1, number
    if len(rest) == 1 and isinstance(rest[0], sympy.Pow):
        base, exponent = rest[0].args
        if base.is_Symbol and exponent.is_Integer and exponent > 1:
            return base, int(exponent), number
    return None, -1, 0


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
    scale = _nearest(sympy.Mul(*constants))
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
