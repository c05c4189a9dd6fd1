"""A resolved network: a graph of layers with known shapes and features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ntkc.diagnostics import Span
from ntkc.ir.module import Input, Parameter
from ntkc.layers.base import Features, Layer, Shape


@dataclass(frozen=True, eq=False)
class LayerNode:
    """One layer at work: with weights of its own, on the outputs of other nodes.

    The network's input is the node without a layer. `level` counts the joins around it.
    """

    layer: Layer | None
    inputs: tuple[LayerNode, ...] = field(repr=False)
    shape: Shape
    features: Features
    span: Span = field(repr=False)
    level: int = 0


@dataclass(frozen=True, eq=False)
class Network:
    """A network whose kernel can be derived: every check of the program has passed."""

    name: str
    input: Input
    output: LayerNode
    parameters: tuple[Parameter, ...]
    span: Span = field(repr=False)

    def nodes(self) -> Iterator[LayerNode]:
        """Every node below the output, each once, inputs first."""
        seen: set[LayerNode] = set()
        stack = [(self.output, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                yield node
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((before, False) for before in reversed(node.inputs))

    def __str__(self) -> str:
        from ntkc.network.display import show

        return show(self)
