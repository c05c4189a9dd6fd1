"""Formulas without a value somewhere, said where it is and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ntkc.ir.node import Node, Rewriter, const, topological
from ntkc.symbolic.domain import Gap, Kind, gap, unbounded
from ntkc.syntax import ast

if TYPE_CHECKING:
    from ntkc.network.formulas import Formula

_SHOWN = 40


@dataclass(frozen=True)
class Finding:
    """What to say about a formula without a value, and the part that it is about."""

    expression: ast.Expr | None
    message: str
    label: str
    help: str


def without_value(body: Node, formula: Formula) -> Finding | None:
    """The part of a formula that has no value somewhere, with parameters at their defaults."""
    defaults = formula.defaults
    fixed = Rewriter(lambda node: const(defaults[node]) if node in defaults else node)
    found = gap(fixed(body))
    if found is None:
        return None
    part = fixed.known(formula.places).get(found.part)
    varies = any(node.op == "symbol" for node in topological((found.part,)))
    at = f" at {formula.variable} = {_number(found.place)}" if varies else ""
    power = isinstance(part, ast.Binary) and part.operator == "^"
    label = _POWERS.get(found.kind, found.kind.value) if power else found.kind.value
    if defaults:
        label += f", with {_listed(defaults)}"
    return Finding(part, f"{_shown(part)} has no value{at}", label, _mend(found, part))


def without_bound(body: Node, slope: Node, formula: Formula) -> Finding | None:
    """The part by which a formula, or its slope, has no bound where a series looks."""
    found = unbounded(body, slope)
    if found is None:
        return None
    part = formula.places.get(found.part)
    shown = _shown(part)
    at = f"{formula.variable} = {_number(found.place)}"
    if found.kind is Kind.OVERFLOW:
        return Finding(part, f"{shown} is too large for a number at {at}", "beyond 1.8e308", _SCALE)
    message = f"{shown} grows beyond all bounds near {at}"
    return Finding(part, message, "it has no bound", _CHOOSE)


_POWERS = {
    Kind.ROOT: "a power that is not whole, of a negative number",
    Kind.LOGARITHM: "a power that is not whole, of a negative number",
    Kind.LOGARITHM_OF_ZERO: "a power of 0 that need not be above 0",
    Kind.DIVISION: "a negative power of 0",
}
_SCALE = (
    "without a closed form it needs a series, which looks as far as 135: write the formula so that "
    "no part of it overflows there, or scale it"
)
_CHOOSE = "choose another value there, by `if`, `max` or `min`"


def _shown(part: ast.Expr | None) -> str:
    text = "" if part is None else " ".join(part.span.text.split())
    return f"`{text}`" if 0 < len(text) <= _SHOWN else "this"


def _number(place: float) -> str:
    return "0" if abs(place) < 1e-300 else f"{place:.6g}"


def _listed(defaults: Mapping[Node, float]) -> str:
    return " and ".join(f"`{n.attr('name')}` = {v:g}" for n, v in defaults.items())


def _operand(exponent: ast.Expr) -> str:
    """An exponent as it must be written; its span is without the brackets around it."""
    text = exponent.span.text
    return (
        text if isinstance(exponent, ast.Number | ast.Name | ast.Unary | ast.Call) else f"({text})"
    )


def _mend(found: Gap, part: ast.Expr | None) -> str:
    match part, found.kind:
        case ast.Binary(operator="^", left=left, right=right), Kind.ROOT | Kind.LOGARITHM:
            base, power = left.span.text, _operand(right)
            return (
                "powers that are not whole are of numbers from 0 on: write "
                f"`max({base}, 0)^{power}`, or `abs({base})^{power}`"
            )
        case ast.Binary(operator="^", left=left, right=right), _:
            return (
                "raise what is above 0 for every z, as in "
                f"`(1 + abs({left.span.text}))^{_operand(right)}`"
            )
        case ast.Call(arguments=(argument,)), Kind.ROOT:
            return f"write `sqrt(max({argument.value.span.text}, 0))` for 0 there"
        case _, Kind.LOGARITHM | Kind.LOGARITHM_OF_ZERO:
            return "take the logarithm of what is above 0 for every z, as in `log(1 + z^2)`"
    return "divide by what is not 0 for any z, as in `1 / (1 + z^2)`, or choose another value there"
