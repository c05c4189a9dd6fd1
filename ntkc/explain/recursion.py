"""The recursion of a network as formulas: what each layer does to Σ and Θ.

A layer's formula is found by running the layer on symbols: what it builds from Σ and Θ of
its inputs is its formula. So nothing about single layers stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ntkc.ir.module import Input, Module
from ntkc.ir.node import Node, Rewriter, symbol
from ntkc.layers.base import Covariance
from ntkc.network.graph import LayerNode, Network
from ntkc.passes.fold import fold

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MAX_PERIOD = 64


@dataclass(frozen=True)
class Step:
    """One layer: its place in the network, and Σ and Θ over the symbols of its inputs."""

    node: LayerNode
    number: int
    inputs: tuple[int, ...]
    nngp: Node
    ntk: Node

    @property
    def key(self) -> tuple[object, ...]:
        """What repetitions of one layer share."""
        return (
            self.node.span,
            tuple(self.number - before for before in self.inputs),
            str(self.node.shape),
        )


@dataclass(frozen=True)
class Group:
    """Steps that repeat: `steps` is one repetition."""

    steps: tuple[Step, ...]
    count: int


def nngp_name(number: int) -> str:
    """Σ of a layer: `Σ₁₂`."""
    return "Σ" + str(number).translate(_SUBSCRIPTS)


def ntk_name(number: int) -> str:
    """Θ of a layer."""
    return "Θ" + str(number).translate(_SUBSCRIPTS)


def steps(network: Network) -> list[Step]:
    """Every layer of the network, inputs first; the network's input is number 0."""
    order = [node for node in network.nodes() if node.layer is not None]
    numbers = {node: number for number, node in enumerate(order, 1)}
    found = []
    for node in order:
        inputs = tuple(numbers.get(before, 0) for before in node.inputs)
        nngp, ntk = _formula(node, inputs, numbers[node])
        found.append(Step(node, numbers[node], inputs, nngp, ntk))
    return found


def _formula(node: LayerNode, inputs: tuple[int, ...], number: int) -> tuple[Node, Node]:
    assert node.layer is not None
    covariances = tuple(map(_symbolic, inputs))
    made = node.layer.propagate(covariances, tuple(before.shape for before in node.inputs))
    own = symbol(nngp_name(number))
    keep = {symbol(nngp_name(i)) for i in inputs}
    ntk = made.ntk
    if made.nngp not in keep:
        ntk = Rewriter(lambda n: own if n is made.nngp else n)(ntk)
    folded = fold(Module("", Input("vector", ()), (), {"nngp": made.nngp, "ntk": ntk}))
    return folded.roots["nngp"], folded.roots["ntk"]


class _Variance:
    """Stands in for a projection: Σ of one input is a symbol of its own."""

    def __init__(self, nngp: Node, name: str) -> None:
        variance = symbol(name)
        self._rewriter = Rewriter(lambda node: variance if node is nngp else node)

    def __call__(self, node: Node) -> Node:
        return self._rewriter(node)


def _symbolic(number: int) -> Covariance:
    name = nngp_name(number)
    nngp, ntk = symbol(name), symbol(ntk_name(number))
    row, column = (_Variance(nngp, f"{name}({x},{x})") for x in ("x", "z"))
    return Covariance(nngp, ntk, row, column)  # type: ignore[arg-type]


def grouped(found: Sequence[Step]) -> Iterator[Group]:
    """The steps with repetitions gathered: at each place what covers the most layers."""
    keys = [step.key for step in found]
    start = 0
    while start < len(found):
        period, count = _best(keys, start)
        yield Group(tuple(found[start : start + period]), count)
        start += period * count


def _best(keys: Sequence[object], start: int) -> tuple[int, int]:
    best = (1, 1)
    for period in range(1, min(MAX_PERIOD, (len(keys) - start) // 2) + 1):
        first = keys[start : start + period]
        count = 1
        while keys[start + period * count : start + period * (count + 1)] == first:
            count += 1
        if count > 1 and period * count > best[0] * best[1]:
            best = (period, count)
    return best
