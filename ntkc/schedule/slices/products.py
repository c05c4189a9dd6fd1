"""Inner products of two inputs over their channels, or halves of squared differences, by cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ntkc.ir.loop import Load, Shared, Statement
from ntkc.ir.node import Node, Space, Varies, const, symbol
from ntkc.schedule.slices.layout import Layout

MOST_CHANNELS = 8
"""Input channels that are written out; more are a loop."""


def is_product(node: Node) -> bool:
    """Whether a value is made of the inputs' channels."""
    return node.op == "gram_distance" or (node.op == "gram" and node.varies is Varies.CROSS)


def balanced_sum(terms: Sequence[Node]) -> Node:
    """Balanced, so that few additions wait for one another."""
    if len(terms) == 1:
        return terms[0]
    half = (len(terms) + 1) // 2
    return balanced_sum(terms[:half]) + balanced_sum(terms[half:])


def read(name: str, buffer: str, at: Node, shared: bool) -> Statement:
    """A number of every lane, or one for all of them."""
    return Shared(name, buffer, at) if shared else Load(name, buffer, at + symbol("k"))


@dataclass(frozen=True)
class Products:
    """The products that a leaf of the IR stands for, of inputs channel after channel.

    With `shared`, all lanes are pairs of one x₁, which has a number a cell.
    """

    where: Layout
    node: Node
    shared: bool

    @property
    def apart(self) -> bool:
        """Whether they are of differences."""
        return self.node.op == "gram_distance"

    @property
    def written_out(self) -> bool:
        """Whether channels are terms of one sum, and no loop."""
        return self.where.channels <= MOST_CHANNELS

    @property
    def spaces(self) -> tuple[Space, Space]:
        """The sizes of a channel of x₁ and of x₂."""
        return self.node.space, self.where.column_space(self.node.space)

    @property
    def widths(self) -> tuple[int, int]:
        """Numbers of a cell of x₁ and of x₂."""
        return 1 if self.shared else self.where.lanes, self.where.lanes

    @property
    def scale(self) -> Node:
        """What sums are multiplied by, where the inputs come as they are."""
        return const((0.5 if self.apart else 1.0) / max(self.where.channels, 1))

    def term(self, first: Node, second: Node, channel: int | Node) -> tuple[list[Statement], Node]:
        """One channel's: what is loaded, and its term. The cells begin at `first` and `second`."""
        steps = [prod(s) * w for s, w in zip(self.spaces, self.widths, strict=True)]
        if isinstance(channel, int):
            number, shifts = channel, [const(channel * step) for step in steps]
        else:
            number, shifts = 0, [channel * const(step) for step in steps]
        names = f"left_{number}", f"right_{number}"
        found = [
            read(names[0], "x1", first + shifts[0], self.shared),
            read(names[1], "x2", second + shifts[1], False),
        ]
        left, right = map(symbol, names)
        return found, (left - right) * (left - right) if self.apart else left * right

    def whole(self, first: Node, second: Node) -> tuple[list[Statement], Node]:
        """The sum over channels, where they are written out."""
        loads, terms = [], []
        for channel in range(self.where.channels):
            found, term = self.term(first, second, channel)
            loads += found
            terms.append(term)
        total = balanced_sum(terms)
        return loads, total * self.scale if self.where.differences else total
