"""From a syntax tree to a checked network.

names       what every name refers to              `ntkc.network.names`
select      which network of the file
evaluate    its layers as values                   `ntkc.network.evaluate`
expand      a graph, each layer checked in place   `ntkc.network.expand`, `validity`
"""

from __future__ import annotations

from collections.abc import Sequence

from ntkc.diagnostics import Diagnostics, Kind
from ntkc.diagnostics.suggest import did_you_mean
from ntkc.ir.module import Input, Parameter
from ntkc.ir.node import Node, topological
from ntkc.layers.base import Layer
from ntkc.layers.base.activation import ActivationLayer
from ntkc.network.declare import Declared, declare
from ntkc.network.evaluate import AbortError, Evaluator
from ntkc.network.expand import expand
from ntkc.network.graph import LayerNode, Network
from ntkc.network.inputs import declared_input, input_node, with_sizes
from ntkc.network.names import NameCheck
from ntkc.network.report import Report, listed
from ntkc.network.scope import Scope
from ntkc.network.trampoline import Step, run
from ntkc.network.user_activations import check_activation
from ntkc.network.values import Number, Plan
from ntkc.syntax import ast
from ntkc.syntax.imports import Program


def resolve_program(
    program: Program | ast.File,
    diagnostics: Diagnostics,
    network: str | None = None,
    sizes: Sequence[int] | None = None,
) -> Network | None:
    """The network of that name, or the only one; None if any error was reported.

    `sizes` are those of an example, channels last, such as (32, 32, 3): they stand for the sizes
    that the input leaves open. Raises `ValueError` where they contradict the others.
    """
    report = Report(diagnostics)
    declared = declare(program, report)
    checks = [NameCheck(file.scope, report) for file in declared]
    for check, file in zip(checks, declared, strict=True):
        check.check(file.statements)
        check.find_cycles()
    main = declared[-1]
    for file in declared:
        for statement in file.statements:
            if isinstance(statement, ast.ActivationDef):
                check_activation(statement, file.scope, report)
    chosen = _select(main, network, report)
    result = None if chosen is None else _resolve(chosen, main, report, sizes)
    if not report.failed and main.networks:
        checks[-1].warn_unused()
    return None if report.failed else result


def _select(main: Declared, network: str | None, report: Report) -> ast.NetworkDef | None:
    names = list(main.networks)
    if not names:
        report.error(
            "E0313",
            "there is no network in this file",
            main.span,
            help="write `network net { input vector[784]; dense -> relu -> dense }`",
        )
        return None
    if network is None and len(names) == 1:
        return main.networks[names[0]]
    if network is None:
        second = main.networks[names[1]].name
        report.error(
            "E0313",
            f"this file has {len(names)} networks: {listed(names)}",
            second.span,
            "the second of them",
            help="choose one by its name",
        )
        return None
    if network not in main.networks:
        report.error(
            "E0313",
            f"there is no network `{network}` in this file",
            main.networks[names[0]].name.span,
            f"the networks are {listed(names)}" if names[1:] else "this is the only network",
            help=did_you_mean(network, names),
        )
        return None
    return main.networks[network]


def _resolve(
    definition: ast.NetworkDef, main: Declared, report: Report, sizes: Sequence[int] | None
) -> Network | None:
    evaluator = Evaluator(report)
    try:
        found = run(_evaluate(definition, main, evaluator))
    except AbortError:
        return None
    if found is None:
        return None
    declared, plan = found
    if sizes is not None:
        declared = with_sizes(declared, sizes)
    if plan.size == 0 and not report.failed:
        report.error(
            "E0315",
            f"the network `{definition.name.name}` has no layers",
            definition.name.span,
            "nothing is built here",
            help="add a layer: `dense`",
        )
        return None
    output = expand(plan, input_node(declared, definition.input), report)
    if not report.failed:
        _end(output, report)
    if report.failed:
        return None
    name = definition.name.name
    network = Network(name, declared, output, (), definition.span)
    _warn_jumps(network, report)
    _warn_no_readout(output, report)
    parameters = _parameters(network, main)
    return Network(name, declared, output, parameters, definition.span)


def _end(output: LayerNode, report: Report) -> None:
    """Report an output that has positions left."""
    if output.shape.space:
        report.error(
            "E0323",
            "the network's output still has positions",
            output.span,
            f"this gives {output.shape}, and a kernel is one number for a pair of inputs",
            help="end in `flatten` or `global_avg_pool`, then a `dense` readout",
        )


def _warn_no_readout(output: LayerNode, report: Report) -> None:
    """Warn about an output that is an activation's; `identity` at the end says it is meant."""
    node = output
    while len(node.inputs) == 1 and node.layer is not None and not _has_weights(node.layer):
        if node.layer.name == "identity":
            return
        if isinstance(node.layer, ActivationLayer):
            report.error(
                "E0338",
                "this network has no readout",
                output.span,
                f"its outputs are the features of `{node.layer.name}`, infinitely many",
                help="end in `dense`; if the kernel of the features is meant, end in `identity`",
                kind=Kind.WARNING,
            )
            return
        node = node.inputs[0]


def _has_weights(layer: Layer) -> bool:
    return "trainable" in layer.arguments


def _warn_jumps(network: Network, report: Report) -> None:
    """Tell the convention for an activation that jumps, where weights before it train."""
    training: set[LayerNode] = set()
    for node in network.nodes():
        layer, below = node.layer, not training.isdisjoint(node.inputs)
        if below or (layer is not None and layer.arguments.get("trainable") is True):
            training.add(node)
        if below and isinstance(layer, ActivationLayer) and layer.jumps:
            report.error(
                "E0505",
                f"`{layer.name}` jumps, so no weights before it have a tangent kernel through it",
                layer.span,
                "E[f'(u) f'(v)] counts as 0 here",
                help="use a continuous activation, or tell that nothing trains before it by "
                "`trainable = false`",
                kind=Kind.WARNING,
            )


def _evaluate(
    definition: ast.NetworkDef, main: Declared, evaluator: Evaluator
) -> Step[tuple[Input, Plan] | None]:
    scope = Scope(main.scope)
    for entry in main.scope.entries.values():
        if isinstance(entry.statement, ast.Param | ast.Let):
            yield evaluator.entry(entry)
    declared = yield declared_input(definition.input, scope, evaluator)
    plan = yield evaluator.layer(definition.body, scope)
    return None if declared is None else (declared, plan)


def _parameters(network: Network, main: Declared) -> tuple[Parameter, ...]:
    """The parameters that the network's layers depend on, in order of declaration."""
    numbers = dict.fromkeys(
        value for node in network.nodes() if node.layer for value in _numbers(node.layer)
    )
    used = {node.attr("name") for node in topological(numbers) if node.op == "param"}
    found = []
    for file in main.with_imports():
        for name, entry in file.scope.entries.items():
            if isinstance(entry.statement, ast.Param) and name in used:
                assert isinstance(entry.value, Number)
                found.append(Parameter(name, entry.value.value))
    return tuple(dict.fromkeys(found))


def _numbers(layer: Layer) -> list[Node]:
    if isinstance(layer, ActivationLayer):
        return list(layer.bound.arguments)
    return [value for value in layer.arguments.values() if isinstance(value, Node)]
