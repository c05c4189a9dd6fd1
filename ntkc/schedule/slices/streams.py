"""Products of the inputs that are made row by row, as the window over them goes down.

A slice of products is as large as the first-level cache, and one window alone reads it, the first
layer's. So its rows are made just before the window needs them, into a ring of a few rows that
stays in that cache: the schedule's two steps are one call, and the first rows of the slot between
them are the ring. Only the order of work differs; every value is what the schedule says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ntkc.ir.loop import Choice, Let, Loop, LoopKind, Offset, Statement, Store
from ntkc.ir.node import Node, const, symbol
from ntkc.schedule.program import Run
from ntkc.schedule.slices.layout import Layout, fill
from ntkc.schedule.slices.products import Products, is_product
from ntkc.schedule.slices.program import Margin, Segment, SliceStep
from ntkc.schedule.slices.segments import WRAPPED


@dataclass(frozen=True)
class Stream:
    """A slice of products, `ring` rows of it at a time, and the window that reads it."""

    where: Layout
    node: Node
    slot: int
    margin: Margin
    window: Node

    @property
    def reach(self) -> int:
        """Rows from a window's first to its last."""
        return 1 + int((self.window.attr("size")[0] - 1) * self.window.attr("dilation")[0])

    @property
    def stride(self) -> int:
        """Rows from one window to the next."""
        return int(self.window.attr("stride")[0])

    @property
    def fresh(self) -> int:
        """Rows that each window is the first to read."""
        return min(self.stride, self.reach)

    @property
    def ring(self) -> int:
        """Rows that are kept: a power of two, whose remainders cost nothing."""
        return 1 << (self.reach - 1).bit_length()

    @property
    def first(self) -> Node:
        """Where the first cell of the ring is, from the slot's beginning."""
        return const(self.where.margin[-1] * self.where.lanes)


def streams(segment: Segment, where: Layout) -> Mapping[int, Stream]:
    """Those of a segment, by the number of the run that reads: the one before makes the products.

    The products must be of few channels, and read by one window alone, that goes around nothing.
    """
    found: dict[int, Stream] = {}
    if not where.vectors or len(segment.space) != 2 or WRAPPED in segment.modes:
        return found
    for number, run in enumerate(segment.runs[:-1]):
        stream = _stream(segment, run, segment.runs[number + 1], where)
        if stream is not None:
            found[number + 1] = stream
    return found


def made_row(
    stream: Stream,
    shared: bool,
    number: int,
    slot: Node,
    index: Node,
    argument: Callable[[str, Node], Node],
) -> list[Statement]:
    """Row `index` of the products, counted from the first row of their margin, at its place of the
    ring, with its margin: zeros where the image has no such row.

    `number` is that of the products' geometry, and `argument` names a value of the call.
    """
    where, products = stream.where, Products(stream.where, stream.node, shared)
    above, left = stream.margin.before
    right = stream.margin.after[1] * where.lanes
    rows, cells = (argument(f"made_n_{axis}", symbol(f"n{number}_{axis}")) for axis in (0, 1))
    length = cells * const(where.lanes)
    made, into = symbol("made"), symbol("into")
    start = into - const(left * where.lanes) if left else into
    places: list[Statement] = []
    for i, letter, space, width in zip((1, 2), "pq", products.spaces, products.widths, strict=True):
        row, cell = (
            argument(f"made_{letter}_{axis}", symbol(f"{letter}{number}_{axis}")) for axis in (0, 1)
        )
        row = row + made - const(above) if above else row + made
        size = argument(f"made_{letter}_size", const(space[1]))
        places.append(Offset(f"x{i}_at", (row * size + cell) * const(width)))
    loads, value = products.whole(symbol("x1_at"), symbol("x2_at"))
    store = Store("scratch", into + symbol("k"), symbol("product"))
    inside = [
        *places,
        Loop(LoopKind.LANES, "k", length, (*loads, Let("product", value), store)),
        *([fill(start, const(left * where.lanes), None)] if left else []),
        *([fill(into + length, const(right), None)] if right else []),
    ]
    outside = fill(start, length + const(left * where.lanes + right), None)
    place = slot + stream.first + symbol("turn") * const(where.pitches[0])
    return [
        Offset("made", index),
        Offset("turn", made, stream.ring),
        Offset("into", place),
        Choice("made", const(above), rows + const(above), tuple(inside), (outside,)),
    ]


def _stream(segment: Segment, run: Run, following: Run, where: Layout) -> Stream | None:
    if len(run.steps) != 1 or len(following.steps) != 1:
        return None
    (made,), (reading,) = run.steps, following.steps
    nodes = made.instance.outputs
    if made.instance.body or len(nodes) != 1 or not is_product(nodes[0]):
        return None
    (node,) = nodes
    readers = [s for r in segment.runs for s in r.steps if node in s.instance.inputs]
    window = _only_window(reading, node)
    (slot,) = made.output_slots
    if readers != [reading] or window is None or slot is None:
        return None
    if any(node in (push.node, *push.node.args) for push in segment.pushes):
        return None
    margin = made.margins[0] or Margin((0, 0), (0, 0), (False, False))
    stream = Stream(where, node, slot, margin, window)
    fits = stream.ring <= where.dims[0] and Products(where, node, False).written_out
    return stream if fits and not any(margin.wrapped) else None


def _only_window(step: SliceStep, node: Node) -> Node | None:
    """The window that alone reads a value in a step."""
    readers = [n for n in step.instance.body if node in n.args]
    if len(readers) != 1 or readers[0].op != "window" or node in step.instance.outputs:
        return None
    return readers[0]
