"""From kernel IR on positions to a schedule: steps, slots, tables, segment by segment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

from ntkc.ir.module import Module
from ntkc.ir.node import Node, Space, Varies, topological
from ntkc.ir.project import Projection
from ntkc.schedule.levels import Level
from ntkc.schedule.program import group_runs, inline_numbers
from ntkc.schedule.slices.axes import two_axes
from ntkc.schedule.slices.demand import TooManyDisplacementsError, of_pairs, undisplaced
from ntkc.schedule.slices.jobs import jobs_and_rings
from ntkc.schedule.slices.program import (
    LANES,
    Geometry,
    Margin,
    Push,
    Segment,
    SliceProgram,
    SliceSchedule,
    SliceStep,
    Store,
    final_singles,
)
from ntkc.schedule.slices.segments import (
    PUSHES,
    REDUCTIONS,
    Segments,
    legalise,
    moved,
)
from ntkc.schedule.template import Instance, instantiate

ROOT_SETS = {"nngp+ntk": ("nngp", "ntk"), "nngp": ("nngp",)}
"""The tangent kernel needs all that the NNGP kernel does: it comes with it."""


def slice_schedule(
    module: Module,
    dtype: str,
    root_sets: Mapping[str, Sequence[str]] = ROOT_SETS,
    vectors: bool = True,
) -> SliceProgram:
    """The schedule of one expanded and folded network on positions.

    `root_sets` are the roots of each tile function; the first has all whose diagonals are wanted.
    """
    module = two_axes(module)
    constants: dict[Node, int] = {}
    row = Projection(Varies.ROW)
    try:
        tiles = {
            name: _Builder(name, [module.roots[r] for r in roots], False, constants, row).schedule()
            for name, roots in root_sets.items()
        }
    except TooManyDisplacementsError as error:
        raise error.told(module.spans) from None
    names = tuple(next(iter(root_sets.values())))
    singles = [module.roots[f"{name}_diagonal"] for name in names]
    # Where an input with itself is a pair like any other, the tile functions give the diagonals.
    masked = any(n.op == "dropout" for n in topological(module.roots.values()))
    paired = not masked and bool(_owned(singles))
    read = [node for schedule in tiles.values() for node, _ in schedule.rows]
    owned = _owned(read if paired else [*read, *singles])
    own = [
        _Builder(f"own_{number}", [n.args[0] for n in group], True, constants, row).schedule()
        for number, group in enumerate(owned)
    ]
    return SliceProgram(
        module,
        dtype,
        LANES[dtype],
        owned,
        tuple(own),
        tiles,
        names,
        paired,
        tuple(constants),
        vectors and not any(n.op in _NO_VECTORS for n in topological(module.roots.values())),
    )


_NO_VECTORS = ("owen_t", "triangle", "edge", "sin", "cos", "log")
"""What is computed number by number, by a function with choices or a library's."""


def _owned(roots: Iterable[Node]) -> tuple[tuple[Node, ...], ...]:
    """The ROW `own` values below the roots, those first that others need.

    A group is computed by one function: values that do not need one another, all with positions
    or all without.
    """
    row = Projection(Varies.ROW)
    depth: dict[Node, int] = {}
    groups: dict[tuple[int, bool], dict[Node, None]] = {}
    for node in topological(roots):
        depth[node] = max((depth[a] for a in node.args), default=0) + (node.op == "own")
        if node.op == "own":
            groups.setdefault((depth[node], not node.space), {})[row(node)] = None
    return tuple(tuple(groups[key]) for key in sorted(groups))


