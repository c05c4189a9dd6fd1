"""Levels up to the values they work on: what two layers of one kind have in common.

A template is a level with holes: values carried from earlier levels, values of single
inputs, parameters, and numbers. Two levels with equal templates are the same loop body
run on different operands.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from ntkc.ir.node import Node, Varies
from ntkc.schedule.levels import LEAVES, Level, strip

Reference = tuple[str, int]


@dataclass(frozen=True)
class Template:
    """The shape of a level: operations on references to holes and to earlier operations."""

    operations: tuple[tuple[str, object, tuple[Reference, ...]], ...]
    outputs: tuple[Reference, ...]


@dataclass(frozen=True)
class Instance:
    """A level as a template and what fills its holes; holes are in order of appearance."""

    template: Template
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    rows: tuple[Node, ...]
    cols: tuple[Node, ...]
    constants: tuple[Node, ...]
    body: tuple[Node, ...]
    """The operations, in the template's order."""


_HOLES = ("in", "leaf", "row", "col", "constant")
_SINGLE = ("constant", "row", "col")  # by what they vary over, the pair excepted


class _Numbering:
    """Numbers holes and operations in the order in which a depth-first walk meets them."""

    def __init__(self, inputs: Iterable[Node]) -> None:
        self.inputs = frozenset(inputs)
        self.holes: dict[str, dict[Node, int]] = {kind: {} for kind in _HOLES}
        self.operations: dict[Node, int] = {}

    def hole(self, node: Node) -> str | None:
        """The kind of hole that a node is, or None for an operation of the level."""
        if node.varies is not Varies.CROSS:
            return _SINGLE[node.varies]
        if node in self.inputs:
            return "in"
        return "leaf" if node.op in LEAVES else None

    def reference(self, node: Node) -> Reference:
        """The node's number, given now where it has none yet."""
        kind = self.hole(node)
        table = self.operations if kind is None else self.holes[kind]
        return kind or "op", table.setdefault(node, len(table))


def body_of(roots: Iterable[Node], inputs: Iterable[Node]) -> list[Node]:
    """The operations of a level in order: CROSS nodes between its inputs and `roots`."""
    numbering = _Numbering(inputs)
    done: dict[Node, None] = {}
    stack = [(strip(root), False) for root in reversed(list(roots))]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            done[node] = None
        elif node not in done and numbering.hole(node) is None:
            stack.append((node, True))
            for arg in reversed(node.args):
                if arg.varies is Varies.CROSS:  # values of single inputs are holes
                    stack.append((strip(arg), False))
    return list(done)


def instantiate(level: Level, carried: Container[Node] = ()) -> Instance:
    """The level as a template with its holes filled; values in `carried` lead the outputs."""
    outputs = _ordered(level, carried)
    numbering = _Numbering(level.inputs)
    body = body_of(outputs, level.inputs)
    operations = []
    for node in body:
        refs = tuple([numbering.reference(strip(a)) for a in node.args])
        operations.append((node.op, node.attrs, refs))
        numbering.reference(node)
    references = tuple(numbering.reference(o) for o in outputs)
    holes = {kind: tuple(found) for kind, found in numbering.holes.items()}
    return Instance(
        Template(tuple(operations), references),
        holes["in"],
        tuple(outputs),
        holes["row"],
        holes["col"],
        holes["constant"],
        tuple(body),
    )


def _ordered(level: Level, carried: Container[Node]) -> list[Node]:
    """The outputs in an order that does not depend on where in the network the level stands.

    What activations read comes first: then it finds the same slot level after level.
    """
    leading = [node for node in level.outputs if node in carried]
    others = [node for node in level.outputs if node not in carried]
    if len(leading) <= 1 and len(others) <= 1:
        return leading + others
    shapes = _shapes(level)
    return sorted(
        level.outputs, key=lambda node: (node not in carried, shapes.get(strip(node), b""))
    )


def _head(node: Node) -> str:
    """What tells operations apart where outputs are put in order: not the sizes of images."""
    attrs = tuple(item for item in node.attrs if item[0] != "out")
    return f"{node.op}{attrs!r}" if attrs else node.op


def _shapes(level: Level) -> Mapping[Node, bytes]:
    """A digest of each operation's shape, holes being told apart by kind alone."""
    numbering = _Numbering(level.inputs)
    shapes: dict[Node, bytes] = {}
    for node in body_of(level.outputs, level.inputs):
        parts = [_head(node)]
        for arg in map(strip, node.args):
            parts.append(numbering.hole(arg) or shapes[arg].hex())
        shapes[node] = blake2b("|".join(parts).encode(), digest_size=12).digest()
    return shapes
