"""What a gathered formula is where the two inputs coincide: its limit for c, q -> p.

Arguments such as (p - c)/s and (p + c)/s go to 0 and to infinity there, each at its own pace.
"""

from __future__ import annotations

from typing import Any

import sympy

from ntkc.symbolic.gathered import (
    OWEN_T,
    PHI,
    C,
    P,
    Parts,
    Q,
    S,
    parts,
    rational,
    summed,
    without_s,
)

_GAP = sympy.Symbol("e", positive=True)
"""p - c at q = p, where s^2 = e (2 p - e)."""


def at_coincidence(found: Parts) -> Any | None:
    """The sum at c = q = p, its limit as s goes to 0; None where that is not clear term by term."""
    total = sympy.Integer(0)
    for product, coefficient in found.items():
        value, scale = _limit(product), _extended(coefficient)
        if value is None or (value != 0 and scale.is_finite is False):
            return None
        total += 0 if value == 0 else scale * value
    gathered = parts(total)
    return total if gathered is None else summed(gathered)


def _limit(product: Any) -> Any | None:
    value = sympy.Integer(1)
    for factor in sympy.Mul.make_args(product):
        base, power = (factor, 1) if isinstance(factor, sympy.exp) else factor.as_base_exp()
        limit = _limit_of(base, [_extended(a) for a in base.args]) if base.args else base
        if limit is None:
            return None
        value *= limit**power
    return value


def _limit_of(function: Any, arguments: list[Any]) -> Any | None:
    """The function at arguments that may be infinite."""
    last = arguments[-1]
    if last.is_finite is not False:
        return function.func(*arguments) if last != 0 else _at_zero(function)
    sign = sympy.sign(last)
    if isinstance(function, sympy.exp):
        return sympy.Integer(0) if sign == -1 else None
    if function.func == PHI:
        return (1 + sign) / 2
    if function.func == OWEN_T:
        height = sympy.sign(arguments[0]) * arguments[0]
        return sign * PHI(-height) / 2
    return sign * sympy.pi / 2 if isinstance(function, sympy.atan) else None


def _at_zero(function: Any) -> Any:
    return {PHI: sympy.Rational(1, 2), sympy.exp: sympy.Integer(1)}.get(
        function.func, sympy.Integer(0)
    )


def _extended(e: Any) -> Any:
    """A coefficient or an argument at coincidence: a value, or a sign times infinity."""
    turned = e.xreplace({S: -S})
    halves = (rational((e + turned) / 2), rational((e - turned) / 2))  # each is one quotient
    return sum((_at(half) for half in halves if half != 0), sympy.Integer(0))


def _at(e: Any) -> Any:
    power, rest = _power_of_s(e)
    at = rest.xreplace({Q: P}).subs(C, P - _GAP)
    if any(r.has(_GAP) for r in at.atoms(sympy.Pow) if not r.exp.is_integer):
        return e.xreplace({Q: P, C: P, S: 0})
    above, below = (_lowest(x) for x in sympy.fraction(sympy.cancel(sympy.together(at))))
    order = above[0] - below[0] + sympy.Rational(power, 2)
    ratio = sympy.cancel(above[1] / below[1])
    if ratio == 0 or order > 0:
        return sympy.Integer(0)
    return sympy.factor(ratio) if order == 0 else sympy.sign(ratio) * sympy.oo


def _power_of_s(e: Any) -> tuple[int, Any]:
    """(k, r) where it is s^k r, and r has c, p and q alone."""
    e = without_s(e)
    power = 0
    for factor in sympy.Mul.make_args(e):
        base, exponent = factor.as_base_exp()
        power += int(exponent) if base == S else 0
    return power, e / S**power


def _lowest(e: Any) -> tuple[int, Any]:
    """The lowest power of the gap, and its coefficient."""
    terms = sympy.Poly(e, _GAP).terms()
    (power,), coefficient = terms[-1]
    return power, coefficient