class _Builder:
    """Builds one function's schedule."""

    def __init__(
        self,
        name: str,
        roots: Sequence[Node],
        own: bool,
        constants: dict[Node, int],
        row: Projection,
    ) -> None:
        self.name, self.own, self.constants, self.row = name, own, constants, row
        self.found: Segments = legalise(undisplaced(roots))
        self.roots = self.found.roots
        self.places = self.found.places
        self.order = [n for n in of_pairs(self.roots) if n in self.places]
        self.rows: dict[tuple[Node, Space], int] = {}
        self.row_offset = 0
        self.store_nodes = [n for n in self.order if n.op in PUSHES]
        self.totals = tuple(n for n in of_pairs(self.roots) if n.op in REDUCTIONS)
        self.slots = 0

    def schedule(self) -> SliceSchedule:
        """The whole schedule."""
        segments: list[Segment] = []
        store_slots: dict[Node, int] = {}
        for number in range(len(self.found.displacements)):
            segment, slots = self._segment(number)
            segments.append(segment)
            store_slots.update(slots)
        jobs, rings = jobs_and_rings(segments, self.store_nodes, self.places, self.found)
        stores = tuple(
            Store(
                node,
                self.places[node].segment,
                store_slots[node],
                self._margin(node),
                self.found.displacements[self.places[node].segment],
                rings[node],
                1 + max(rings[node]),
            )
            for node in self.store_nodes
        )
        self._final_rows()
        return SliceSchedule(
            self.name,
            self.roots,
            self.own,
            tuple(segments),
            stores,
            self.totals,
            jobs,
            self.slots,
            tuple(self.rows),
            tuple(self.rows.values()),
            self.found.demand,
        )

    # --- one segment -------------------------------------------------------------------

    def _segment(self, number: int) -> tuple[Segment, Mapping[Node, int]]:
        nodes = [n for n in self.order if self.places[n].segment == number]
        inside = set(nodes)
        stored = [n for n in nodes if n.op in PUSHES]
        leaving = self._leaving(inside)
        levels = _levels(nodes, stored, leaving)
        slots = _SlotKeeper(levels, leaving, stored)
        made = [instantiate(level) for level in levels]
        literal = inline_numbers(made)
        steps = []
        for index, (level, instance) in enumerate(zip(levels, made, strict=True)):
            inputs, outputs = slots.place(index, instance)
            same = literal[instance.template]
            geometry = self._geometry(level.outputs[0])
            steps.append(
                SliceStep(
                    geometry,
                    instance,
                    inputs,
                    tuple(self._geometry(n) for n in instance.inputs),
                    outputs,
                    tuple(self._margin(n) for n in instance.outputs),
                    tuple(self._entry(n, geometry.space) for n in instance.rows),
                    tuple(self._entry(n, geometry.space) for n in instance.cols),
                    tuple(
                        None if alike and hole.op == "const" else self._constant(hole)
                        for hole, alike in zip(instance.constants, same, strict=True)
                    ),
                )
            )
        pushes = tuple(
            Push(
                target,
                slots.slot[source],
                self._geometry(source),
                self.store_nodes.index(target)
                if target is not source and target.op in PUSHES
                else None,
                self.totals.index(target) if target.op in REDUCTIONS else None,
            )
            for source, target in leaving
        )
        self.slots = max(self.slots, slots.count)
        space = nodes[0].space if nodes else ()
        return (
            Segment(
                number,
                space,
                self.found.modes[number],
                self.found.displacements[number],
                tuple(self.store_nodes.index(n) for n in stored),
                tuple(group_runs(steps)),
                pushes,
            ),
            {n: slots.slot[n] for n in stored},
        )

    def _leaving(self, inside: set[Node]) -> list[tuple[Node, Node]]:
        """(value, what gathers it) for each value of a segment that leaves it; a root of
        positions gathers itself.
        """
        gathering = (*PUSHES, *REDUCTIONS)
        found = [
            (node.args[0], node)
            for node in of_pairs(self.roots)
            if node.op in gathering and node.args[0] in inside
        ]
        found += [(root, root) for root in dict.fromkeys(self.roots) if root in inside]
        return found

    def _geometry(self, node: Node) -> Geometry:
        return Geometry(node.space, self.places[node].factor)

    def _margin(self, node: Node) -> Margin | None:
        """The margin that windows on a value read beyond its ends."""
        windows = [n for n in self.order if n.op == "window" and n.args[0] is node]
        if not windows:
            return None
        rank = range(len(node.space))
        before = tuple(max(w.attr("before")[a] for w in windows) for a in rank)
        after = tuple(max(overhang(w, a) for w in windows) for a in rank)
        around = [set(moved(w)) for w in windows if w.attr("circular")]
        return Margin(before, after, tuple(any(a in axes for axes in around) for a in rank))

    # --- tables ------------------------------------------------------------------------

    def _entry(self, node: Node, space: Space) -> int:
        """The first place in the table of a ROW value, or of the one that a COL value mirrors."""
        key = (self.row(node), space)
        if key not in self.rows:
            self.rows[key] = self.row_offset
            self.row_offset += prod(space)
        return self.rows[key]

    def _constant(self, node: Node) -> int:
        return self.constants.setdefault(node, len(self.constants))

    def _final_rows(self) -> None:
        """Table entries and constants of what is computed of the totals, once a pair."""
        for node in final_singles(self.roots):
            if node.varies is Varies.CONST:
                self._constant(node)
            else:
                self._entry(node, ())


