"""Print a slice program as Numba source: what single inputs need, and the functions of pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod

from ntkc.backends.numba_cpu.emit import function, imports_for, matrices
from ntkc.backends.numba_cpu.prelude import HELPERS
from ntkc.backends.numba_cpu.slice_function import BUFFERS, Function, plain
from ntkc.backends.numba_cpu.spell import IMAGES, PYTHON
from ntkc.backends.numba_cpu.straight import Matrix, StraightLine
from ntkc.backends.routines import Routines
from ntkc.backends.spelling import helpers_of
from ntkc.backends.statements import docstring
from ntkc.ir.node import Node, Varies, topological
from ntkc.runtime.program import SLICES_ABI
from ntkc.schedule.slices.layout import layout
from ntkc.schedule.slices.program import (
    SliceProgram,
    SliceSchedule,
    SliceStep,
    input_space,
    store_size,
)
from ntkc.schedule.slices.segments import WRAPPED


def emit_slices(
    program: SliceProgram, describe: Callable[[SliceStep], str], header: str, suffix: str = ""
) -> str:
    """The module's text."""
    writer = _Writer(program, describe, suffix)
    functions = [writer.function(schedule) for schedule in program.functions]
    functions += [writer.function(schedule, shared=True) for schedule in program.shared]
    tables = [writer.table(schedule) for schedule in program.functions]
    single = [writer.constants(), *tables, writer.diagonals()]
    routines = writer.routines.texts()
    body = [*matrices(writer.series), *single, *routines, *functions, writer.listing()]
    helpers = helpers_of(body, HELPERS)
    imports = f"{imports_for(helpers, body)}\ni64 = np.int64"
    parts = [f"{docstring(header)}\n\n{imports}", writer.attributes(), *helpers, *body]
    return "\n\n\n".join(parts) + "\n"


