"""The schedule of a network on vectors: levels, slots, tables, and which levels repeat.

It is data, printed by `ntkc explain` and `--emit schedule`; backends only spell it.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ntkc.ir.module import Module
from ntkc.ir.node import Node, Varies
from ntkc.ir.project import Projection
from ntkc.passes.opposites import tells_opposites
from ntkc.schedule.levels import Level, crossing, cut, last_uses, strip
from ntkc.schedule.template import Instance, Template, instantiate

WIDTH = 256
"""Pairs in a block: eight slots of float64 fill half of a first-level cache of 32 KiB."""

MAX_PERIOD = 8
"""The longest pattern of levels that is looked for: `{ a; b; c } * n` has period 3."""


class Keyed(Protocol):
    """A step: steps with equal keys may be iterations of one loop."""

    @property
    def key(self) -> tuple[object, ...]:
        """What two steps must share."""


@dataclass(frozen=True)
class Step:
    """A level with its operands placed: slots of scratch, rows of the tables."""

    instance: Instance
    input_slots: tuple[int, ...]
    output_slots: tuple[int | None, ...]
    """None for an output that no later level reads."""
    stores: tuple[tuple[int, ...], ...]
    """For each output, which of the tile's roots it is (none, one, or several)."""
    row_entries: tuple[int, ...]
    col_entries: tuple[int, ...]
    constant_entries: tuple[int | None, ...]
    """None for a number that stands in the code."""

    @property
    def key(self) -> tuple[object, ...]:
        """What two steps must share to be iterations of one loop."""
        return (
            self.instance.template,
            self.input_slots,
            self.output_slots,
            self.stores,
            tuple(entry is None for entry in self.constant_entries),
            tuple(
                hole
                for hole, entry in zip(self.instance.constants, self.constant_entries, strict=True)
                if entry is None
            ),
        )


@dataclass(frozen=True)
class Run:
    """`count` repetitions of `steps[0:period]`; `steps` holds all of them."""

    steps: tuple[Any, ...]
    count: int

    @property
    def period(self) -> int:
        """Levels in one repetition."""
        return len(self.steps) // self.count


@dataclass(frozen=True)
class Schedule:
    """One tile function: which roots, which runs of levels, how many slots."""

    roots: tuple[str, ...]
    runs: tuple[Run, ...]
    slots: int
    carried: frozenset[Node]
    """The values that activations read: covariances, or complements of correlations."""
    complement: bool
    """Whether the tile starts from complements instead of inner products."""
    opposites: bool = False
    """Whether a complement η near 2 may be given as η − 2."""


@dataclass(frozen=True)
class ProgramSchedule:
    """Everything that is generated for one network.

    `table` lists the single-input values (as ROW nodes) that the tile functions read,
    `constants` the parameter-dependent numbers.
    """

    module: Module
    table: tuple[Node, ...]
    constants: tuple[Node, ...]
    tiles: Mapping[str, Schedule]
    entries: Mapping[str, int]
    """Where in the table roots of single inputs stand that were asked for."""

    @property
    def complement(self) -> bool:
        """Whether any of the tile functions starts from complements."""
        return any(tile.complement for tile in self.tiles.values())

    @property
    def opposites(self) -> bool:
        """Whether complements near 2 may be given less 2; then all tile functions tell."""
        return any(tile.opposites for tile in self.tiles.values())

    @property
    def slots(self) -> int:
        """Slots that a scratch buffer must have for any of the tile functions."""
        return max(1, *(tile.slots for tile in self.tiles.values()))


ROOT_SETS = {"ntk": ("ntk",), "nngp": ("nngp",), "nngp+ntk": ("nngp", "ntk")}


def schedule(
    modules: Mapping[str, Module],
    root_sets: Mapping[str, Sequence[str]] = ROOT_SETS,
    single: Sequence[str] = (),
) -> Mapping[str, ProgramSchedule]:
    """The schedules of one expanded and folded network, by number type.

    They share the table of single-input values and the constants: both are computed in float64
    whatever the tiles are in. `root_sets` says which roots each tile function makes, and `single`
    which roots of single inputs the table holds besides what the tiles read.
    """
    tables = _Tables()
    tiles = {
        dtype: {
            name: _tile(tuple(roots), [module.roots[root] for root in roots], tables)
            for name, roots in root_sets.items()
        }
        for dtype, module in modules.items()
    }
    any_module = next(iter(modules.values()))  # values of single inputs are the same in all
    entries = {name: tables.row(any_module.roots[name]) for name in single}
    rows, constants = tuple(tables.rows), tuple(tables.constants)
    return {
        dtype: ProgramSchedule(module, rows, constants, tiles[dtype], entries)
        for dtype, module in modules.items()
    }


