"""The schedule of a network on positions: segments, steps on slices, stores, jobs, tables.

It is data, printed by `ntkc explain` and `--emit schedule`; backends only spell it.

A *slice* holds one displacement of one value for LANES pairs at once, interleaved: entry (i, l)
of a row is position i of pair l. A *step* computes some values of a slice from others in one pass
over its rows: window sums, then everything pointwise. What a later step reads lies in a *slot*, a
slice of scratch with a margin of zeros for windows. At the end of a segment, slices are *pushed*
into stores or totals. A *job* is one displacement along the first axis in one segment; the list
of jobs is an order in which every store is complete before it is read, and in which as few
displacements as possible are held at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ntkc.ir.module import Module
from ntkc.ir.node import Node, Space, Varies
from ntkc.schedule.program import Run
from ntkc.schedule.slices.axes import padded
from ntkc.schedule.slices.demand import Displacements, of_pairs
from ntkc.schedule.slices.segments import (
    REDUCTIONS,
    WRAPPED,
    Factor,
)
from ntkc.schedule.template import Instance

LANES = {"float32": 16, "float64": 8}
"""Pairs that are worked on together: one vector of 64 bytes."""


@dataclass(frozen=True)
class Geometry:
    """The space of a step's values, and how their displacement follows from the segment's."""

    space: Space
    factor: Factor


@dataclass(frozen=True)
class Margin:
    """Cells that windows read around a slice, by axis: zeros, or what lies at the other end."""

    before: Space
    after: Space
    wrapped: tuple[bool, ...]


@dataclass(frozen=True)
class SliceStep:
    """One pass over a slice."""

    geometry: Geometry
    instance: Instance
    input_slots: tuple[int, ...]
    input_geometries: tuple[Geometry, ...]
    output_slots: tuple[int | None, ...]
    margins: tuple[Margin | None, ...]
    """For each output, the margin that must be filled around it."""
    row_entries: tuple[int, ...]
    col_entries: tuple[int, ...]
    constant_entries: tuple[int | None, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What two steps must share to be iterations of one loop."""
        return (
            self.geometry,
            self.instance.template,
            self.input_slots,
            self.input_geometries,
            self.output_slots,
            self.margins,
            tuple(entry is None for entry in self.constant_entries),
            tuple(
                hole
                for hole, entry in zip(self.instance.constants, self.constant_entries, strict=True)
                if entry is None
            ),
        )


@dataclass(frozen=True)
class Push:
    """What becomes of a complete slice: `node` gathers it."""

    node: Node
    slot: int
    source: Geometry
    store: int | None
    """The store's number, where there is one."""
    total: int | None
    """The total's number, where there is one; with neither, the slice at δ = 0 is the result."""


@dataclass(frozen=True)
class Store:
    """Slices of a value, gathered from the segment before; `rings` of them at a time.

    `ring[i]` is the place of the i-th displacement of the first axis.
    """

    node: Node
    segment: int
    slot: int
    """Where a slice of it is put for the steps of its segment."""
    margin: Margin | None
    displacements: Displacements
    ring: tuple[int, ...]
    rings: int


@dataclass(frozen=True)
class Segment:
    """One segment: its displacements, stores to read, runs of steps, pushes."""

    number: int
    space: Space
    modes: tuple[str, ...]
    displacements: Displacements
    stores: tuple[int, ...]
    runs: tuple[Run, ...]
    pushes: tuple[Push, ...]

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """The geometries of its steps, stores and pushes."""
        found = dict.fromkeys(
            g for r in self.runs for s in r.steps for g in (s.geometry, *s.input_geometries)
        )
        found.update(dict.fromkeys(push.source for push in self.pushes))
        return tuple(found)


@dataclass(frozen=True)
class SliceSchedule:
    """One generated function: some roots, for LANES pairs of inputs.

    `own` says that the pairs are inputs with themselves. A root of positions is given out at
    δ = 0, any other as one number a pair.
    """

    name: str
    roots: tuple[Node, ...]
    own: bool
    segments: tuple[Segment, ...]
    stores: tuple[Store, ...]
    totals: tuple[Node, ...]
    jobs: tuple[tuple[int, int], ...]
    """(segment, index of the displacement along its first axis), in order."""
    slots: int
    rows: tuple[tuple[Node, Space], ...]
    """The table of single-input values (ROW nodes, each over a space)."""
    offsets: tuple[int, ...]
    """The first place of each in the table."""
    demand: Mapping[Node, Displacements]

    @property
    def tells_same(self) -> bool:
        """Whether a step does something else at displacement 0."""
        steps = (step for segment in self.segments for run in segment.runs for step in run.steps)
        return self.own or any(n.op == "where_same" for s in steps for n in s.instance.body)

    @property
    def entries(self) -> int:
        """Entries of a pair that are computed, over all steps."""
        return sum(
            cells(segment, step.geometry)
            for segment in self.segments
            for run in segment.runs
            for step in run.steps
        )


@dataclass(frozen=True)
class SliceProgram:
    """Everything that is generated for one network on positions.

    `owned` are the values of an input with itself that do not follow from its own variances, group
    by group in the order in which they must be computed; `own` the functions that compute them.
    """

    module: Module
    dtype: str
    lanes: int
    owned: tuple[tuple[Node, ...], ...]
    own: tuple[SliceSchedule, ...]
    tiles: Mapping[str, SliceSchedule]
    roots: tuple[str, ...]
    """What the diagonals are of, in order."""
    paired: bool
    """Whether the diagonals come from the tile functions, each input paired with itself."""
    constants: tuple[Node, ...]
    vectors: bool
    """Whether loops over lanes are by explicit vectors; else it is left to the compiler to find
    them."""

    @property
    def functions(self) -> tuple[SliceSchedule, ...]:
        """Every generated function, once."""
        found = {schedule.name: schedule for schedule in (*self.own, *self.tiles.values())}
        return tuple(found.values())

    @property
    def shared(self) -> tuple[SliceSchedule, ...]:
        """Those that also come for pairs of one x₁, whose numbers are spread as they are read."""
        return tuple(self.tiles.values()) if self.vectors else ()


def input_space(program: SliceProgram) -> tuple[Space, int]:
    """The input's axes, two at least, and its channels."""
    *space, channels = program.module.input.sizes
    return padded(tuple(size or 0 for size in space)), channels or 0


def store_size(store: Store, lanes: int) -> int:
    """Numbers of a store: places along the first axis, displacements along the others, cells."""
    others = prod(len(axis) for axis in store.displacements[1:])
    return store.rings * others * prod(store.node.space) * lanes


def cells(segment: Segment, geometry: Geometry) -> int:
    """Entries of a pair in all slices of a geometry."""
    count = 1
    for axis, displacements in enumerate(segment.displacements):
        size, factor = geometry.space[axis], geometry.factor[axis]
        if segment.modes[axis] == WRAPPED:
            count *= size * len(displacements)
        else:
            count *= sum(max(0, size - abs(d // factor)) for d in displacements)
    return count


def final_values(roots: Iterable[Node]) -> list[Node]:
    """The CROSS values without positions, from the totals to the roots, in order."""
    return [n for n in of_pairs(roots) if not n.space and n.op not in REDUCTIONS]


def final_singles(roots: Sequence[Node]) -> list[Node]:
    """What final values need of single inputs and parameters, and roots that are nothing else."""
    alone = [root for root in roots if root.varies is not Varies.CROSS and not root.space]
    found = dict.fromkeys([*(a for n in final_values(roots) for a in n.args), *alone])
    return [n for n in found if n.varies is not Varies.CROSS and n.op != "const"]
