"""Packs: how a device with thousands of threads holds displacement slices.

Slices of an image with displacements δ and δ − P along an axis fit together into one plane of P
cells: position p of x₁ meets position (p + δ) mod P of x₂, and where that wraps around, the second
slice begins. Such a *pack* has a cell for every position of x₁, so that every thread has work,
whatever δ is. What a window reads across the seam counts as outside of the image.

Where the lanes of a processor are pairs, the threads of a block are the cells of a pack: every
thread carries a *strip* of cells along the last axis but one, so that windows share what they load.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm, prod

from ntkc.ir.node import Space
from ntkc.schedule.slices.program import Geometry, Segment, SliceSchedule
from ntkc.schedule.slices.segments import WRAPPED

ITEM = {"float32": 4, "float64": 8}


_SUM = 8
"""Bytes of a thread's partial sum, in shared memory beside the slots."""


@dataclass(frozen=True)
class Target:
    """What a device offers to a block."""

    name: str
    shared_per_block: int
    """Bytes that a block may ask for; beyond 48 KiB the runtime opts in."""
    shared_per_processor: int
    threads_per_block: int = 1024
    warp: int = 32


PORTABLE = Target("portable", 48 * 1024, 64 * 1024)
"""What every device has that kernels are made for, so that code may travel."""
TARGETS = {
    "sm_80": Target("sm_80", 163 * 1024, 164 * 1024),
    "sm_90": Target("sm_90", 227 * 1024, 228 * 1024),
}
"""Devices that tests compile for."""


@dataclass(frozen=True)
class Packs:
    """The packs of a segment: all slices that it needs, wrapped."""

    moduli: Space
    """P, for each axis."""
    classes: tuple[tuple[int, ...], ...]
    """For each axis the displacements modulo P."""
    first: tuple[tuple[bool, ...], ...]
    """Whether the slice of displacement δ, 0 <= δ < P, is needed, for each class."""
    second: tuple[tuple[bool, ...], ...]
    """The same of δ − P."""

    @property
    def count(self) -> int:
        """How many packs there are."""
        return prod(map(len, self.classes))

    def modulus(self, geometry: Geometry, axis: int) -> int:
        """P in the units of a geometry's own displacements."""
        return self.moduli[axis] // geometry.factor[axis]

    def full(self, axis: int) -> bool:
        """Whether every cell of the axis that has a partner is needed."""
        classes, both = self.classes[axis], zip(self.first[axis], self.second[axis], strict=True)
        return all(one and (two or w == 0) for w, (one, two) in zip(classes, both, strict=True))


def geometries(schedule: SliceSchedule, segment: Segment) -> tuple[Geometry, ...]:
    """Those of a segment's steps and pushes, and of the stores that it reads."""
    found = dict.fromkeys(segment.geometries)
    for index in segment.stores:
        space = schedule.stores[index].node.space
        found[Geometry(space, (1,) * len(space))] = None
    return tuple(found)


