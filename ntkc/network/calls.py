"""Names and calls: what a name stands for, and what it makes of its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntkc import layers
from ntkc.diagnostics import Kind
from ntkc.layers.base.joining import Joining
from ntkc.layers.base.known import PLANNED, WITHOUT_LIMIT, WORDS
from ntkc.layers.base.layer import Argument
from ntkc.layers.base.parameters import LayersParameter, NumberParameter, Parameter, is_required
from ntkc.layers.base.values import Origin
from ntkc.network import builtins, limits, numbers
from ntkc.network.activation_calls import ActivationCalls
from ntkc.network.arguments import (
    Matched,
    Signature,
    WrongArgumentError,
    convert,
    default_of,
    match,
)
from ntkc.network.numbers import NoValueError
from ntkc.network.report import did_you_mean
from ntkc.network.scope import CallSite, Entry, Scope
from ntkc.network.trampoline import Step, done
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
    single,
)
from ntkc.syntax import ast

if TYPE_CHECKING:
    from ntkc.network.evaluate import Evaluator, Want


class Calls:
    """The part of an evaluator that knows what names mean."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._report = evaluator.report
        self._activations = ActivationCalls(evaluator)

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
            if word in WORDS:
                return done(Word(word))
            if word in numbers.FUNCTIONS and (
                want == "number" or word not in builtins.activation_names()
            ):
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
        if word in builtins.activation_names():
            return self._activations.call(call, scope)
        if word in builtins.layer_names():
            return self._call_layer(call, scope)
        if word in WORDS:
            return done(self._not_callable(call, Word(word), scope))
        if word in numbers.CONSTANTS:
            return done(self._not_callable(call, constant(numbers.CONSTANTS[word]), scope))
        self._report_unavailable(call)
        return done(POISON)

    # ---- Definitions

    def _call_entry(self, entry: Entry, call: ast.Call, scope: Scope, want: Want) -> Step[Value]:
        statement = entry.statement
        if entry.broken:
            return done(POISON)
        if isinstance(statement, ast.Def):
            return self._call_definition(entry, statement, call, scope, want)
        if isinstance(statement, ast.ActivationDef):
            self._activations.call_defined(statement, call)
            return done(POISON)
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
        )
        matched = match(signature, call.arguments, call.span, self._report)
        if matched is None:
            return POISON
        inside = Scope(entry.file, None, scope.depth + 1, CallSite(entry.name, call.span))
        for parameter in parameters:
            given = matched.get(parameter.name.name)
            if given:
                value = yield self._evaluator.value(given[0].value, scope)
            else:
                assert parameter.default is not None
                value = yield self._evaluator.value(parameter.default, inside)
            inside = inside.bind(parameter.name.name, value)
        result: Value = yield self._evaluator.value(definition.body, inside, want)
        return result

    def _not_callable(self, call: ast.Call, value: Value, scope: Scope) -> Value:
        if not isinstance(value, Poison):
            name = call.function.name
            self._evaluator.error(
                scope,
                "E0322",
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
        is_activation = name in builtins.activation_names()
        if is_activation and (want == "layer" or not self._looks_numeric(call)):
            layer_value: Value = yield self._activations.call(call, scope)
            return layer_value
        arguments: list[Value] = []
        for argument in call.arguments:
            arguments.append((yield self._evaluator.number(argument.value, scope)))
        if POISON in arguments:
            return POISON
        given = [argument for argument in arguments if isinstance(argument, Number)]
        layer = None
        if is_activation and want is None:
            layer = self._activations.quietly(call, given)
        number = self._function(call, given, scope)
        if layer is None or isinstance(number, Poison):
            return number if layer is None else layer
        assert isinstance(number, Number)
        return Either(number, layer)

    def _looks_numeric(self, call: ast.Call) -> bool:
        """Whether the arguments are as many as the function takes, none of them by name."""
        arity = numbers.FUNCTIONS[call.function.name].arity
        return len(call.arguments) == arity and all(a.name is None for a in call.arguments)

    def _function(self, call: ast.Call, given: list[Number], scope: Scope) -> Value:
        name = call.function.name
        names = ("x", "y")[: numbers.FUNCTIONS[name].arity]
        signature = Signature(name, names, names)
        if match(signature, call.arguments, call.span, self._report) is None:
            return POISON
        try:
            return numbers.call(name, given)
        except NoValueError as error:
            self._evaluator.error(scope, error.code, error.message, call.span, "here", error.help)
            return POISON

    # ---- Layers

    def _call_layer(self, call: ast.Call, scope: Scope) -> Step[Value]:
        name = call.function.name
        layer_type = layers.load(name)
        declared = layer_type.parameters
        variadic = next((p for p in declared if isinstance(p, LayersParameter)), None)
        signature = Signature(
            name,
            tuple(p.name for p in declared),
            [p.name for p in declared if is_required(p) and p is not variadic],
            None if variadic is None else variadic.name,
        )
        matched = match(signature, call.arguments, call.span, self._report)
        if matched is None:
            return POISON
        branches: list[Plan] = []
        for argument in matched.get(variadic.name, []) if variadic is not None else []:
            branches.append((yield self._evaluator.layer(argument.value, scope)))
        arguments = yield self._layer_arguments(declared, matched, scope)
        if arguments is None or (variadic and not self._enough(call, branches, variadic)):
            return POISON
        layer = layer_type(name, arguments, call.span)
        if isinstance(layer, Joining) and variadic is not None:
            written = matched[variadic.name]
            layer.branch_origins = tuple(Origin(a.value.span, "") for a in written)
        return self._evaluator.checked(single(layer, tuple(branches)), call.span)

    def _layer_arguments(
        self, declared: tuple[Parameter, ...], matched: Matched, scope: Scope
    ) -> Step[dict[str, Argument] | None]:
        result: dict[str, Argument] | None = {}
        for parameter in declared:
            if isinstance(parameter, LayersParameter):
                continue
            given = matched.get(parameter.name)
            if not given:
                value = default_of(parameter)
            else:
                want: Want = "number" if isinstance(parameter, NumberParameter) else None
                written = given[0].value
                evaluated = yield self._evaluator.value(written, scope, want)
                try:
                    value = convert(parameter, evaluated)
                except WrongArgumentError as wrong:
                    self._wrong(wrong, written, scope)
                    result = None
                    continue
            if result is not None:
                result[parameter.name] = value
        return result

    def _wrong(self, wrong: WrongArgumentError, written: ast.Expr, scope: Scope) -> None:
        if wrong.code is not None:
            self._evaluator.error(
                scope, wrong.code, wrong.message, written.span, wrong.label, wrong.help or ()
            )

    def _enough(self, call: ast.Call, branches: list[Plan], parameter: LayersParameter) -> bool:
        name = call.function.name
        if len(branches) > limits.MAX_BRANCHES:
            raise self._evaluator.too_large(
                "E0334",
                f"`{name}` can join at most {limits.MAX_BRANCHES} branches",
                call.span,
                "join fewer",
            )
        if len(branches) >= parameter.minimum:
            return True
        self._report.error(
            "E0303",
            f"`{name}` joins at least {parameter.minimum} branches",
            call.span,
            f"there {'is one' if branches else 'are none'} here",
            help=f"give it layers: `{name}(identity, dense)`",
        )
        return False

    # ---- What is known and cannot be had

    def _report_unavailable(self, call: ast.Call) -> None:
        word, span = call.function.name, call.function.span
        if word in WITHOUT_LIMIT:
            why, instead = WITHOUT_LIMIT[word]
            self._report.error(
                "E0406", f"`{word}` has no infinite-width limit in closed form", span, why,
                help=instead,
            )  # fmt: skip
        elif word in PLANNED:
            self._report.error(
                "E0501", f"`{word}` is not available yet", span, "a known layer, not built yet",
                help="networks on vectors can be compiled: `input vector[n]`",
                kind=Kind.LIMITATION,
            )  # fmt: skip
        elif word in builtins.planned_activations():
            self._report.error(
                "E0504", f"the activation `{word}` is not available yet", span,
                "it has no closed form here yet",
                help="similar ones with a closed form are `erf`, `gelu` and `sigmoid_like`",
                kind=Kind.LIMITATION,
            )  # fmt: skip
        else:
            self._report.error(
                "E0301", f"`{word}` is not known", span,
                "no layer, activation or definition has this name",
                help=did_you_mean(word, builtins.all_names()),
            )  # fmt: skip
