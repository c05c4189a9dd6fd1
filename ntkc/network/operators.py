"""Operators: arithmetic, comparisons, and the repetition of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntkc.network import limits, numbers
from ntkc.network.numbers import NoValueError
from ntkc.network.scope import Scope, Want
from ntkc.network.trampoline import Step
from ntkc.network.values import (
    POISON,
    Boolean,
    Either,
    Extents,
    FunctionName,
    Items,
    Number,
    Poison,
    Value,
    Word,
    as_layer,
    as_number,
    describe,
    is_layer,
    repeat,
)
from ntkc.syntax import ast

if TYPE_CHECKING:
    from ntkc.network.evaluate import Evaluator


def binary(evaluator: Evaluator, expression: ast.Binary, scope: Scope, want: Want) -> Step[Value]:
    """`+ - * / ^` and the comparisons."""
    operator = expression.operator
    arithmetic = operator in ("+", "-", "/", "^")
    inner: Want = "number" if arithmetic else want if operator == "*" else None
    left: Value = yield evaluator.value(expression.left, scope, inner)
    right: Value = yield evaluator.value(expression.right, scope, inner)
    if isinstance(left, Poison) or isinstance(right, Poison):
        return POISON
    if operator == "*":
        left, right = _settle(left, right, want)
        if is_layer(left) or is_layer(right):
            return _repeat(evaluator, expression, left, right, scope)
    left, right = as_number(left), as_number(right)
    if operator in ("<", "<=", ">", ">=", "==", "!="):
        return _compare(evaluator, expression, left, right, scope)
    for value, operand in ((left, expression.left), (right, expression.right)):
        if not isinstance(value, Number):
            _not_a_number(evaluator, expression, value, operand, scope)
            return POISON
    assert isinstance(left, Number)
    assert isinstance(right, Number)
    try:
        return numbers.binary(operator, left, right)
    except NoValueError as error:
        evaluator.error(scope, error.code, error.message, expression.span, "here", error.help)
        return POISON


_LAYER_HELP = {
    "+": "`add(a, b)` is the sum of layers",
    "^": "`layer * n` repeats a layer",
    "-": "`a -> b` composes layers",
}


def _not_a_number(
    evaluator: Evaluator, expression: ast.Binary, value: Value, operand: ast.Expr, scope: Scope
) -> None:
    help = ""
    if is_layer(value) or isinstance(value, FunctionName):
        help = _LAYER_HELP.get(expression.operator, "")
    if isinstance(value, Items) and expression.operator == "*":
        help = "a layer is repeated, as in `{ dense -> relu } * 3`"
    evaluator.error(
        scope,
        "E0306",
        f"`{expression.operator}` is arithmetic, between numbers",
        operand.span,
        f"expected a number, found {describe(value)}",
        help,
    )


def _repeat(
    evaluator: Evaluator, expression: ast.Binary, left: Value, right: Value, scope: Scope
) -> Value:
    body, count, place = left, right, expression.right
    if not is_layer(left):
        body, count, place = right, left, expression.left
    plan, count = as_layer(body), as_number(count)
    times = _times(evaluator, count, place, scope)
    if times is None:
        return POISON
    return evaluator.checked(repeat(plan, times), expression.span)  # type: ignore[arg-type]


def _times(evaluator: Evaluator, count: Value, place: ast.Expr, scope: Scope) -> int | None:
    """How often a layer is repeated; None where that is wrong, which is reported."""
    if not isinstance(count, Number):
        help = "`a -> b` composes layers, `multiply(a, b)` multiplies features"
        evaluator.error(
            scope,
            "E0306",
            "a layer is repeated by a whole number",
            place.span,
            f"expected a whole number, found {describe(count)}",
            help if is_layer(count) else "",
        )
        return None
    if not count.is_constant:
        evaluator.error(
            scope,
            "E0311",
            "how often a layer is repeated must be known at compile time",
            place.span,
            "this depends on a `param`",
            "use a `let` constant",
        )
        return None
    if count.whole is None or count.whole < 0:
        evaluator.error(
            scope,
            "E0312",
            f"a layer cannot be repeated {count.value:g} times",
            place.span,
            "not a whole number from 0 on",
        )
        return None
    if count.whole > limits.MAX_REPEAT:
        raise evaluator.too_large(
            "E0331",
            f"a layer can be repeated at most {limits.MAX_REPEAT:,} times",
            place.span,
            "repeat it less often",
        )
    return count.whole


def _compare(
    evaluator: Evaluator, expression: ast.Binary, left: Value, right: Value, scope: Scope
) -> Value:
    operator = expression.operator
    if isinstance(left, Number) and isinstance(right, Number):
        if left.is_constant and right.is_constant:
            return Boolean(numbers.compare(operator, left.value, right.value))
        evaluator.error(
            scope,
            "E0311",
            "a condition must be known at compile time",
            expression.span,
            "this depends on a `param`",
            "use a `let` constant",
        )
        return POISON
    alike = type(left) is type(right) and isinstance(left, Boolean | Word | Extents)
    if alike and operator in ("==", "!="):
        return Boolean((left == right) == (operator == "=="))
    evaluator.error(
        scope,
        "E0306",
        f"{describe(left)} and {describe(right)} cannot be compared by `{operator}`",
        expression.span,
        "compare numbers",
        "`a -> b` composes layers" if is_layer(left) or is_layer(right) else "",
    )
    return POISON


def _settle(left: Value, right: Value, want: Want) -> tuple[Value, Value]:
    """The operands of `*`, where one of them is a number or a layer."""
    if isinstance(left, Either) and want == "layer" and not is_pure_layer(right):
        return left.layer, as_number(right)
    if isinstance(right, Either) and want == "layer" and not is_pure_layer(left):
        return as_number(left), right.layer
    return as_number(left), as_number(right)


def is_pure_layer(value: Value) -> bool:
    """Whether the value is a layer and nothing else."""
    return is_layer(value) and not isinstance(value, Either)
