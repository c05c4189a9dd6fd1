"""Print one function of a slice program: jobs, segments, steps on slices, pushes, results.

Addresses are `uint64`; displacements are signed, and stay outside of the loops over rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod

from ntkc.backends.numba_cpu.loops import INDEX, statement_lines
from ntkc.backends.numba_cpu.pushes import push_lines
from ntkc.backends.numba_cpu.spell import lanes, vectors
from ntkc.backends.routines import Routines
from ntkc.backends.spelling import Dialect
from ntkc.backends.statements import printable, table_lines
from ntkc.ir.loop import Statement
from ntkc.ir.node import Node, Space, Varies, symbol, with_args
from ntkc.ir.positions import cells
from ntkc.ir.project import Projection
from ntkc.schedule.slices.layout import Layout, end_margins, side_margin
from ntkc.schedule.slices.lower import Call, lower_segment
from ntkc.schedule.slices.program import (
    Geometry,
    Segment,
    SliceProgram,
    SliceSchedule,
    SliceStep,
    Store,
    final_singles,
    final_values,
    store_size,
)
from ntkc.schedule.slices.rows import cells_of
from ntkc.schedule.slices.segments import WRAPPED

DECORATOR = '@njit(nogil=True, error_model="numpy", fastmath={"contract"}, no_cfunc_wrapper=True)'
BUFFERS = (
    "x1", "x2", "row_table", "column_table", "constants", "scratch", "stores", "totals", "result",
)  # fmt: skip
"""The arrays that every function of a slice program is given."""


def plain(name: str) -> str:
    """A schedule's name as part of an identifier."""
    return name.replace("+", "_")


_ARGUMENTS = (*BUFFERS, "first_job", "last_job")
_SHARED = (
    "images", "x2", "tables", "column_table", "constants", "scratch", "stores", "totals", "results",
    "first_job", "last_job", "chosen",
)  # fmt: skip


def _each_row(jobs: Iterable[str]) -> list[str]:
    """The jobs for one x₁ after the other."""
    return [
        "for number in range(len(chosen)):",
        "    x1 = images[chosen[number, 0]]",
        "    row_table = tables[chosen[number, 1]]",
        "    result = results[number]",
        "    if first_job == 0:",
        "        totals[:] = 0.0",
        *_indented(jobs),
    ]


