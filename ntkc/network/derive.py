"""From a network to kernel IR: each layer's map on (Σ, Θ), from the input to the output."""

from __future__ import annotations

from collections.abc import Callable

from ntkc.diagnostics import Span
from ntkc.ir.module import DualForms, LazyForms, Module
from ntkc.ir.node import Node, Varies
from ntkc.layers.base import Covariance
from ntkc.network.graph import LayerNode, Network


def derive(network: Network) -> Module:
    """The kernel of the network: the roots `nngp` and `ntk` between two inputs."""
    known: dict[LayerNode, Covariance] = {}
    spans: dict[Node, Span] = {}
    activations: dict[str, Callable[[], DualForms]] = {}
    start = Covariance.of_input()
    for node in network.nodes():
        if node.layer is None:
            known[node] = start
        else:
            inputs = tuple(known[before] for before in node.inputs)
            shapes = tuple(before.shape for before in node.inputs)
            known[node] = node.layer.propagate(inputs, shapes)
            activations.update(node.layer.activations)
        _note(known[node], node.span, spans)
    output = known[network.output]
    return Module(
        name=network.name,
        input=network.input,
        parameters=network.parameters,
        roots={"nngp": output.nngp, "ntk": output.ntk},
        activations=LazyForms(activations),
        spans=spans,
    )


def _note(covariance: Covariance, span: Span, spans: dict[Node, Span]) -> None:
    """Remember the span of every node that is new; what is older came from another layer."""
    pending = [covariance.nngp, covariance.ntk]
    while pending:
        node = pending.pop()
        if node.varies is not Varies.CONST and node not in spans:
            spans[node] = span
            pending.extend(node.args)