def packs(schedule: SliceSchedule, segment: Segment) -> Packs:
    """The packs of a segment."""
    found = geometries(schedule, segment)
    moduli, classes, first, second = [], [], [], []
    for axis, displacements in enumerate(segment.displacements):
        reach = max(g.space[axis] * g.factor[axis] for g in found)
        step = lcm(*(g.factor[axis] for g in found))
        wrapped = segment.modes[axis] == WRAPPED
        modulus = reach if wrapped else -(-reach // step) * step
        moduli.append(modulus)
        own = tuple(sorted({d % modulus for d in displacements}))
        classes.append(own)
        first.append(tuple(wrapped or w in displacements for w in own))
        second.append(tuple(wrapped or w - modulus in displacements for w in own))
    return Packs(tuple(moduli), tuple(classes), tuple(first), tuple(second))


@dataclass(frozen=True)
class Block:
    """The shape of a segment's blocks, and where slots lie in their shared memory."""

    packs: Packs
    strip: int
    """Cells of a thread, along the last axis but one."""
    threads: int
    """Threads of a pack."""
    group: int
    """Packs of a block, all of one pair."""
    before: Space
    dims: Space
    slots: int
    shared: bool
    """Whether slots fit into shared memory; otherwise they lie in scratch of the device."""

    @property
    def pitches(self) -> Space:
        """Distances of neighbours, by axis."""
        return tuple(prod(self.dims[axis + 1 :]) for axis in range(len(self.dims)))

    @property
    def slot(self) -> int:
        """Numbers of a slot."""
        return prod(self.dims)

    @property
    def size(self) -> int:
        """Numbers of a pack's slots."""
        return self.slots * self.slot

    @property
    def blocks(self) -> int:
        """Blocks of a pair."""
        return -(-self.packs.count // self.group)

    def origin(self, slot: int) -> int:
        """Where cell 0 of a slot is."""
        steps = zip(self.before, self.pitches, strict=True)
        return slot * self.slot + sum(b * pitch for b, pitch in steps)

    def units(self, geometry: Geometry) -> int:
        """Strips of a geometry."""
        *outer, rows, cells = geometry.space
        return prod(outer) * -(-rows // self.strip) * cells


def block(schedule: SliceSchedule, segment: Segment, dtype: str, target: Target) -> Block:
    """The shape of a segment's blocks on a device."""
    wrapped, found = packs(schedule, segment), geometries(schedule, segment)
    largest = max(found, key=lambda g: prod(g.space))
    strip = _strip(largest, dtype, target)
    before, dims = _margins(segment, found, strip)
    units = max(prod(g.space[:-2]) * -(-g.space[-2] // strip) * g.space[-1] for g in found)
    threads = min(_rounded(units, target.warp), target.threads_per_block // 4)
    slots = max(1, schedule.slots)
    sums = _SUM * threads * sum(push.total is not None for push in segment.pushes)
    size = slots * prod(dims) * ITEM[dtype] + sums
    shared = size <= target.shared_per_block
    # Four blocks on a processor hide one another's waiting; a larger slot has what there is.
    room = min(target.shared_per_block, target.shared_per_processor // 4) // size if shared else 1
    group = max(1, min(room, target.threads_per_block // 4 // threads, wrapped.count))
    return Block(wrapped, strip, threads, group, before, dims, slots, shared)


def _strip(geometry: Geometry, dtype: str, target: Target) -> int:
    """The longest strip that leaves a warp of work, and registers for two blocks."""
    rows, cells = geometry.space[-2], prod(geometry.space)
    for strip in (8, 4, 2) if dtype == "float32" else (4, 2):
        if rows % strip == 0 and cells // strip >= target.warp:
            return strip
    return 1


def _rounded(units: int, warp: int) -> int:
    """Whole warps, or a power of two that divides one."""
    if units >= warp:
        return -(-units // warp) * warp
    return 1 << (units - 1).bit_length()


def _margins(segment: Segment, found: tuple[Geometry, ...], strip: int) -> tuple[Space, Space]:
    """Cells before, and all cells of a slot, by axis: nothing that a strip reads is outside."""
    rank = len(segment.displacements)
    before = [0] * rank
    end = [max(g.space[axis] for g in found) for axis in range(rank)]
    end[-2] = -(-end[-2] // strip) * strip
    for step in (s for r in segment.runs for s in r.steps):
        for node in (n for n in step.instance.body if n.op == "window"):
            for axis in range(rank):
                out, start = node.attr("out")[axis], node.attr("before")[axis]
                if axis == rank - 2:
                    out = -(-out // strip) * strip
                reach = (node.attr("size")[axis] - 1) * node.attr("dilation")[axis]
                last = node.attr("stride")[axis] * (out - 1) - start + reach
                before[axis], end[axis] = max(before[axis], start), max(end[axis], last + 1)
    return tuple(before), tuple(b + e for b, e in zip(before, end, strict=True))