class _Writer:
    def __init__(
        self, program: SliceProgram, describe: Callable[[SliceStep], str], suffix: str
    ) -> None:
        self.program, self.describe, self.suffix = program, describe, suffix
        self.series: dict[Matrix, str] = {}
        self.space, self.channels = input_space(program)
        owned = [node for group in program.owned for node in group]
        self.owned = {node: f"owned[{i}]" for i, node in enumerate(owned)}
        repeated = any(WRAPPED in g.modes for s in program.functions for g in s.segments)
        self.differences = any(
            n.op == "gram_distance" for n in topological(program.module.roots.values())
        )
        self.layouts = {
            s.name: layout(
                s,
                program.lanes,
                self.space,
                self.channels,
                repeated,
                program.vectors,
                self.differences,
            )
            for s in program.functions
        }
        self.constant_roots = self._constant_roots()
        self.routines = Routines("@routine", BUFFERS, suffix, ("wide_vectors()",))

    def attributes(self) -> str:
        module = self.program.module
        attributes = {
            "ABI": SLICES_ABI,
            "NAME": module.name,
            "DTYPE": self.program.dtype,
            "ROOTS": self.program.roots,
            "INPUT_KIND": module.input.kind,
            "INPUT_SIZES": tuple(module.input.sizes),
            "NORMALIZED": module.input.normalized,
            "PARAMETERS": {p.name: p.default for p in module.parameters},
            "LANES": self.program.lanes,
            "SPACE": self.space,
            "DIFFERENCES": self.differences,
            "REPEATED": any(where.repeated for where in self.layouts.values()),
            "OWNED": tuple(tuple(n.space for n in group) for group in self.program.owned),
        }
        return "\n".join(f"{name} = {value!r}" for name, value in attributes.items())

    # --- single inputs -----------------------------------------------------------------

    def _single(self) -> list[Node]:
        rows = [node for s in self.program.functions for node, _ in s.rows]
        return [*rows, *self._diagonal_roots()]

    def _diagonal_roots(self) -> list[Node]:
        roots = self.program.module.roots
        if self.program.paired:
            return []
        return [roots[f"{name}_diagonal"] for name in self.program.roots]

    def _constant_roots(self) -> list[Node]:
        """The constants that functions read, then those that only single-input values need."""
        found = dict.fromkeys(self.program.constants)
        roots = self._single()
        for node in self._below(roots):
            used = [*node.args, node] if node in roots else node.args
            if node.op != "own" and (node.varies is not Varies.CONST or node in roots):
                for value in used:
                    if value.varies is Varies.CONST and value.op != "const":
                        found[value] = None
        return list(found)

    def _below(self, roots: Iterable[Node]) -> Iterable[Node]:
        """What NumPy computes for the roots: nothing below an `own` value."""
        stack, seen = list(roots), set()
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                yield node
                if node.op != "own":
                    stack.extend(node.args)

    def constants(self) -> str:
        roots = self.constant_roots
        parameters = {
            n: f"parameters[{n.attr('name')!r}]" for n in topological(roots) if n.op == "param"
        }
        code = StraightLine(PYTHON, roots, parameters, self.series)
        values = ", ".join(code.results)
        return function(
            "constants(parameters, size)",
            "What depends on the parameters alone.",
            [*code.lines, f"return np.array([{values}], dtype=np.float64)"],
        )

    def _images(self, roots: Sequence[Node]) -> StraightLine:
        names = {node: f"constants[{i}]" for i, node in enumerate(self.constant_roots)}
        names |= self.owned
        names |= {n: "mean_square" for n in self._below(roots) if n.op == "gram"}
        return StraightLine(IMAGES, roots, names, self.series)

    def table(self, schedule: SliceSchedule) -> str:
        """What a function reads of single inputs."""
        code = self._images([node for node, _ in schedule.rows])
        size = sum(prod(space) for _, space in schedule.rows)
        lines = [*code.lines, f"table = np.empty((len(mean_square), {size}))"]
        for (_, space), first, text in zip(
            schedule.rows, schedule.offsets, code.results, strict=True
        ):
            lines.append(f"fill(table, {first}, {space}, {text})")
        return function(
            f"table_{plain(schedule.name)}(mean_square, constants, owned)",
            f"What {schedule.name} reads of each input, position by position.",
            [*lines, "return table"],
        )

    def diagonals(self) -> str:
        roots = self._diagonal_roots()
        if not roots:
            return "diagonals = None"
        code = self._images(roots)
        return function(
            "diagonals(mean_square, constants, owned)",
            "The kernels of each input with itself.",
            [
                *code.lines,
                f"found = np.empty(({len(roots)}, len(mean_square)))",
                *(f"found[{i}] = np.reshape({text}, -1)" for i, text in enumerate(code.results)),
                "return found",
            ],
        )

    # --- pairs -------------------------------------------------------------------------

    def function(self, schedule: SliceSchedule, shared: bool = False) -> str:
        where, name = self.layouts[schedule.name], self._name(schedule, shared)
        made = Function(self.program, schedule, where, self.routines, self.describe, name, shared)
        return made.text()

    def _name(self, schedule: SliceSchedule, shared: bool = False) -> str:
        kind = "shared" if shared else "slices"
        return f"{kind}_{plain(schedule.name)}_{self.program.dtype}{self.suffix}"

    def listing(self) -> str:
        """The functions by what they are for."""
        own = [f"    {self._entry(s)}," for s in self.program.own]
        tiles = [f"    {name!r}: {self._entry(s)}," for name, s in self.program.tiles.items()]
        return "\n".join(["OWN = [", *own, "]", "TILES = {", *tiles, "}"])

    def _entry(self, s: SliceSchedule) -> str:
        where = self.layouts[s.name]
        results = [prod(root.space) for root in s.roots]
        numbers = {
            "scratch": where.size,
            "stores": max(1, sum(store_size(store, where.lanes) for store in s.stores)),
            "totals": max(1, len(s.totals)),
            "results": sum(results),
            "jobs": len(s.jobs),
            "entries": s.entries,
            "width": sum(prod(space) for _, space in s.rows),
        }
        columns = [(first, space) for (_, space), first in zip(s.rows, s.offsets, strict=True)]
        table = f"table_{plain(s.name)}"
        other = self._name(s, shared=True) if s in self.program.shared else None
        return f"({self._name(s)}, {table}, {numbers!r}, {columns!r}, {other})"
