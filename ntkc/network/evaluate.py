"""What expressions come to. There is one grammar for numbers, words and layers alike.

A broken part is reported once and comes to `POISON`, which silences what follows from it.
Evaluation is by steps (`ntkc.network.trampoline`), so no program exhausts Python's stack,
and within limits (`ntkc.network.limits`), so none takes long: past one, `AbortError`.
"""

from __future__ import annotations

from typing import Literal

from ntkc.diagnostics import Label, Span
from ntkc.network import limits, numbers
from ntkc.network.calls import Calls
from ntkc.network.numbers import NoValueError
from ntkc.network.report import Report
from ntkc.network.scope import Entry, Scope
from ntkc.network.trampoline import Step, done
from ntkc.network.values import (
    POISON,
    Boolean,
    Either,
    Extents,
    Items,
    Number,
    Plan,
    Poison,
    Value,
    Word,
    as_layer,
    as_number,
    constant,
    describe,
    is_layer,
    repeat,
    sequence,
)
from ntkc.syntax import ast

Want = Literal["number", "layer"] | None
"""What the place asks for, where a name could be either: `exp(1)` is a number or a layer."""


class AbortError(Exception):
    """A limit was exceeded and reported: nothing more can be said about the program."""


class Evaluator:
    """Evaluates the expressions of one network."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._calls = Calls(self)
        self._steps = 0

    # ---- What calls and the network ask for

    def value(self, expression: ast.Expr, scope: Scope, want: Want = None) -> Step[Value]:
        """What an expression comes to."""
        self._steps += 1
        if self._steps > limits.MAX_STEPS:
            raise self.too_large(
                "E0333",
                f"this program takes more than {limits.MAX_STEPS:,} steps to evaluate",
                expression.span,
                "definitions that use each other several times multiply: make `let`s of them",
            )
        match expression:
            case ast.Number():
                return done(self._literal(expression))
            case ast.Bool(value=flag):
                return done(Boolean(flag))
            case ast.Size(extents=extents):
                return done(Extents(extents))
            case ast.Name():
                return self._calls.name(expression, scope, want)
            case ast.Call():
                return self._calls.call(expression, scope, want)
            case ast.ListExpr():
                return self._list(expression, scope)
            case ast.Unary():
                return self._unary(expression, scope)
            case ast.Binary():
                return self._binary(expression, scope, want)
            case ast.Conditional():
                return self._conditional(expression, scope, want)
            case ast.Chain():
                return self._chain(expression, scope)
            case ast.Block():
                return self._block(expression, scope)

    def layer(self, expression: ast.Expr, scope: Scope) -> Step[Plan]:
        """An expression that must be a layer."""
        value: Value = as_layer((yield self.value(expression, scope, "layer")))
        if is_layer(value):
            return value  # type: ignore[return-value]
        self.error(
            scope,
            "E0306",
            "a layer is needed here",
            expression.span,
            f"expected a layer, found {describe(value)}",
        )
        return POISON

    def number(self, expression: ast.Expr, scope: Scope) -> Step[Number | Poison]:
        """An expression that must be a number."""
        value: Value = as_number((yield self.value(expression, scope, "number")))
        if isinstance(value, Number | Poison):
            return value
        self.error(
            scope,
            "E0306",
            "a number is needed here",
            expression.span,
            f"expected a number, found {describe(value)}",
        )
        return POISON

    def entry(self, entry: Entry) -> Step[Value]:
        """The value of a `let` or `param`, evaluated once."""
        if entry.broken:
            return POISON
        if entry.value is None:
            statement = entry.statement
            scope = Scope(entry.file)
            if isinstance(statement, ast.Param):
                entry.value = yield self._parameter(statement, scope)
            else:
                assert isinstance(statement, ast.Let)
                entry.value = yield self.value(statement.value, scope)
        return entry.value

    def error(
        self,
        scope: Scope,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        help: tuple[str, ...] | str = (),
    ) -> None:
        """Report an error; inside of a definition, with the call that led there."""
        called = scope.called
        secondary = () if called is None else (Label(called.span, f"in this `{called.name}`"),)
        self.report.error(code, message, span, label, secondary=secondary, help=help)

    def checked(self, plan: Plan, span: Span) -> Plan:
        """The plan, if it is not too large."""
        if plan.size > limits.MAX_LAYERS:
            raise self.too_large(
                "E0330",
                f"this network has more than {limits.MAX_LAYERS:,} layers",
                span,
                "repeat it less often",
            )
        if plan.depth > limits.MAX_LAYER_DEPTH:
            raise self.too_large(
                "E0335",
                f"layers are nested more than {limits.MAX_LAYER_DEPTH} deep",
                span,
                "write `a -> b -> c` in one chain or block, not inside one another",
            )
        return plan

    def too_large(self, code: str, message: str, span: Span, help: str) -> AbortError:
        """Report that a limit is exceeded; the caller raises what is returned."""
        self.report.error(code, message, span, "the limit is exceeded here", help=help)
        return AbortError(message)

    # ---- Expressions

    def _literal(self, expression: ast.Number) -> Value:
        try:
            return constant(expression.value)
        except ValueError:
            self.report.error(
                "E0310", "this number is too large", expression.span, "not a finite number"
            )
            return POISON

    def _parameter(self, statement: ast.Param, scope: Scope) -> Step[Value]:
        from ntkc.ir.node import param

        value = yield self.number(statement.value, scope)
        if isinstance(value, Poison):
            return POISON
        if not value.is_constant:
            self.report.error(
                "E0320",
                f"the default of `param {statement.name.name}` is not a constant",
                statement.value.span,
                "this depends on another `param`",
                help="use numbers and `let` constants",
            )
            return POISON
        return Number(param(statement.name.name), value.value)

    def _list(self, expression: ast.ListExpr, scope: Scope) -> Step[Value]:
        if len(expression.items) > limits.MAX_LIST:
            raise self.too_large(
                "E0334",
                f"this list has more than {limits.MAX_LIST} items",
                expression.span,
                "shorten it",
            )
        items = []
        for item in expression.items:
            items.append((yield self.value(item, scope)))
        return POISON if POISON in items else Items(tuple(items))

    def _unary(self, expression: ast.Unary, scope: Scope) -> Step[Value]:
        value = yield self.number(expression.operand, scope)
        return value if isinstance(value, Poison) else numbers.negate(value)

    def _conditional(self, expression: ast.Conditional, scope: Scope, want: Want) -> Step[Value]:
        condition: Value = yield self.value(expression.condition, scope)
        if isinstance(condition, Poison):
            return POISON
        if not isinstance(condition, Boolean):
            self.error(
                scope,
                "E0306",
                "a condition must be `true` or `false`",
                expression.condition.span,
                f"expected a condition, found {describe(condition)}",
                "compare it with something: `if n > 0 then ...`",
            )
            return POISON
        chosen = expression.then if condition.value else expression.otherwise
        result: Value = yield self.value(chosen, scope, want)
        return result

    def _chain(self, chain: ast.Chain, scope: Scope) -> Step[Value]:
        parts: list[Plan] = []
        for link in chain.links:
            parts.append((yield self.layer(link, scope)))
        return self.checked(sequence(tuple(parts)), chain.span)

    def _block(self, block: ast.Block, scope: Scope) -> Step[Value]:
        parts: list[Plan] = []
        for statement in block.statements:
            if isinstance(statement, ast.Let):
                value = yield self.value(statement.value, scope)
                scope = scope.bind(statement.name.name, value)
            else:
                parts.append((yield self.layer(statement, scope)))
        return self.checked(sequence(tuple(parts)), block.span)

    # ---- Operators

    def _binary(self, expression: ast.Binary, scope: Scope, want: Want) -> Step[Value]:
        operator = expression.operator
        arithmetic = operator in ("+", "-", "/", "^")
        inner: Want = "number" if arithmetic else want if operator == "*" else None
        left: Value = yield self.value(expression.left, scope, inner)
        right: Value = yield self.value(expression.right, scope, inner)
        if isinstance(left, Poison) or isinstance(right, Poison):
            return POISON
        if operator == "*":
            left, right = _settle(left, right, want)
            if is_layer(left) or is_layer(right):
                return self._repeat(expression, left, right, scope)
        left, right = as_number(left), as_number(right)
        if operator in ("<", "<=", ">", ">=", "==", "!="):
            return self._compare(expression, left, right, scope)
        for value, operand in ((left, expression.left), (right, expression.right)):
            if not isinstance(value, Number):
                self._not_a_number(expression, value, operand, scope)
                return POISON
        assert isinstance(left, Number)
        assert isinstance(right, Number)
        try:
            return numbers.binary(operator, left, right)
        except NoValueError as error:
            self.error(scope, error.code, error.message, expression.span, "here", error.help)
            return POISON

    def _not_a_number(
        self, expression: ast.Binary, value: Value, operand: ast.Expr, scope: Scope
    ) -> None:
        help = ""
        if is_layer(value) and expression.operator == "+":
            help = "`add(a, b)` is the sum of layers"
        self.error(
            scope,
            "E0306",
            f"`{expression.operator}` is arithmetic, between numbers",
            operand.span,
            f"expected a number, found {describe(value)}",
            help,
        )

    def _repeat(self, expression: ast.Binary, left: Value, right: Value, scope: Scope) -> Value:
        body, count, place = left, right, expression.right
        if not is_layer(left):
            body, count, place = right, left, expression.left
        plan, count = as_layer(body), as_number(count)
        if not isinstance(count, Number):
            help = "`a -> b` composes layers, `multiply(a, b)` multiplies features"
            self.error(
                scope,
                "E0306",
                "a layer is repeated by a whole number",
                place.span,
                f"expected a whole number, found {describe(count)}",
                help if is_layer(count) else "",
            )
            return POISON
        if not count.is_constant:
            self.error(
                scope,
                "E0311",
                "how often a layer is repeated must be known at compile time",
                place.span,
                "this depends on a `param`",
                "use a `let` constant",
            )
            return POISON
        if count.whole is None or count.whole < 0:
            self.error(
                scope,
                "E0312",
                f"a layer cannot be repeated {count.value:g} times",
                place.span,
                "not a whole number from 0 on",
            )
            return POISON
        if count.whole > limits.MAX_REPEAT:
            raise self.too_large(
                "E0331",
                f"a layer can be repeated at most {limits.MAX_REPEAT:,} times",
                place.span,
                "repeat it less often",
            )
        return self.checked(repeat(plan, count.whole), expression.span)  # type: ignore[arg-type]

    def _compare(self, expression: ast.Binary, left: Value, right: Value, scope: Scope) -> Value:
        operator = expression.operator
        if isinstance(left, Number) and isinstance(right, Number):
            if left.is_constant and right.is_constant:
                return Boolean(numbers.compare(operator, left.value, right.value))
            self.error(
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
        self.error(
            scope,
            "E0306",
            f"{describe(left)} and {describe(right)} cannot be compared by `{operator}`",
            expression.span,
            "compare numbers",
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
