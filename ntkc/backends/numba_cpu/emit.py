"""Print a program schedule as Numba source: the file that a person can read, and that runs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence

from ntkc.backends import octaves
from ntkc.backends.numba_cpu.loops import print_function
from ntkc.backends.numba_cpu.prelude import HELPERS
from ntkc.backends.numba_cpu.spell import NUMPY, PYTHON, lanes
from ntkc.backends.numba_cpu.straight import Matrix, StraightLine
from ntkc.backends.spelling import helpers_of
from ntkc.backends.statements import docstring
from ntkc.ir.node import Node, Varies, make, topological
from ntkc.runtime.program import ABI
from ntkc.runtime.vectors import MODULE
from ntkc.schedule.lower import label, lower
from ntkc.schedule.program import WIDTH, ProgramSchedule, Step

_IMPORTS = """\
import math

import numpy as np
from numba import njit

F = np.float32
u64 = np.uint64"""

_INTRINSIC_IMPORTS = _IMPORTS.replace(
    "import numpy as np\nfrom numba import njit",
    "import numpy as np\nfrom llvmlite import ir\nfrom numba import njit, types\n"
    "from numba.extending import intrinsic",
)

_MEAN_SQUARE = make("gram", varies="ROW")


def emit(
    schedules: Mapping[str, ProgramSchedule],
    dtype: str,
    describe: Callable[[Step], str],
    header: str,
    suffix: str = "",
) -> str:
    """The module's text.

    `schedules` has one program for each number type that tiles are wanted in, `dtype` among
    them; their single-input tables and constants are the same. `suffix` ends the functions'
    names: compiled functions of one name and different contents crash one another's processes.
    """
    program = schedules[dtype]
    tiles = [
        _tile(program, kind, name, describe, suffix)
        for kind, program in schedules.items()
        for name in program.tiles
    ]
    series: dict[Matrix, str] = {}
    single = [_constants(program, series), _diagonals(program, series)]
    body = [*matrices(series), *single, *tiles, _tile_table(schedules, suffix)]
    helpers = helpers_of(body, {**HELPERS, **_tables(schedules)})
    parts = [
        f"{docstring(header)}\n\n{imports_for(helpers, body)}",
        _attributes(schedules, dtype),
        *helpers,
        *body,
    ]
    return "\n\n\n".join(parts) + "\n"


def _tables(schedules: Mapping[str, ProgramSchedule]) -> dict[str, str]:
    found: dict[str, str] = {}
    for dtype, program in schedules.items():
        write = octaves.by_bits(dtype, '@njit(error_model="numpy", fastmath={"contract"})')
        found |= octaves.functions(program.module.roots.values(), dtype, write)
    return found


_RUNTIME = (
    "accumulate", "load", "maximum", "minimum", "power_of_two", "routine", "safe_inverse_sqrt",
    "safe_sqrt", "select", "store", "wide_vectors", "zeros",
)  # fmt: skip
"""What generated functions may use of `ntkc.runtime.vectors`."""

_USED = re.compile(r"(?<=@)\w+|[A-Za-z_]\w*(?=\()")
"""Decorators, and what is called."""


def imports_for(helpers: Sequence[str], body: Sequence[str]) -> str:
    """The import statements of a module with these helper functions and texts."""
    imports = _IMPORTS if not any("@intrinsic" in h for h in helpers) else _INTRINSIC_IMPORTS
    used = {name for text in body for name in _USED.findall(text)}
    found = ", ".join(name for name in _RUNTIME if name in used)
    line = f"from {MODULE} import {found}  # the runtime's"
    return imports.replace("\n\nF =", f"\n{line}\n\nF =", 1)


def _attributes(schedules: Mapping[str, ProgramSchedule], dtype: str) -> str:
    program = schedules[dtype]
    module = program.module
    attributes = {
        "ABI": ABI,
        "NAME": module.name,
        "DTYPE": dtype,
        "INPUT_KIND": module.input.kind,
        "INPUT_SIZES": tuple(module.input.sizes),
        "NORMALIZED": module.input.normalized,
        "PARAMETERS": {p.name: p.default for p in module.parameters},
        "COMPLEMENT": program.complement,
        "WIDTH": WIDTH,
        "SLOTS": max(s.slots for s in schedules.values()),
    }
    if schedules.get("float64", program).opposites:  # nearly opposite pairs go through float64
        attributes["OPPOSITES"] = True
    if program.entries:
        attributes["ENTRIES"] = dict(program.entries)
    return "\n".join(f"{name} = {value!r}" for name, value in attributes.items())


def _single_roots(program: ProgramSchedule) -> list[Node]:
    roots = program.module.roots
    return [*program.table, roots["nngp_diagonal"], roots["ntk_diagonal"]]


def _constant_roots(program: ProgramSchedule) -> list[Node]:
    """The constants that tiles read, then those that only single-input values need."""
    found = dict.fromkeys(program.constants)
    roots = dict.fromkeys(_single_roots(program))
    for node in topological(roots):
        used = [*node.args, node] if node in roots else node.args
        if node.varies is not Varies.CONST or node in roots:
            for value in used:
                if value.varies is Varies.CONST and value.op != "const":
                    found[value] = None
    return list(found)


def matrices(series: Mapping[Matrix, str]) -> list[str]:
    """The coefficients of Chebyshev series, a series a row."""
    found = []
    for matrix, name in series.items():
        lines = [f"{name} = np.array(", "    ["]
        for row in matrix:
            text = textwrap.fill(
                f"{list(row)!r},", 92, initial_indent=" " * 8, subsequent_indent=" " * 9
            )
            lines.append(text)
        found.append("\n".join([*lines, "    ]", ")"]))
    return found


def _constants(program: ProgramSchedule, series: dict[Matrix, str]) -> str:
    roots = _constant_roots(program)
    parameters = {
        n: f"parameters[{n.attr('name')!r}]" for n in topological(roots) if n.op == "param"
    }
    code = StraightLine(PYTHON, roots, parameters, series)
    values = ", ".join(code.results)
    return function(
        "constants(parameters, size)",
        "What depends on the parameters and on the inputs' size alone.",
        [*code.lines, f"return np.array([{values}], dtype=np.float64)"],
    )


def _diagonals(program: ProgramSchedule, series: dict[Matrix, str]) -> str:
    roots = _single_roots(program)
    names = {node: f"constants[{i}]" for i, node in enumerate(_constant_roots(program))}
    code = StraightLine(NUMPY, roots, {**names, _MEAN_SQUARE: "mean_square"}, series)
    size = len(program.table)
    return function(
        "diagonals(mean_square, constants)",
        "What depends on one input alone: the tiles' table, and both diagonals.",
        [
            *code.lines,
            f"table = np.empty(({size}, mean_square.size))",
            *(f"table[{i}] = {result}" for i, result in enumerate(code.results[:size])),
            "nngp, ntk = np.empty((2, mean_square.size))",
            f"nngp[:] = {code.results[-2]}",
            f"ntk[:] = {code.results[-1]}",
            "return table, nngp, ntk",
        ],
    )


def function(signature: str, doc: str, lines: list[str]) -> str:
    """A function's text."""
    body = "\n".join(f"    {line}" for line in lines)
    return f'def {signature}:\n    """{doc}"""\n{body}'


def _tile(
    program: ProgramSchedule, dtype: str, name: str, describe: Callable[[Step], str], suffix: str
) -> str:
    tile = program.tiles[name]
    tables, body = lower(tile, describe)
    doc = f"{' and '.join(tile.roots)} of one tile, in {dtype}."
    full = _tile_name(name, dtype) + suffix
    return print_function(full, doc, tables, body, WIDTH, lanes(dtype))


def _tile_name(roots: str, dtype: str) -> str:
    return f"tile_{label(roots.split('+'))}_{dtype}"


def _tile_table(schedules: Mapping[str, ProgramSchedule], suffix: str) -> str:
    entries = [
        f"    ({name!r}, {kind!r}): {_tile_name(name, kind)}{suffix},"
        for kind, program in schedules.items()
        for name in program.tiles
    ]
    return "\n".join(["TILES = {", *entries, "}"])
