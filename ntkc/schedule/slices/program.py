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
from ntkc.ir.node import Node, Space, Varies, topological
from ntkc.ir.project import Projection
from ntkc.schedule.levels import Level
from ntkc.schedule.program import Run, group_runs, inline_numbers
from ntkc.schedule.slices.axes import padded, two_axes
from ntkc.schedule.slices.demand import Displacements, of_pairs, undisplaced
from ntkc.schedule.slices.segments import (
    PUSHES,
    REDUCTIONS,
    WRAPPED,
    Factor,
    Place,
    Segments,
    legalise,
    moved,
)
from ntkc.schedule.template import Instance, instantiate

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
    tiles = {
        name: _Builder(name, [module.roots[r] for r in roots], False, constants, row).schedule()
        for name, roots in root_sets.items()
    }
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


_NO_VECTORS = ("owen_t", "edge", "sin", "cos", "log")
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
        jobs, rings = _jobs(segments, self.store_nodes, self.places, self.found)
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


def final_values(roots: Iterable[Node]) -> list[Node]:
    """The CROSS values without positions, from the totals to the roots, in order."""
    return [n for n in of_pairs(roots) if not n.space and n.op not in REDUCTIONS]


def final_singles(roots: Sequence[Node]) -> list[Node]:
    """What final values need of single inputs and parameters, and roots that are nothing else."""
    alone = [root for root in roots if root.varies is not Varies.CROSS and not root.space]
    found = dict.fromkeys([*(a for n in final_values(roots) for a in n.args), *alone])
    return [n for n in found if n.varies is not Varies.CROSS and n.op != "const"]


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


# --- jobs ------------------------------------------------------------------------------


def _jobs(
    segments: Sequence[Segment],
    stores: Sequence[Node],
    places: Mapping[Node, Place],
    found: Segments,
) -> tuple[tuple[tuple[int, int], ...], Mapping[Node, tuple[int, ...]]]:
    """An order of all jobs, consumers as early as they may, and where each store keeps what."""
    waiting = _waiting(segments, stores, places, found)
    done: set[tuple[int, int]] = set()
    jobs: list[tuple[int, int]] = []
    pending = [list(range(len(s.displacements[0]))) if s.displacements else [] for s in segments]
    while any(pending):
        for number in reversed(range(len(segments))):  # the latest segment that can go on
            ready = [i for i in pending[number] if waiting[number, i] <= done]
            if ready:
                pending[number].remove(ready[0])
                done.add((number, ready[0]))
                jobs.append((number, ready[0]))
                break
        else:
            raise AssertionError("jobs wait for each other")
    return tuple(jobs), _rings(jobs, segments, stores, places, found)


def _targets(push: Push, displacement: int, mode: str, size: int) -> set[int]:
    """The displacements along the first axis that a slice of this one is added to."""
    node = push.node
    runs = (displacement,) if mode != WRAPPED else (displacement, displacement - size)
    if node.op in ("embed", "same_position"):
        return set(runs)
    if node.op == "spread":
        return {run * node.attr("stride")[0] for run in runs}
    stride, reach = node.attr("stride")[0], node.attr("size")[0] - 1
    found = {run + shift for run in runs for shift in range(-reach, reach + 1)}
    if node.attr("circular"):
        found = {d % size - turn for d in found for turn in (0, size)}
    return {d // stride for d in found if d % stride == 0}


def _feeding(
    segments: Sequence[Segment], stores: Sequence[Node], places: Mapping[Node, Place]
) -> Iterable[tuple[int, int, Node, set[int]]]:
    """(segment, job, store fed, displacements of that store that it adds to)."""
    for segment in segments:
        for push in segment.pushes:
            if push.store is None:
                continue
            node = stores[push.store]
            size, factor = push.source.space[0], push.source.factor[0]
            for index, displacement in enumerate(segment.displacements[0]):
                targets = _targets(push, displacement // factor, segment.modes[0], size)
                yield segment.number, index, node, targets


def _waiting(
    segments: Sequence[Segment],
    stores: Sequence[Node],
    places: Mapping[Node, Place],
    found: Segments,
) -> Mapping[tuple[int, int], set[tuple[int, int]]]:
    """For each job the jobs that must be done before."""
    waiting: dict[tuple[int, int], set[tuple[int, int]]] = {
        (s.number, i): set()
        for s in segments
        for i in range(len(s.displacements[0]) if s.displacements else 0)
    }
    for number, index, node, targets in _feeding(segments, stores, places):
        target = segments[places[node].segment]
        for j, displacement in enumerate(target.displacements[0]):
            if _classes(displacement, target, node) & targets:
                waiting[target.number, j].add((number, index))
    return waiting


def _classes(displacement: int, segment: Segment, node: Node) -> set[int]:
    """The whole displacements of a class, where the axis wraps around."""
    if segment.modes[0] != WRAPPED:
        return {displacement}
    return {displacement, displacement - node.space[0]}


def _rings(
    jobs: Sequence[tuple[int, int]],
    segments: Sequence[Segment],
    stores: Sequence[Node],
    places: Mapping[Node, Place],
    found: Segments,
) -> Mapping[Node, tuple[int, ...]]:
    """The place in its store of each displacement: taken at the first push, free when read."""
    feeds: dict[tuple[int, int], list[tuple[Node, set[int]]]] = {}
    for number, index, node, targets in _feeding(segments, stores, places):
        feeds.setdefault((number, index), []).append((node, targets))
    rings: dict[Node, dict[int, int]] = {node: {} for node in stores}
    free: dict[Node, list[int]] = {node: [] for node in stores}
    used = dict.fromkeys(stores, 0)

    def take(node: Node, j: int) -> None:
        if j in rings[node]:
            return
        if not free[node]:
            free[node].append(used[node])
            used[node] += 1
        rings[node][j] = free[node].pop(0)

    for job in jobs:
        number, index = job
        for node in stores:
            if places[node].segment == number:
                take(node, index)
                free[node].append(rings[node][index])
        for node, targets in feeds.get(job, ()):
            target = segments[places[node].segment]
            for j, displacement in enumerate(target.displacements[0]):
                if _classes(displacement, target, node) & targets:
                    take(node, j)
    return {
        node: tuple(
            rings[node].get(j, 0)
            for j in range(len(segments[places[node].segment].displacements[0]))
        )
        for node in stores
    }