def overhang(window: Node, axis: int) -> int:
    """Cells beyond the end of its input that a window reads; the same for every displacement."""
    space = window.args[0].space[axis]
    last: int = window.attr("stride")[axis] * (window.attr("out")[axis] - 1)
    reach: int = (window.attr("size")[axis] - 1) * window.attr("dilation")[axis]
    return int(max(0, last - window.attr("before")[axis] + reach - (space - 1)))


def _levels(
    nodes: Sequence[Node], stored: Sequence[Node], leaving: Sequence[tuple[Node, Node]]
) -> list[Level]:
    """The steps of a segment: one for each count of windows passed and each space."""
    number: dict[Node, int] = {}
    for node in nodes:
        if node in stored:
            number[node] = -1
        elif node.op == "window":
            number[node] = number[node.args[0]] + 1
        else:
            number[node] = max([0, *(number[a] for a in _spatial(node, number))])
    step = {n: (number[n], n.space) for n in nodes if n not in stored}
    reads: dict[object, dict[Node, None]] = {key: {} for key in step.values()}
    needed: dict[object, dict[Node, None]] = {key: {} for key in step.values()}
    for node, key in step.items():
        for arg in _spatial(node, number):
            if arg in stored or step[arg] != key:
                reads[key][arg] = None
                if arg not in stored:
                    needed[step[arg]][arg] = None
    for source, _ in leaving:
        if source not in stored:
            needed[step[source]][source] = None
    keys = sorted(set(step.values()), key=lambda k: (k[0], k[1]))
    return [Level(tuple(reads[k]), tuple(needed[k])) for k in keys if needed[k]]


def _spatial(node: Node, number: Mapping[Node, int]) -> Iterable[Node]:
    """The placed arguments of a node, looking through products of single-input values."""
    return [a for a in node.args if a in number]


class _SlotKeeper:
    """Gives values of a segment a slot each, and takes it back after its last use."""

    def __init__(
        self,
        levels: Sequence[Level],
        leaving: Sequence[tuple[Node, Node]],
        stored: Sequence[Node],
    ) -> None:
        self._last = {node: i for i, level in enumerate(levels) for node in level.inputs}
        for source, _ in leaving:
            self._last[source] = len(levels)
        self.slot: dict[Node, int] = {}
        self._free: list[int] = []
        self.count = 0
        for node in stored:
            self.slot[node] = self._take()

    def _take(self) -> int:
        if not self._free:
            self._free.append(self.count)
            self.count += 1
        return self._free.pop(self._free.index(min(self._free)))

    def place(
        self, index: int, instance: Instance
    ) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
        """The slots of a step's inputs, and of its outputs: never one of the inputs'."""
        inputs = tuple(self.slot[node] for node in instance.inputs)
        outputs = []
        for node in instance.outputs:
            self.slot[node] = self._take()
            outputs.append(self.slot[node])
        for node in instance.inputs:
            if self._last[node] == index:
                self._free.append(self.slot[node])
        return inputs, tuple(outputs)
