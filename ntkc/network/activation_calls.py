"""Activations: binding their arguments, and checking those that a program defines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntkc import activations
from ntkc.activations._derived import Defined, DefinedSeries
from ntkc.activations.base import Activation, ArgumentError, Bound, ParameterKind
from ntkc.diagnostics import Diagnostics, Kind, Label
from ntkc.ir.node import Node, symbol
from ntkc.layers.base.activation import ActivationLayer
from ntkc.layers.base.parameters import Range
from ntkc.network import builtins
from ntkc.network.arguments import Signature, WrongArgumentError, match, number
from ntkc.network.formulas import BrokenFormulaError, Formula
from ntkc.network.report import Report, listed
from ntkc.network.scope import CallSite, Entry, Frame, Scope
from ntkc.network.trampoline import Step, run
from ntkc.network.unavailable import report_unavailable
from ntkc.network.values import (
    POISON,
    Items,
    Number,
    Plan,
    Poison,
    Value,
    as_number,
    describe,
    single,
)
from ntkc.syntax import ast

if TYPE_CHECKING:
    from ntkc.network.evaluate import Evaluator
    from ntkc.network.gaps import Finding
    from ntkc.symbolic.routes import NoClosedForm


class ActivationCalls:
    """The part of an evaluator that makes layers of activations."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._report = evaluator.report
        self._labels: dict[str, Node] = {}
        self._sound: set[tuple[Node, tuple[tuple[Node, float], ...]]] = set()
        self._found: dict[tuple[str, Node], Activation | NoClosedForm | Finding] = {}

    def call(self, call: ast.Call, scope: Scope) -> Step[Value]:
        """An activation as a layer."""
        if call.function.name not in builtins.activation_names():
            report_unavailable(call, self._report)
            return POISON
        activation = activations.load(call.function.name)
        matched = match(_signature(activation), call.arguments, call.span, self._report)
        if matched is None:
            return POISON
        given: dict[str, Any] = {}
        broken = False
        for parameter in activation.parameters:
            written = matched.get(parameter.name)
            if written:
                place = written[0].value
                value = as_number((yield self._evaluator.value(place, scope, "number")))
                try:
                    given[parameter.name] = _convert(parameter.name, parameter, value)
                except WrongArgumentError as wrong:
                    broken = True
                    if wrong.code is not None:
                        self._evaluator.error(
                            scope, wrong.code, wrong.message, place.span, wrong.label
                        )
        if broken:
            return POISON
        try:
            bound = activation.bind((), given)
        except ArgumentError as error:
            self._refuse(error, call, {n: a[0].value for n, a in matched.items()}, scope)
            return POISON
        return single(ActivationLayer(call.function.name, bound, call.span))

    def quietly(self, call: ast.Call, given: list[Number]) -> Plan | None:
        """The layer, where there is such an activation and the arguments fit it."""
        if call.function.name not in builtins.activation_names():
            return None
        activation = activations.load(call.function.name)
        nowhere = Report(Diagnostics())
        if match(_signature(activation), call.arguments, call.span, nowhere) is None:
            return None
        try:
            bound: Bound = activation.bind([value.node for value in given], {})
        except ArgumentError:
            return None
        return single(ActivationLayer(call.function.name, bound, call.span))

    def call_defined(self, entry: Entry, call: ast.Call, scope: Scope) -> Step[Value]:
        """An activation that the program defines, as a layer."""
        definition = entry.statement
        assert isinstance(definition, ast.ActivationDef)
        parameters = definition.parameters
        signature = Signature(
            entry.name,
            tuple(p.name.name for p in parameters),
            [p.name.name for p in parameters if p.default is None],
        )
        matched = match(signature, call.arguments, call.span, self._report)
        if matched is None:
            return POISON
        inside = Scope(entry.file, Frame(None), scope.depth + 1, CallSite(entry.name, call.span))
        values: list[Number] = []
        for parameter in parameters:
            given = matched.get(parameter.name.name)
            place = given[0].value if given else parameter.default
            assert place is not None
            value = yield self._evaluator.number(place, scope if given else inside)
            if not isinstance(value, Number):
                return POISON
            inside.bind(parameter.name.name, value)
            values.append(value)
        return self._defined(entry, definition, values, call)

    def _defined(
        self, entry: Entry, definition: ast.ActivationDef, values: list[Number], call: ast.Call
    ) -> Value:
        named = list(zip((p.name.name for p in definition.parameters), values, strict=True))
        free = [name for name, value in named if not value.is_constant]
        names = {
            name: symbol(f"{entry.name}_{name}") if name in free else value.node
            for name, value in named
        }
        names[definition.variable.name] = symbol("z")
        formula = Formula(self._evaluator, entry, definition.variable.name, names)
        try:
            body = run(formula.node(definition.body))
        except BrokenFormulaError:
            return POISON
        formula.defaults |= {names[name]: v.value for name, v in named if name in free}
        shown = ", ".join(name if name in free else f"{v.value:g}" for name, v in named)
        label = self._label(f"{entry.name}({shown})" if shown else entry.name, body)
        if self._without_value(body, formula, entry, call):
            return POISON
        found = self._derived(entry.name, label, body, formula, tuple(free))
        if not isinstance(found, Activation):
            held = [str(node.attr("name")) for node in formula.defaults if node.op == "param"]
            self._no_closed_form(found, definition, call, [*free, *held])
            return POISON
        given = [v.node for name, v in named if name in free]
        bound = found.bind(given)
        return single(ActivationLayer(entry.name, bound, call.span, definition.name.span))

    def _without_value(self, body: Node, formula: Formula, entry: Entry, call: ast.Call) -> bool:
        """Whether the formula has no value somewhere, which is reported."""
        key = body, tuple(formula.defaults.items())
        if key in self._sound:
            return False
        from ntkc.network.gaps import without_value  # only programs with formulas need it

        found = without_value(body, formula)
        if found is None:
            self._sound.add(key)
        else:
            inside = Scope(entry.file, called=CallSite(entry.name, call.span))
            place = call if found.expression is None else found.expression
            self._evaluator.error(
                inside, "E0310", found.message, place.span, found.label, found.help
            )
        return found is not None

    def _derived(
        self, name: str, label: str, body: Node, formula: Formula, free: tuple[str, ...]
    ) -> Activation | NoClosedForm | Finding:
        """The activation by its closed form, or by a series: each formula's once."""
        from ntkc.network.gaps import without_bound
        from ntkc.symbolic.routes import Dual

        known = self._found.get((label, body))
        if known is None:
            activation = Defined(name, label, body, free)
            bound = activation.bind([symbol(n) for n in free])
            route = activation.route(bound)
            if isinstance(route, Dual) or _has_decays(activation, bound):
                known = activation
            elif formula.defaults or not route.in_range:
                known = route
            else:
                series = DefinedSeries(name, label, body)
                known = without_bound(body, series.slope(symbol("z")), formula) or series
            self._found[label, body] = known
        return known

    def _label(self, wanted: str, body: Node) -> str:
        """A label that no other formula of the network has."""
        label, count = wanted, 1
        while self._labels.setdefault(label, body) is not body:
            count += 1
            label = f"{wanted} [{count}]"
        return label

    def _no_closed_form(
        self,
        found: NoClosedForm | Finding,
        definition: ast.ActivationDef,
        call: ast.Call,
        free: list[str],
    ) -> None:
        from ntkc.network.gaps import Finding

        name = definition.name
        if isinstance(found, Finding):
            self._report.error(
                "E0503",
                f"`{name.name}` has no kernel that can be found: {found.message}",
                (found.expression or definition.body).span,
                found.label,
                secondary=(Label(call.span, f"in this `{name.name}`"),),
                help=found.help,
                kind=Kind.LIMITATION,
            )
            return
        self._report.error(
            "E0503",
            f"`{name.name}` has no closed form that can be found",
            call.span,
            found.reason,
            secondary=(Label(name.span, "it is defined here"),),
            help=f"with numbers for {listed(free)}, in place of what "
            "depends on a `param`, a certified series stands for it"
            if free
            else "scale the formula's numbers",
            kind=Kind.LIMITATION,
        )

    def _refuse(
        self, error: ArgumentError, call: ast.Call, written: dict[str, ast.Expr], scope: Scope
    ) -> None:
        where = getattr(error, "where", None)
        place = written.get(where) if isinstance(where, str) else None
        span = call.span if place is None else place.span
        self._evaluator.error(scope, "E0307", error.message, span, "not an allowed value")


def _has_decays(activation: Defined, bound: Bound) -> bool:
    """Whether it is one of exponentials that a kink at 0 cuts off, at rates that are numbers."""
    found = activation.decays(bound)
    return found is not None and all(d.rate.op == "const" for d in found.decays)


def _signature(activation: Activation) -> Signature:
    parameters = activation.parameters
    return Signature(
        activation.name,
        tuple(p.name for p in parameters),
        [p.name for p in parameters if p.default is None],
    )


def _convert(name: str, parameter: Any, value: Value) -> Any:
    """The value as `Activation.bind` takes it. Raises `WrongArgumentError`."""
    if isinstance(value, Poison):
        raise WrongArgumentError(None)
    if parameter.kind is ParameterKind.NUMBERS:
        if not isinstance(value, Items):
            raise WrongArgumentError(
                "E0306", f"`{name}` must be a list of numbers", f"found {describe(value)}"
            )
        return tuple(number(name, None, item).node for item in value.items)
    allowed = None
    if parameter.kind is ParameterKind.NUMBER and parameter.reason:
        allowed = Range(parameter.low, parameter.high, parameter.reason)
    return number(name, allowed, value).node
