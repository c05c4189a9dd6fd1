"""The kernel of one segment: what a block does with a group of packs of one pair."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ntkc.backends.cuda.cells import Cells
from ntkc.backends.cuda.spell import thread
from ntkc.backends.cuda.steps import Held, Place, Step, held_after
from ntkc.backends.cuda.totals import total_lines
from ntkc.backends.cuda.workspace import Workspace
from ntkc.backends.routines import Routines
from ntkc.backends.statements import indented, table_lines
from ntkc.ir.loop import Table
from ntkc.schedule.program import Run
from ntkc.schedule.slices.packs import Block
from ntkc.schedule.slices.program import (
    Geometry,
    Push,
    Segment,
    SliceProgram,
    SliceSchedule,
    SliceStep,
)


class Kernel:
    """Prints a segment's kernel."""

    def __init__(
        self,
        program: SliceProgram,
        schedule: SliceSchedule,
        segment: Segment,
        where: Block,
        workspace: Workspace,
        routines: Routines,
    ) -> None:
        self.schedule, self.segment, self.where, self.workspace = (
            schedule, segment, where, workspace,
        )  # fmt: skip
        self.dtype, self.dialect, self.routines = program.dtype, thread(program.dtype), routines
        self.prefix = f"{workspace.prefix}_{segment.number}"

    def lines(self, describe: Callable[[SliceStep], str]) -> list[str]:
        """The kernel's body."""
        segment = self.segment
        body = [*self._start(), *self._clear()]
        for index in segment.stores:
            body += self._take(index)
        if segment.stores:
            body.append("cuda.syncthreads()")
        held: Held = {}
        for number, run in enumerate(segment.runs):
            lines, held = self._run(number, run, held, describe)
            body += lines
        for push in segment.pushes:
            body += self._push(push)
        return body

    # --- the beginning -----------------------------------------------------------------

    def _start(self) -> list[str]:
        """Who this thread is, and what it works on."""
        where = self.where
        lines = [
            "thread = cuda.threadIdx.x",
            *self._pack(),
        ]
        if where.packs.count % where.group:
            # What is left over repeats the last pack, and writes the same numbers again.
            lines.append(f"pack = min(pack, {where.packs.count - 1})")
        lines += self._displacements()
        slots, base = f"cuda.shared.array(0, {self.dtype})", f"member * {where.size}"
        if not where.shared:
            slots = f"scratch[cuda.blockIdx.x * {where.group * where.size} :]"
        lines += [f"slots = {slots}", f"base = {base}"]
        work = self.workspace
        cells, width = prod(work.space) * work.channels, work.width
        lines += [
            f"row_table = row_table[rows[pair] * {width} :]",
            f"column_table = column_table[columns[pair] * {width} :]",
            f"x1 = x1[rows[pair] * {cells} :]",
            f"x2 = x2[columns[pair] * {cells} :]",
        ]
        if self.schedule.own:
            zero = " and ".join(f"w{a} == 0" for a in range(len(where.packs.classes)))
            one, nought = self.dialect.literal(1.0), self.dialect.literal(0.0)
            lines.append(f"same = {one} if {zero} else {nought}")
        return lines

    def _pack(self) -> list[str]:
        """The pair and the pack, and the thread's number in it."""
        blocks, group, threads = self.where.blocks, self.where.group, self.where.threads
        lines = ["pair = cuda.blockIdx.x", "member = 0", "first = thread", "pack = member"]
        if blocks > 1:
            lines[0] += f" // {blocks}"
            lines[3] = f"pack = cuda.blockIdx.x % {blocks}"
            lines[3] += f" * {group} + member" if group > 1 else ""
        if group > 1:
            lines[1:3] = [f"member = thread // {threads}", f"first = thread % {threads}"]
        return lines

    def _displacements(self) -> list[str]:
        """The pack's displacement along each axis, and which of its two slices are needed."""
        packs, lines, rest = self.where.packs, [], "pack"
        for axis in reversed(range(len(packs.classes))):
            classes, name = packs.classes[axis], f"{self.prefix}_{axis}"
            lines.append(f"i{axis} = {rest} % {len(classes)}" if axis else f"i{axis} = {rest}")
            if classes == tuple(range(len(classes))):
                lines.append(f"w{axis} = i{axis}")
            else:
                self.workspace.table(f"{name} = np.array({list(classes)!r}, dtype=np.int64)")
                lines.append(f"w{axis} = {name}[i{axis}]")
            if axis:
                lines.append(f"rest = {rest} // {len(classes)}")
            rest = "rest"
            if not packs.full(axis):
                for kind, found in (("first", packs.first), ("second", packs.second)):
                    values = [int(flag) for flag in found[axis]]
                    self.workspace.table(f"{name}_{kind} = np.array({values!r}, dtype=np.int64)")
                    lines.append(f"{kind}{axis} = {name}_{kind}[i{axis}] > 0")
        return lines

    def _clear(self) -> list[str]:
        """Zeros everywhere: windows read margins, and nothing ever writes them."""
        where = self.where
        return [
            f"for k in range(first, {where.size}, {where.threads}):",
            f"    slots[u64(base + k)] = {self.dialect.literal(0.0)}",
            "cuda.syncthreads()",
        ]

    def _take(self, index: int) -> list[str]:
        """Gather a slice of a store into its slot."""
        where, store = self.where, self.schedule.stores[index]
        own = Cells(where, Geometry(store.node.space, (1,) * len(store.node.space)))
        gather, work = self.workspace.gathers[index], self.workspace
        body, axes = gather.lines(), range(len(store.node.space))
        start = _sum(f"pair * {work.size}", work.store_at[index])
        zero, lines = self.dialect.literal(0.0), [f"unit = {own.unit}", *own.places()]
        for r in range(where.strip):
            given = {"start": f"from_{index}"}
            given |= {f"p{a}": own.p(a, r) for a in axes} | {f"q{a}": own.q(a, r) for a in axes}
            doc = f"An entry of the slice that {store.node.op} makes of what is stored."
            lines += self.routines.call("gather", doc, body, given, "value")
            live, inside = own.live(r), own.inside(r)
            text = f"cuda.selp({live}, value, {zero})" if live else "value"
            put = [f"slots[u64({own.place(own.start(store.slot), r)})] = {text}"]
            lines += put if inside is None else [f"if {inside}:", *indented(put)]
        return [f"# {store.node.op}", f"from_{index} = {start}", *own.loop(lines)]

    # --- steps -------------------------------------------------------------------------

    def _run(
        self, number: int, run: Run, held: Held, describe: Callable[[SliceStep], str]
    ) -> tuple[list[str], Held]:
        """A run's steps, and what threads hold after it."""
        place = Place(
            self.where, self.dialect, self.dtype, self.workspace.channels, self.schedule.own,
            self.routines,
        )  # fmt: skip
        if run.count > 1:  # what is held at a loop's beginning, it must hold at its end too
            end = held
            for step in run.steps[: run.period]:
                end = held_after(self.where, step, end)
            held = {slot: space for slot, space in held.items() if end.get(slot) == space}
        tables: list[Table] = []
        lines: list[str] = []
        for position in range(run.period):
            name = f"{self.prefix}_{number}_{position}".lower()
            words = describe(run.steps[position])
            lines.append(f"# {words}")
            lines += Step(place, run, position, name, tables, held, words).text()
            held = held_after(self.where, run.steps[position], held)
        self.workspace.table(*table_lines(tables, "int64"))
        if run.count > 1:
            lines = [f"for layer in range({run.count}):", *indented(lines)]
        return lines, held

    # --- the end -----------------------------------------------------------------------

    def _push(self, push: Push) -> list[str]:
        """What leaves the segment: a sum, a slice in the workspace, or a result."""
        where, work = self.where, self.workspace
        if push.total is not None:
            return total_lines(push, where, work, self.dialect)
        own, body = Cells(where, push.source), []
        for r in range(where.strip):
            place = own.place(own.start(push.slot), r)
            value, cell = f"slots[u64({place})]", own.number(r, False)
            if push.store is not None:
                size = prod(push.source.space)
                begin = _sum(f"pair * {work.size}", work.store_at[push.store])
                line = f"stores[u64({begin} + pack * {size} + {cell})] = {value}"
            else:
                roots = self.schedule.roots
                first = sum(prod(root.space) for root in roots[: roots.index(push.node)])
                place = _sum(f"pair * {work.results}", first)
                line = f"result[u64({place} + {cell})] = {value}"
            inside = own.inside(r)
            body += [line] if inside is None else [f"if {inside}:", f"    {line}"]
        lines = own.loop([*own.places(own.unit), *body])
        if push.store is not None:
            return [f"# what {self.schedule.stores[push.store].node.op} is made of", *lines]
        zero = " and ".join(f"w{a} == 0" for a in range(len(push.source.space)))
        return [f"# {push.node.op}", f"if {zero}:", *indented(lines)]


def _sum(text: str, number: int) -> str:
    return f"{text} + {number}" if number else text
