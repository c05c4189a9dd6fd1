"""What expressions come to. There is one grammar for numbers, words and layers alike.

A broken part is reported once and comes to `POISON`, which silences what follows from it.
Evaluation is by steps (`ntkc.network.trampoline`), so no program exhausts Python's stack,
and within limits (`ntkc.network.limits`), so none takes long: past one, `AbortError`.
"""

from __future__ import annotations

from ntkc.diagnostics import Label, Span, foreign
from ntkc.network import limits, numbers
from ntkc.network.calls import Calls
from ntkc.network.operators import binary
from ntkc.network.report import Report
from ntkc.network.scope import Entry, Scope, Want
from ntkc.network.trampoline import Step, done
from ntkc.network.values import (
    POISON,
    Boolean,
    Extents,
    FunctionName,
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
    sequence,
)
from ntkc.syntax import ast


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
                return done(constant(expression.value))
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
                return binary(self, expression, scope, want)
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
            _layer_help(value),
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
        return plan

    def too_large(self, code: str, message: str, span: Span, help: str) -> AbortError:
        """Report that a limit is exceeded; the caller raises what is returned."""
        self.report.error(code, message, span, "the limit is exceeded here", help=help)
        return AbortError(message)

    # ---- Expressions

    def _parameter(self, statement: ast.Param, scope: Scope) -> Step[Value]:
        from ntkc.ir.node import param

        value = yield self.number(statement.value, scope)
        if isinstance(value, Poison):
            return POISON
        if not value.is_constant:
            self.report.error(
                "E0319",
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
        scope = scope.enter()
        for statement in block.statements:
            if isinstance(statement, ast.Let):
                value = yield self.value(statement.value, scope)
                scope.bind(statement.name.name, value)
            else:
                parts.append((yield self.layer(statement, scope)))
        return self.checked(sequence(tuple(parts)), block.span)


def _layer_help(value: Value) -> str:
    """What to write where a layer is needed, and this stands."""
    match value:
        case Word(word=word):
            return foreign.layer_help(word)
        case FunctionName(name=name):
            return f"define it as an activation: `activation f(z) = {name}(z)`"
        case Items():
            return "layers are composed by `->`, as in `{ dense -> relu }`"
        case Extents():
            return "a size belongs to a layer, as in `conv(3x3)`"
        case _:
            return ""
