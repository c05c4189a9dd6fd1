"""Formulas as a reader wants them: a sum over what they are made of, each part written once.

What the compiler computes is arranged for accuracy: guarded divisors, differences that do not
cancel, the same tail of a normal distribution in ten places. For the eye it is multiplied out,
s^2 stands for p q - c^2, equal functions are recognised by their arguments, and their
coefficients are added and factored. The value is the same; nothing computes by it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy

from ntkc.symbolic.functions import (
    Edge,
    ExpMinusOne,
    InverseRoot,
    Larger,
    Modulus,
    NormalCdf,
    OwenT,
    Select,
    Smaller,
)
from ntkc.symbolic.translate import sympy_symbol

C, P, Q = map(sympy_symbol, "cpq")
S = sympy.Symbol("s", positive=True)
"""sqrt(p q - c^2)."""
PHI, OWEN_T = sympy.Function("Phi"), sympy.Function("T")
Parts = dict[Any, Any]
"""Coefficients by the product of functions that they belong to."""

_DETERMINANT = P * Q - C**2
_LARGE = 6000
"""Beyond this many operations multiplying out takes longer than a reader waits."""
_SHORT = 12
"""Characters of a number that somebody wrote."""
_ROOT_PI = sympy.sqrt(sympy.pi)
_CONSTANTS: tuple[Any, ...] = (
    1, sympy.sqrt(2), 1 / (sympy.sqrt(2) * _ROOT_PI), 1 / _ROOT_PI, 1 / sympy.pi, _ROOT_PI,
)  # fmt: skip


def spelled(expression: Any) -> Any:
    """Ordinary functions in place of the compiler's."""
    return (
        expression.replace(Edge, _edge)
        .replace(ExpMinusOne, lambda x: sympy.exp(x) - 1)
        .replace(InverseRoot, lambda x: 1 / sympy.sqrt(x))
        .replace(Modulus, sympy.Abs)
        .replace(Larger, sympy.Max)
        .replace(Smaller, sympy.Min)
        .replace(Select, _sign_or_choice)
        .replace(NormalCdf, PHI)
        .replace(OwenT, lambda h, y, x: OWEN_T(h, y / x))
        .replace(sympy.atan2, _angle)
    )


def _angle(y: Any, x: Any) -> Any:
    """The adjacent side of every angle here is a root, and positive."""
    return sympy.atan(y / x)


def _sign_or_choice(condition: Any, yes: Any, no: Any) -> Any:
    """A choice, which is a sign where it is one between 1 and -1."""
    if (yes, no) == (-1, 1):
        return sympy.sign(-condition)
    return Select(condition, yes, no, evaluate=False)


def _edge(degree: Any, h: Any, y: Any, x: Any) -> Any:
    """The operation `edge` by Owen's T, as `ntkc.ir.exact` has it for mpmath."""
    slope, sign = y / x, sympy.sign(h)
    value = sign * PHI(-sign * h) / 2 - OWEN_T(h, slope)
    if degree == 0:
        return value
    density = sympy.exp(-(h**2) / 2) / sympy.sqrt(2 * sympy.pi)
    first = density * PHI(-h * slope) - h * value
    if degree == 1:
        return first
    end = sympy.exp(-(h**2) * slope**2 / 2) / sympy.sqrt(2 * sympy.pi)
    return slope / (1 + slope**2) * density * end + value - h * first


def readable_number(value: float) -> Any | None:
    """A float as a simple multiple of a constant, where it is one up to roundings; 0 for what
    guards a division, or is what roundings of other numbers left; None for any other.
    """
    if abs(value) < 1e-25 or (abs(value) < 1e-15 and len(repr(value)) > _SHORT):
        return sympy.Integer(0)
    for constant in _CONSTANTS:
        quotient = value / float(constant)
        simple = Fraction(quotient).limit_denominator(2000)
        if simple and math.isclose(float(simple), quotient, rel_tol=1e-14):
            return sympy.Rational(simple.numerator, simple.denominator) * constant
    return None


# --- sums of functions with coefficients ------------------------------------------------


def parts(expression: Any) -> Parts | None:
    """The expression multiplied out and gathered; None where it is too large for that."""
    if expression.count_ops() > _LARGE:
        return None
    expression = expression.replace(_is_root, lambda e: S ** (2 * e.exp))
    names: dict[Any, Any] = {}
    terms = sympy.Add.make_args(sympy.expand(_hidden(expression, names)))
    meant = {name: whole for whole, name in names.items()}
    known: dict[Any, tuple[Any, Any]] = {}
    found: dict[Any, list[Any]] = {}
    for term in terms:
        coefficient, product = _split(term, meant, known)
        found.setdefault(product, []).append(coefficient)
    shown = {product: _coefficient(sympy.Add(*c)) for product, c in found.items()}
    return {product: c for product, c in shown.items() if c != 0}


