"""Names and calls: what a name stands for, and what it makes of its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntkc.layers.base.known import WORDS
from ntkc.network import builtins, limits, numbers
from ntkc.network.activation_calls import ActivationCalls
from ntkc.network.arguments import Signature, match
from ntkc.network.layer_calls import LayerCalls
from ntkc.network.numbers import NoValueError
from ntkc.network.scope import CallSite, Entry, Frame, Scope, Want
from ntkc.network.trampoline import Step, done
from ntkc.network.unavailable import report_unavailable
from ntkc.network.values import (
    POISON,
    Either,
    FunctionName,
    Number,
    Plan,
    Poison,
    Value,
    Word,
    constant,
    describe,
)
from ntkc.syntax import ast

if TYPE_CHECKING:
    from ntkc.network.evaluate import Evaluator


class Calls:
    """The part of an evaluator that knows what names mean."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._report = evaluator.report
        self._activations = ActivationCalls(evaluator)
        self._layers = LayerCalls(evaluator)

    def name(self, name: ast.Name, scope: Scope, want: Want) -> Step[Value]:
        """A bare name. What is called without arguments needs no parentheses."""
        local = scope.local(name.name)
        if local is not None:
            return done(local)
        entry = scope.entry(name.name)
        if entry is not None and isinstance(entry.statement, ast.Param | ast.Let):
            return self._evaluator.entry(entry)
        word = name.name
        if entry is None:
            if word in numbers.CONSTANTS:
                return done(constant(numbers.CONSTANTS[word]))
            if word in WORDS or word in builtins.axis_names():
                return done(Word(word))
            if word in numbers.FUNCTIONS and (want == "number" or not builtins.is_activation(word)):
                return done(FunctionName(word))
        return self.call(ast.Call(name, (), name.span), scope, want)

    def call(self, call: ast.Call, scope: Scope, want: Want) -> Step[Value]:
        """A call of a definition, a layer, an activation or a function."""
        word = call.function.name
        local = scope.local(word)
        if local is not None:
            return done(self._not_callable(call, local, scope))
        entry = scope.entry(word)
        if entry is not None:
            return self._call_entry(entry, call, scope, want)
        if word in numbers.FUNCTIONS:
            return self._call_function(call, scope, want)
        if builtins.is_activation(word):
            return self._activations.call(call, scope)
        if word in builtins.layer_names():
            return self._layers.call(call, scope)
        if word in WORDS or word in builtins.axis_names():
            return done(self._not_callable(call, Word(word), scope))
        if word in numbers.CONSTANTS:
            return done(self._not_callable(call, constant(numbers.CONSTANTS[word]), scope))
        report_unavailable(call, self._report)
        return done(POISON)

    # ---- Definitions

    def _call_entry(self, entry: Entry, call: ast.Call, scope: Scope, want: Want) -> Step[Value]:
        statement = entry.statement
        if entry.broken:
            return done(POISON)
        if isinstance(statement, ast.Def):
            return self._call_definition(entry, statement, call, scope, want)
        if isinstance(statement, ast.ActivationDef):
            return self._activations.call_defined(entry, call, scope)
        return self._call_value(entry, call, scope)

    def _call_value(self, entry: Entry, call: ast.Call, scope: Scope) -> Step[Value]:
        value: Value = yield self._evaluator.entry(entry)
        return self._not_callable(call, value, scope)

    def _call_definition(
        self, entry: Entry, definition: ast.Def, call: ast.Call, scope: Scope, want: Want
    ) -> Step[Value]:
        if scope.depth >= limits.MAX_DEFINITION_DEPTH:
            raise self._evaluator.too_large(
                "E0332",
                f"definitions use each other more than {limits.MAX_DEFINITION_DEPTH} deep",
                call.span,
                "let definitions build on each other less",
            )
        parameters = definition.parameters
        signature = Signature(
            entry.name,
            tuple(p.name.name for p in parameters),
            [p.name.name for p in parameters if p.default is None],
            hint=_formula_hint(definition) if want != "number" else "",
        )
        matched = match(signature, call.arguments, call.span, self._report)
        if matched is None:
            return POISON
        inside = Scope(entry.file, Frame(None), scope.depth + 1, CallSite(entry.name, call.span))
        for parameter in parameters:
            given = matched.get(parameter.name.name)
            if given:
                value = yield self._evaluator.value(given[0].value, scope)
            else:
                assert parameter.default is not None
                value = yield self._evaluator.value(parameter.default, inside)
            inside.bind(parameter.name.name, value)
        result: Value = yield self._evaluator.value(definition.body, inside, want)
        return result

    def _not_callable(self, call: ast.Call, value: Value, scope: Scope) -> Value:
        if not isinstance(value, Poison):
            name = call.function.name
            self._evaluator.error(
                scope,
                "E0314",
                f"`{name}` takes no arguments",
                call.span,
                f"`{name}` is {describe(value)}",
                f"write `{name}` without parentheses",
            )
        return POISON

    # ---- Functions of numbers

    def _call_function(self, call: ast.Call, scope: Scope, want: Want) -> Step[Value]:
        """A function's value, or an activation of that name, or, where it is open, both."""
        name = call.function.name
        if builtins.is_activation(name) and (want == "layer" or not self._looks_numeric(call)):
            layer_value: Value = yield self._activations.call(call, scope)
            return layer_value
        arguments: list[Value] = []
        for argument in call.arguments:
            arguments.append((yield self._evaluator.number(argument.value, scope)))
        if POISON in arguments:
            return POISON
        given = [argument for argument in arguments if isinstance(argument, Number)]
        layer = self._activations.quietly(call, given) if want is None else None
        return self._function(call, given, layer, scope)

    def _looks_numeric(self, call: ast.Call) -> bool:
        """Whether the arguments are as many as the function takes, none of them by name."""
        arity = numbers.FUNCTIONS[call.function.name].arity
        return len(call.arguments) == arity and all(a.name is None for a in call.arguments)

    def _function(
        self, call: ast.Call, given: list[Number], layer: Plan | None, scope: Scope
    ) -> Value:
        name = call.function.name
        names = ("x", "y")[: numbers.FUNCTIONS[name].arity]
        if match(Signature(name, names, names), call.arguments, call.span, self._report) is None:
            return POISON
        try:
            number = numbers.call(name, given)
        except NoValueError as error:
            if layer is not None:
                return layer
            self._evaluator.error(scope, error.code, error.message, call.span, "here", error.help)
            return POISON
        return number if layer is None else Either(number, layer)


def _formula_hint(definition: ast.Def) -> str:
    """What to say where a `def` that is a formula of one variable is used as a layer."""
    body = definition.body
    arithmetic = isinstance(body, ast.Binary | ast.Unary | ast.Conditional) or (
        isinstance(body, ast.Call) and body.function.name in numbers.FUNCTIONS
    )
    variable = [p.name.name for p in definition.parameters]
    if not arithmetic or variable not in (["x"], ["z"]):
        return ""
    return f"a nonlinearity is defined by `activation {definition.name.name}({variable[0]}) = ..`"
