"""Cut the values of a pair into levels: what is computed in one pass over a block of pairs.

A level is what happens between two `carry` operations, that is one layer's activation with
the affine work behind it. Within a level everything stays in registers; between levels a
value lies in a *slot*, a vector of scratch as long as a block, small enough that all slots
stay in the first-level cache. So the whole depth of a network is one pass over a tile,
and a level's loop body compiles once however often it repeats (see `rolling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ntkc.ir.node import Node, Varies, topological

LEAVES = ("product", "gram_complement", "gram", "gram_distance")


@dataclass(frozen=True)
class Level:
    """One pass: reads `inputs` (values of earlier levels), computes `outputs`."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]


def strip(node: Node) -> Node:
    """The value behind `carry`."""
    while node.op == "carry":
        node = node.args[0]
    return node


def cut(roots: Sequence[Node], order: Iterable[Node]) -> list[Level]:
    """The levels of the CROSS values below `roots`, in the order of execution.

    `order` lists those values as `crossing` does.
    """
    numbers = level_numbers(order)
    needed: dict[Node, int] = {root: numbers.get(root, 0) for root in roots}
    reads: list[dict[Node, None]] = [{} for _ in range(1 + max(needed.values(), default=0))]
    for node, number in numbers.items():
        for arg in map(strip, node.args) if node.op != "carry" else ():
            if arg in numbers and numbers[arg] < number:
                needed[arg] = numbers[arg]
                reads[number][arg] = None
    outputs: list[list[Node]] = [[] for _ in reads]
    for node, number in needed.items():
        outputs[number].append(node)
    return [Level(tuple(i), tuple(o)) for i, o in zip(reads, outputs, strict=True)]


class _OfOneInput:
    """Every value of one input, or of none."""

    def __contains__(self, node: object) -> bool:
        return isinstance(node, Node) and node.varies is not Varies.CROSS


def crossing(roots: Iterable[Node]) -> Iterator[Node]:
    """The CROSS values below `roots`, arguments first; there are none below values of one input."""
    return topological(roots, known=_OfOneInput())


def level_numbers(order: Iterable[Node]) -> dict[Node, int]:
    """The level of every CROSS value that depends on the pair's own data, arguments first.

    Products of a ROW and a COL value alone have no level: they are formed where used.
    """
    numbers: dict[Node, int] = {}
    for node in order:
        below = [numbers[a] for a in node.args if a in numbers]
        if node.op in LEAVES:
            numbers[node] = 0
        elif below:
            numbers[node] = max(below) + (node.op == "carry")
    return numbers


def last_uses(levels: list[Level]) -> Mapping[Node, int]:
    """The last level that reads each value."""
    return {node: number for number, level in enumerate(levels) for node in level.inputs}