class Function:
    """One generated function."""

    def __init__(
        self,
        program: SliceProgram,
        schedule: SliceSchedule,
        where: Layout,
        routines: Routines,
        describe: Callable[[SliceStep], str],
        name: str,
        shared: bool,
    ) -> None:
        self.program, self.schedule, self.where, self.shared = program, schedule, where, shared
        self.routines, self.describe, self.name = routines, describe, name
        self.dialect: Dialect = lanes(program.dtype)
        self.vector = program.lanes if program.vectors else None
        self.prefix = ("SHARED_" if shared else "") + plain(schedule.name).upper()
        self.tables: list[str] = []
        sizes = [store_size(store, where.lanes) for store in schedule.stores]
        self.bases = [sum(sizes[:i]) for i in range(len(sizes))]

    def text(self) -> str:
        """The function, and the tables that it reads, as they stand in the module."""
        schedule = self.schedule
        body: list[str] = []
        for segment in schedule.segments:
            body += [f"if segment == {segment.number}:", *_indented(self._segment(segment))]
        jobs = [list(job) for job in schedule.jobs] or [[0, 0]]
        self.tables.append(f"{self.prefix}_JOBS = np.array({jobs!r}, dtype=np.int64)")
        jobs_run = [
            "for job in range(first_job, last_job):",
            f"    segment = {self.prefix}_JOBS[job, 0]",
            f"    i0 = {self.prefix}_JOBS[job, 1]",
            *_indented(body),
            f"if last_job == {len(schedule.jobs)}:",
            *_indented(self._final()),
        ]
        head = [
            DECORATOR,
            f"def {self.name}(",
            *(f"    {argument}," for argument in (_SHARED if self.shared else _ARGUMENTS)),
            "):",
            f'    """{self._what()}, in {self.program.dtype}."""',
            "    wide_vectors()",
            *_indented(_each_row(jobs_run) if self.shared else jobs_run),
        ]
        lines = [*self.tables, "", "", *head] if self.tables else head
        return "\n".join(lines)

    def _what(self) -> str:
        if self.schedule.own:
            return "each input with itself"
        roots = " and ".join(self.schedule.name.split("+"))
        each = "for each x1 chosen" if self.shared else ""
        return f"{roots} of {self.program.lanes} pairs {each}".rstrip()

    # --- a segment ---------------------------------------------------------------------

    def _segment(self, segment: Segment) -> list[str]:
        """All slices of one displacement along the first axis."""
        rank = len(segment.displacements)
        lines: list[str] = []
        for axis in range(rank):
            table = f"{self.prefix}_{segment.number}_{axis}"
            values = list(segment.displacements[axis])
            self.tables.append(f"{table} = np.array({values!r}, dtype=np.int64)")
            if axis:
                lines.append(f"for i{axis} in range({len(values)}):")
            lines.append(("" if axis == 0 else "    ") + f"d{axis} = {table}[i{axis}]")
            if axis:
                lines[-1] = "    " * axis + lines[-1].strip()
                lines[-2] = "    " * (axis - 1) + lines[-2]
        inner = self._slice(segment)
        return [*lines, *_indented(inner, rank - 1)]

    def _slice(self, segment: Segment) -> list[str]:
        stored = [self.schedule.stores[i] for i in segment.stores]
        geometries = list(segment.geometries)
        for store in stored:
            own = Geometry(store.node.space, (1,) * len(store.node.space))
            if own not in geometries:
                geometries.append(own)
        lines: list[str] = []
        for number, geometry in enumerate(geometries):
            lines += self._geometry(segment, number, geometry)
        if self.schedule.tells_same:
            zero = " and ".join(f"d{a} == 0" for a in range(len(segment.displacements)))
            one, nought = self.dialect.literal(1.0), self.dialect.literal(0.0)
            lines.append(f"same = {one} if {zero} else {nought}")
        for index, store in zip(segment.stores, stored, strict=True):
            own = Geometry(store.node.space, (1,) * len(store.node.space))
            lines += self._take(index, store, geometries.index(own))
        name = ("shared_" if self.shared else "") + plain(self.schedule.name)
        tables, repeated = lower_segment(
            segment, self.where, name, self.describe, self.schedule.own, self.shared
        )
        self.tables += table_lines(tables)
        for again in repeated:
            calls = [line for call in again.calls for line in self._call(call)]
            if again.count > 1:
                calls = [f"for layer in range(u64({again.count})):", *_indented(calls)]
            lines += calls
        for push in segment.pushes:
            number = geometries.index(push.source)
            lines += push_lines(self, segment, push, number)
        return lines

    def _call(self, call: Call) -> list[str]:
        """A step, by its routine."""
        body = self.statements(call.body)
        arguments = {name: INDEX.write(value) for name, value in call.arguments.items()}
        what = "A step on a slice, row by row."
        return [
            f"# {printable(call.remark)}",
            *statement_lines(call.before, self.dialect),
            *self.routines.call("step", what, body, arguments),
        ]

    def statements(self, body: Iterable[Statement]) -> list[str]:
        """The lines of a routine, whose loops over lanes are by vectors where there are any."""
        if self.vector is None:
            return statement_lines(body, self.dialect)
        return statement_lines(body, vectors(self.program.dtype), self.vector)

    def _geometry(self, segment: Segment, number: int, geometry: Geometry) -> list[str]:
        lines = []
        for axis, (size, factor) in enumerate(zip(geometry.space, geometry.factor, strict=True)):
            e = f"d{axis}" if factor == 1 else f"d{axis} // {factor}"
            if segment.modes[axis] == WRAPPED:
                lines.append(
                    f"n{number}_{axis}, p{number}_{axis}, q{number}_{axis} = "
                    f"u64({size}), u64(0), u64({e})"
                )
                continue
            if factor != 1:
                lines.append(f"e{number}_{axis} = {e}")
                e = f"e{number}_{axis}"
            lines += [
                f"n{number}_{axis} = u64(max({size} - abs({e}), 0))",
                f"p{number}_{axis}, q{number}_{axis} = u64(max(-{e}, 0)), u64(max({e}, 0))",
            ]
        return lines

    # --- stores ------------------------------------------------------------------------

    def store_at(self, index: int, store: Store, indices: Sequence[str]) -> str:
        """Where a slice of a store begins: `indices` number its displacements."""
        cells_ = prod(store.node.space) * self.where.lanes
        counts = [len(axis) for axis in store.displacements]
        place = f"{self.ring(index, store)}[{indices[0]}]"
        for axis in range(1, len(indices)):
            place = f"({place} * {counts[axis]} + {indices[axis]})"
        return f"{self.bases[index]} + {place} * {cells_}"

    def ring(self, index: int, store: Store) -> str:
        """The name of a store's table of places."""
        name = f"{self.prefix}_RING_{index}"
        line = f"{name} = np.array({list(store.ring)!r}, dtype=np.int64)"
        if line not in self.tables:
            self.tables.append(line)
        return name

    def index_of(self, index: int, store: Store, axis: int, wrapped: bool) -> str:
        """A table from displacement (plus size − 1) to its number, −1 for none."""
        name = f"{self.prefix}_INDEX_{index}_{axis}"
        size = store.node.space[axis]
        own = {d: number for number, d in enumerate(store.displacements[axis])}
        numbers = [own.get(d % size if wrapped else d, -1) for d in range(1 - size, size)]
        line = f"{name} = np.array({numbers!r}, dtype=np.int64)"
        if line not in self.tables:
            self.tables.append(line)
        return name

    def _take(self, index: int, store: Store, number: int) -> list[str]:
        """Move a complete slice from its store to its slot, and leave zeros."""
        node, where = store.node, self.where
        rank = len(node.space)
        place = self.store_at(index, store, [f"i{a}" for a in range(rank)])
        arguments = {name: INDEX.write(value) for name, value in cells_of(number, rank).items()}
        arguments |= {"held": f"u64({place})", "slot": f"u64({store.slot * where.slot})"}
        lines, row, to, depth = [], "u64(0)", f"slot + u64({where.corner})", 0
        for axis in range(rank - 1):
            lines.append("    " * depth + f"for y{axis} in range(n_{axis}):")
            depth += 1
            row = f"({row} * size_{axis} + y{axis})"
            arguments[f"size_{axis}"] = f"u64({node.space[axis]})"
            to += f" + y{axis} * u64({where.pitches[axis]})"
        arguments["length"] = f"u64({node.space[-1] * where.lanes})"
        inner = [f"at = held + {row} * length", f"to = {to}"]
        if node.op == "pool" and node.attr("divide") == "inside":
            inner += self._inside(index, store, number, arguments)
        else:
            arguments["scale"] = self.dialect.literal(self._uniform(node))
            inner += [f"for x in range(n_{rank - 1}):", *self._moved("scale")]
        if store.margin is not None:
            side = side_margin(where, rank, symbol("slot"), store.margin)
            inner += self.statements(side)
        lines += _indented(inner, depth)
        if store.margin is not None:
            ends = end_margins(where, rank, symbol("slot"), store.margin)
            lines += self.statements(ends)
        what = "Move a slice from a store to its slot, and leave zeros."
        return self.routines.call("take", what, lines, arguments)

    def _uniform(self, node: Node) -> float:
        if node.op == "pool" and node.attr("divide") == "size":
            return 1.0 / float(prod(node.attr("size"))) ** 2
        return 1.0 / float(prod(node.attr("size"))) if node.op == "spread" else 1.0

    def _inside(
        self, index: int, store: Store, number: int, arguments: dict[str, str]
    ) -> list[str]:
        """Divide by the cells inside of the image, of both windows."""
        node = store.node
        rank, factors = len(node.space), []
        for axis in range(rank):
            counts = (cells(node, axis, node.args[0].space[axis]) >= 0).sum(axis=1)
            name = f"{self.prefix}_INSIDE_{index}_{axis}"
            values = [1.0 / float(c) for c in counts]
            if self.schedule.segments[store.segment].modes[axis] == WRAPPED:
                values *= 2  # as positions of x₂ go around
            line = f"{name} = np.array({values!r}, dtype=np.{self.program.dtype})"
            if line not in self.tables:
                self.tables.append(line)
            arguments[f"inside_{axis}"] = name
            at = "x" if axis == rank - 1 else f"y{axis}"
            for letter in "pq":
                arguments[f"{letter}_{axis}"] = f"{letter}{number}_{axis}"
                factors.append(f"inside_{axis}[{letter}_{axis} + {at}]")
        return [
            f"for x in range(n_{rank - 1}):",
            f"    share = {' * '.join(factors)}",
            *self._moved("share"),
        ]

    def _moved(self, factor: str) -> list[str]:
        """Cell x of a store's row times a number to its slot; a zero stays."""
        zero, size = self.dialect.literal(0.0), self.where.lanes
        if self.vector is None:
            return [
                f"    for k in range(x * u64({size}), (x + u64(1)) * u64({size})):",
                f"        scratch[to + k] = stores[at + k] * {factor}",
                f"        stores[at + k] = {zero}",
            ]
        return [
            f"    k = x * u64({size})",
            f"    store(scratch, to + k, load(stores, at + k) * {factor})",
            f"    store(stores, at + k, {zero})",
        ]

    # --- the end -----------------------------------------------------------------------

    def _final(self) -> list[str]:
        """From totals to results, a pair a lane."""
        schedule, lanes_ = self.schedule, self.where.lanes
        if any(root.space for root in schedule.roots):
            return ["pass"]
        kind = "F" if self.program.dtype == "float32" else "float"
        names: dict[Node, Node] = {}
        lines = []
        for i, node in enumerate(schedule.totals):
            lines.append(f"total_{i} = {kind}(totals[u64({i * lanes_}) + lane])")
            names[node] = symbol(f"total_{i}")
        values = final_values(schedule.roots)
        offsets = dict(zip(schedule.rows, schedule.offsets, strict=True))
        repeat = prod(self.where.column_space((1,) * len(self.where.space)))
        for arg in final_singles(schedule.roots):
            lines.append(self._single(arg, len(names), offsets, repeat))
            names[arg] = symbol(f"single_{len(names)}")
        for number, node in enumerate(values):
            args = tuple(names.get(a, a) for a in node.args)
            text = self.dialect.write(with_args(node, args))
            lines.append(f"v{number} = {text}")
            names[node] = symbol(f"v{number}")
        for number, root in enumerate(schedule.roots):
            value = self.dialect.write(names.get(root, root))
            lines.append(f"result[u64({number * lanes_}) + lane] = {value}")
        return [f"for lane in range(u64({lanes_})):", *_indented(lines)]

    def _single(
        self, arg: Node, number: int, offsets: dict[tuple[Node, Space], int], repeat: int
    ) -> str:
        lanes_ = self.where.lanes
        if arg.varies is Varies.CONST:
            entry = self.program.constants.index(arg)
            return f"single_{number} = constants[{entry}]"
        row = Projection(Varies.ROW)(arg)
        first = offsets[row, ()]
        if arg.varies is Varies.ROW and self.shared:
            return f"single_{number} = row_table[u64({first})]"
        if arg.varies is Varies.ROW:
            return f"single_{number} = row_table[u64({first * lanes_}) + lane]"
        return f"single_{number} = column_table[u64({first * repeat * lanes_}) + lane]"


def _indented(lines: Iterable[str], depth: int = 1) -> list[str]:
    return ["    " * depth + line for line in lines]
