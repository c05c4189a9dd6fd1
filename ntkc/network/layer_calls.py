"""Calls of layers: their arguments as the layer takes them, their branches as plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntkc import layers
from ntkc.layers.base.joining import Joining
from ntkc.layers.base.layer import Argument
from ntkc.layers.base.parameters import (
    LayersParameter,
    NumberParameter,
    Parameter,
    SizeParameter,
    is_required,
)
from ntkc.layers.base.values import Origin
from ntkc.network import limits
from ntkc.network.ambiguous import has_width, is_product
from ntkc.network.arguments import (
    Matched,
    Signature,
    WrongArgumentError,
    convert,
    default_of,
    match,
)
from ntkc.network.scope import Scope, Want
from ntkc.network.trampoline import Step
from ntkc.network.values import POISON, Plan, Value, single
from ntkc.syntax import ast

if TYPE_CHECKING:
    from ntkc.network.evaluate import Evaluator


class LayerCalls:
    """The part of an evaluator that makes layers."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._report = evaluator.report

    def call(self, call: ast.Call, scope: Scope) -> Step[Value]:
        """A layer with its arguments, and with its branches if it joins some."""
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
        if matched is None or has_width(call, declared, self._report):
            return POISON
        listed = (
            [a for a in matched.get(variadic.name, []) if isinstance(a.value, ast.ListExpr)]
            if variadic
            else []
        )
        if listed:
            self._report.error(
                "E0306",
                "branches are given one by one, not as a list",
                listed[0].span,
                f"write `{name}(a, b)`",
            )
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
                sized = isinstance(parameter, SizeParameter)
                if sized and is_product(written, parameter.name, self._report):
                    result = None
                    continue
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
