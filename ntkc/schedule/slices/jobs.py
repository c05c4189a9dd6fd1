"""The order of a schedule's jobs, and where each store keeps which displacement meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush

from ntkc.ir.node import Node
from ntkc.schedule.slices.program import Push, Segment
from ntkc.schedule.slices.segments import (
    WRAPPED,
    Place,
    Segments,
)


def jobs_and_rings(
    segments: Sequence[Segment],
    stores: Sequence[Node],
    places: Mapping[Node, Place],
    found: Segments,
) -> tuple[tuple[tuple[int, int], ...], Mapping[Node, tuple[int, ...]]]:
    """An order of all jobs, consumers as early as they may, and where each store keeps what."""
    waiting = _waiting(segments, stores, places, found)
    jobs = _ordered(len(segments), waiting)
    return jobs, _rings(jobs, segments, stores, places, found)


def _ordered(
    segments: int, waiting: Mapping[tuple[int, int], set[tuple[int, int]]]
) -> tuple[tuple[int, int], ...]:
    """Every job after those that it waits for: of those that can go on always the first one of the
    latest segment.
    """
    missing = {job: len(before) for job, before in waiting.items()}
    behind: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for job, before in waiting.items():
        for other in before:
            behind.setdefault(other, []).append(job)
    ready: list[list[int]] = [[] for _ in range(segments)]  # heaps
    for (number, index), count in missing.items():
        if not count:
            heappush(ready[number], index)
    jobs: list[tuple[int, int]] = []
    while (number := next((n for n in reversed(range(segments)) if ready[n]), -1)) >= 0:
        job = number, heappop(ready[number])
        jobs.append(job)
        for other in behind.get(job, ()):
            missing[other] -= 1
            if not missing[other]:
                heappush(ready[other[0]], other[1])
    if len(jobs) < len(waiting):
        raise AssertionError("jobs wait for each other")
    return tuple(jobs)


def _targets(push: Push, displacement: int, mode: str, size: int) -> set[int]:
    """The displacements along the first axis that a slice of this one is added to."""
    node = push.node
    runs = (displacement,) if mode != WRAPPED else (displacement, displacement - size)
    if node.op == "embed":
        return set(runs)
    if node.op == "same_position":
        return {0} & set(runs)
    if node.op == "spread":
        return {run * node.attr("stride")[0] for run in runs}
    stride, reach = node.attr("stride")[0], node.attr("size")[0] - 1
    if not node.attr("circular"):
        around = (range(-((reach - r) // stride), (r + reach) // stride + 1) for r in runs)
        return set().union(*around)
    found = {run + shift for run in runs for shift in range(-reach, reach + 1)}
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
    where = {node: _by_displacement(segments[places[node].segment], node) for node in stores}
    for number, index, node, targets in _feeding(segments, stores, places):
        for j in _fed(where[node], targets):
            waiting[places[node].segment, j].add((number, index))
    return waiting


def _by_displacement(segment: Segment, node: Node) -> Mapping[int, int]:
    """The job that each displacement of a segment belongs to."""
    return {
        d: j
        for j, displacement in enumerate(segment.displacements[0])
        for d in _classes(displacement, segment, node)
    }


def _fed(where: Mapping[int, int], targets: set[int]) -> list[int]:
    """The jobs that read what is added to these displacements, in their order."""
    return sorted({where[d] for d in targets if d in where})


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
    where = {node: _by_displacement(segments[places[node].segment], node) for node in stores}
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
            for j in _fed(where[node], targets):
                take(node, j)
    return {
        node: tuple(
            rings[node].get(j, 0)
            for j in range(len(segments[places[node].segment].displacements[0]))
        )
        for node in stores
    }