def _is_root(e: Any) -> bool:
    return bool(e.is_Pow and e.base == _DETERMINANT and not e.exp.is_integer)


def _hidden(e: Any, names: dict[Any, Any]) -> Any:
    """The expression with names for functions, roots and divisors, to be multiplied out."""
    if e.is_Add or e.is_Mul or (e.is_Pow and e.exp.is_Integer and e.exp > 0):
        return e.func(*(_hidden(a, names) for a in e.args))
    if not e.args:
        return e
    if e not in names:
        names[e] = sympy.Dummy(positive=True)
    return names[e]


def _split(term: Any, meant: Mapping[Any, Any], known: dict[Any, Any]) -> tuple[Any, Any]:
    """A term's coefficient and its functions."""
    coefficient, product, exponent = sympy.Integer(1), sympy.Integer(1), sympy.Integer(0)
    for factor in sympy.Mul.make_args(term):
        name, power = factor.as_base_exp()
        whole = meant.get(name, name)
        if isinstance(whole, sympy.exp):
            exponent += power * whole.args[0]
        elif _is_function(whole):
            if whole not in known:
                known[whole] = _canonical(whole)
            sign, function = known[whole]
            coefficient, product = coefficient * sign**power, product * function**power
        else:
            coefficient *= whole**power
    if exponent != 0:
        product *= sympy.exp(rational(exponent))
    return coefficient, product


def _is_function(e: Any) -> bool:
    return e.func in (PHI, OWEN_T) or isinstance(e, (sympy.atan, sympy.asin))


def _canonical(function: Any) -> tuple[int, Any]:
    """A sign and a function of arguments in one form. T is even in h and odd in the tangent."""
    arguments = [rational(a) for a in function.args]
    if function.func == PHI:
        return 1, PHI(*arguments)
    sign = 1
    if arguments[-1].could_extract_minus_sign():
        sign, arguments[-1] = -1, -arguments[-1]
    if function.func == OWEN_T and arguments[0].could_extract_minus_sign():
        arguments[0] = -arguments[0]
    return sign, function.func(*arguments)


def _coefficient(e: Any) -> Any:
    e = rational(e)
    return sympy.factor_terms(sympy.trigsimp(e)) if e.has(sympy.sin, sympy.cos) else e


def rational(e: Any) -> Any:
    """One quotient, factored, with s for sqrt(p q - c^2)."""
    return with_s(sympy.factor(sympy.cancel(sympy.together(without_s(e)))))


def without_s(e: Any) -> Any:
    """p q - c^2 in the place of s^2: what is left of s is to the power 0 or 1."""
    return e.replace(
        lambda x: x.is_Pow and x.base == S and x.exp.is_integer,
        lambda x: _DETERMINANT ** (x.exp // 2) * S ** (x.exp % 2),
    )


def with_s(e: Any) -> Any:
    """s^2 in the place of p q - c^2, alone and within sums."""
    return e.replace(lambda x: x.is_Add, _sum_with_s)


def _sum_with_s(*terms: Any) -> Any:
    whole = sympy.Add(*terms)
    scale = whole.coeff(P * Q)
    if scale == 0 or scale.has(C, P, Q) or whole.coeff(C, 2) != -scale:
        return whole
    return sympy.expand(whole - scale * _DETERMINANT) + scale * S**2


def summed(found: Parts) -> Any:
    """The sum, with functions of equal coefficients gathered."""
    groups: dict[Any, list[Any]] = {}
    for product, coefficient in found.items():
        sign = -1 if coefficient.could_extract_minus_sign() else 1
        groups.setdefault(sign * coefficient, []).append(sign * product)
    return sympy.Add(*(_times(c, sympy.Add(*products)) for c, products in groups.items()))


def _times(coefficient: Any, functions: Any) -> Any:
    """Their product; a sum stays one, which SymPy would multiply out."""
    if coefficient == 1 or not functions.is_Add:
        return coefficient * functions
    number, functions = sympy.factor_terms(functions).as_coeff_Mul()
    if functions.is_Add:
        negative = sum(f.could_extract_minus_sign() for f in functions.args)
        if 2 * negative > len(functions.args):
            number, functions = -number, -functions
    if coefficient.is_Number:
        return sympy.Mul(number * coefficient, functions, evaluate=False)
    return sympy.Mul(number, coefficient, functions)
