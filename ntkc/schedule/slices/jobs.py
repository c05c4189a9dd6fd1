"""The order of a schedule's jobs, and where each store keeps which displacement meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
    if node.op == "embed":
        return set(runs)
    if node.op == "same_position":
        return {0} & set(runs)
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