class _Tables:
    """What the tile functions of a program share.

    Those are the entries of the single-input table and of the table of constants, and the instances
    of levels, most of which several tile functions have.
    """

    def __init__(self) -> None:
        self.rows: dict[Node, int] = {}
        self.constants: dict[Node, int] = {}
        self._row = Projection(Varies.ROW)
        self._instances: dict[tuple[Level, tuple[bool, ...]], Instance] = {}

    def instance(self, level: Level, carried: Container[Node]) -> Instance:
        """The level as an instance of a template: see `instantiate`."""
        key = level, tuple([node in carried for node in level.outputs])
        found = self._instances.get(key)
        if found is None:
            found = self._instances[key] = instantiate(level, carried)
        return found

    def row(self, node: Node) -> int:
        """The entry of a ROW value, or of the ROW value that a COL value mirrors."""
        return self.rows.setdefault(self._row(node), len(self.rows))

    def constant(self, node: Node) -> int:
        """The entry of a number or of an expression of parameters."""
        return self.constants.setdefault(node, len(self.constants))


def _tile(names: tuple[str, ...], roots: Sequence[Node], tables: _Tables) -> Schedule:
    nodes = list(crossing(roots))
    levels = cut(roots, nodes)
    carried = frozenset(strip(node) for node in nodes if node.op == "carry")
    instances = [tables.instance(level, carried) for level in levels]
    inline = inline_numbers(instances)
    slots = _Slots(last_uses(levels))
    steps = []
    for number, instance in enumerate(instances):
        input_slots, output_slots = slots.place(number, instance)
        literal = inline[instance.template]
        steps.append(
            Step(
                instance,
                input_slots,
                output_slots,
                tuple(_places(roots, output) for output in instance.outputs),
                tuple(map(tables.row, instance.rows)),
                tuple(map(tables.row, instance.cols)),
                tuple(
                    None if same and hole.op == "const" else tables.constant(hole)
                    for hole, same in zip(instance.constants, literal, strict=True)
                ),
            )
        )
    complement = any(node.op == "gram_complement" for node in nodes)
    runs = tuple(group_runs(steps))
    return Schedule(names, runs, slots.count, carried, complement, tells_opposites(nodes))


def _places(roots: Sequence[Node], output: Node) -> tuple[int, ...]:
    return tuple(number for number, root in enumerate(roots) if root is output)


def inline_numbers(instances: Sequence[Instance]) -> Mapping[Template, tuple[bool, ...]]:
    """For each template, which constant holes hold one number wherever it occurs."""
    seen: dict[Template, list[tuple[Node, ...]]] = {}
    for instance in instances:
        seen.setdefault(instance.template, []).append(instance.constants)
    return {
        template: tuple(len(set(column)) == 1 for column in zip(*fills, strict=True))
        for template, fills in seen.items()
    }


class _Slots:
    """Gives carried values a place in scratch, and takes it back after their last use.

    A level may write where it reads: every iteration loads before it stores.
    """

    def __init__(self, last: Mapping[Node, int]) -> None:
        self._last = last
        self._free: list[int] = []
        self._slot: dict[Node, int] = {}
        self.count = 0

    def place(
        self, level: int, instance: Instance
    ) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
        """The slots of a level's inputs and of its outputs."""
        inputs = tuple(self._slot[node] for node in instance.inputs)
        for node in instance.inputs:
            if self._last[node] == level:
                heapq.heappush(self._free, self._slot.pop(node))
        return inputs, tuple(self._take(node) for node in instance.outputs)

    def _take(self, node: Node) -> int | None:
        if node not in self._last:
            return None
        if not self._free:
            heapq.heappush(self._free, self.count)
            self.count += 1
        slot = self._slot[node] = heapq.heappop(self._free)
        return slot


def group_runs(steps: Sequence[Keyed]) -> list[Run]:
    """Group steps into runs: at each place the pattern that covers the most levels."""
    numbers: dict[object, int] = {}
    keys = [numbers.setdefault(step.key, len(numbers)) for step in steps]
    runs, start = [], 0
    while start < len(steps):
        period, count = _best_period(keys, start)
        end = start + period * count
        runs.append(Run(tuple(steps[start:end]), count))
        start = end
    return runs


def _best_period(keys: Sequence[int], start: int) -> tuple[int, int]:
    best, covered = (1, 1), 1
    for period in range(1, MAX_PERIOD + 1):
        count = 1
        while keys[start + period * count : start + period * (count + 1)] == keys[
            start : start + period
        ] and start + period * (count + 1) <= len(keys):
            count += 1
        if count > 1 and period * count > covered:
            best, covered = (period, count), period * count
    return best
