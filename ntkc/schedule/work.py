"""What a scheduled tile function costs: operations, and numbers moved."""

from __future__ import annotations

from collections.abc import Iterator

from ntkc.ir.cost import Traffic, Work, work
from ntkc.ir.node import Node
from ntkc.schedule.program import Schedule, Step


def repeated_steps(tile: Schedule) -> Iterator[tuple[Step, int]]:
    """The levels of one repetition of each run, and how often each is executed."""
    for run in tile.runs:
        for step in run.steps[: run.period]:
            yield step, run.count


def tile_work(tile: Schedule) -> Work:
    """Operations of a tile function for each pair."""
    total = Work()
    for step, count in repeated_steps(tile):
        total += work(step.instance.body).times(count)
    return total


def tile_traffic(tile: Schedule) -> Traffic:
    """What a tile function moves for each pair."""
    total = Traffic()
    for step, count in repeated_steps(tile):
        leaves = _leaves(step.instance.body, step.instance.outputs)
        total += Traffic(
            loads=len(step.input_slots) + leaves,
            stores=sum(slot is not None for slot in step.output_slots)
            + sum(len(stores) for stores in step.stores),
            table=len(step.col_entries),
        ).times(count)
    return total


def _leaves(body: tuple[Node, ...], outputs: tuple[Node, ...]) -> int:
    """Whether a level reads the pair's own number: 1 or 0."""
    below = {arg for node in body for arg in node.args} | set(outputs)
    names = {node.op for node in below}
    return int(bool(names & {"product", "gram_complement"}))
