"""Print the schedule of a network on vectors as `numba.cuda` source: a thread a pair.

The same loop IR as for processors, with other loops around it. What a processor keeps in slots of
scratch between levels stays in a thread's registers here, so the whole depth of a network is one
kernel, which reads a product and writes a kernel value. The loop over layers stays a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ntkc.backends import octaves
from ntkc.backends.cuda.late import late
from ntkc.backends.cuda.spell import DEVICE, helpers, preamble, thread
from ntkc.backends.spelling import indices
from ntkc.backends.statements import Printer, docstring, indented, table_lines
from ntkc.ir.loop import Load, Lookup, Loop, LoopKind, Remark, Statement
from ntkc.ir.node import Node
from ntkc.runtime.program import DEVICE_ABI
from ntkc.schedule.lower import label, lower
from ntkc.schedule.program import WIDTH, ProgramSchedule, Step

_TILE = '''\
@cuda.jit
def {name}(
    values,
    second,
    leading,
    rows,
    columns,
    row_table,
    row_stride,
    first_row,
    column_table,
    column_stride,
    first_column,
    constants,
    row_scale,
    column_scale,
    bound,
    pairs,
    count,
    triangular,
):
    """{doc}"""
    down = cuda.blockIdx.y * cuda.blockDim.y + cuda.threadIdx.y
    across = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if down >= rows or across >= columns or (triangular and across <= down):
        return
    stride, row_stride, column_stride = u64(leading), u64(row_stride), u64(column_stride)
    i, left = u64(down), u64(across)
    row, column = u64(first_row + down), u64(first_column + across)
    at = i * stride + left
    pair = values[at]'''

_COMPLEMENT = """\
    cosine = pair * row_scale[row] * column_scale[column]
    if abs(cosine) > bound:  # left to the function below, which computes it accurately
        place = down * columns + across
        pairs[cuda.atomic.add(count, 0, 1)] = place if cosine > {zero} else -1 - place
        return
    pair = {one} - cosine"""

_NEAR = '''\
@cuda.jit
def {name}(
    values,
    second,
    leading,
    columns,
    row_table,
    row_stride,
    first_row,
    column_table,
    column_stride,
    first_column,
    constants,
    row_scale,
    column_scale,
    x,
    z,
    pairs,
    count,
):
    """{doc}"""
    stride, row_stride, column_stride = u64(leading), u64(row_stride), u64(column_stride)
    for p in range(cuda.grid(1), count[0], cuda.gridsize(1)):
        place, sign = pairs[p], 1.0
        if place < 0:
            place, sign = -1 - place, -1.0
        near, other = place // columns, place % columns
        i, left = u64(near), u64(other)
        row, column = u64(first_row + near), u64(first_column + other)
        at = i * stride + left
        scale, other_scale = row_scale[row], sign * column_scale[column]
        pair = 0.0
        for k in range(x.shape[1]):
            difference = x[near, k] * scale - z[other, k] * other_scale
            pair += difference * difference
        pair = min(0.5 * pair, 2.0)
        if sign < 0.0:
            pair = {opposite}'''


def emit_tiles(
    schedules: Mapping[str, ProgramSchedule],
    dtype: str,
    describe: Callable[[Step], str],
    header: str,
    suffix: str = "",
) -> str:
    """The module's text: `TILES`, and `NEAR` where pairs begin as complements.

    `NEAR` has functions for pairs that are nearly coincident or opposite: they form the complement
    from differences and go on in float64, whatever the tiles are in.
    """
    program = schedules[dtype]
    complement = program.complement
    texts, tiles, near = [], [], []
    for roots, tile in program.tiles.items():
        name = f"tile_{label(roots.split('+'))}_{dtype}{suffix}"
        doc = f"{' and '.join(tile.roots)} of a tile, in {dtype}: a thread a pair."
        texts.append(_function(_TILE, name, doc, program, roots, dtype, describe))
        tiles.append(f"    {roots!r}: {name},")
    for roots, tile in schedules["float64"].tiles.items() if complement else ():
        name = f"near_{label(roots.split('+'))}_{dtype}{suffix}"
        doc = f"{' and '.join(tile.roots)} of the pairs listed, in float64."
        texts.append(_function(_NEAR, name, doc, schedules["float64"], roots, "float64", describe))
        near.append(f"    {roots!r}: {name},")
    carried = helpers(texts, _tables(schedules))
    head = [f"{docstring(header)}\n\n{preamble([*texts, *carried])}", f"DEVICE_ABI = {DEVICE_ABI}"]
    ends = ["\n".join(["TILES = {", *tiles, "}"]), "\n".join(["NEAR = {", *near, "}"])]
    return "\n\n\n".join([*head, *carried, *texts, *ends]) + "\n"


def _tables(schedules: Mapping[str, ProgramSchedule]) -> dict[str, str]:
    found: dict[str, str] = {}
    for dtype, program in schedules.items():
        write = octaves.by_fraction(dtype, DEVICE)
        found |= octaves.functions(program.module.roots.values(), dtype, write)
    return found


def _function(
    frame: str,
    name: str,
    doc: str,
    program: ProgramSchedule,
    roots: str,
    dtype: str,
    describe: Callable[[Step], str],
) -> str:
    tables, body = lower(program.tiles[roots], describe)
    dialect = thread(dtype)
    prefix = f"near_{dtype}" if frame is _NEAR else f"tile_{dtype}"
    names = {table.name: f"{prefix}_{table.name}" for table in tables}
    # A complement less 2 keeps all its digits, and its sign tells.
    opposite = "-max(pair, 1e-300)" if program.opposites else "2.0 - pair"
    head = frame.format(name=name, doc=doc, opposite=opposite)
    if frame is _TILE and program.complement:
        zero, one = dialect.literal(0.0), dialect.literal(1.0)
        head += "\n" + _COMPLEMENT.format(zero=zero, one=one)
    lines = _Thread(dtype, names).block(body)
    text = "\n".join([head, *indented(lines, 2 if frame is _NEAR else 1)])
    listed = table_lines(tables)
    for old, new in names.items():
        listed = [line.replace(f"{old} =", f"{new} =") for line in listed]
    return "\n".join([*listed, *(["", ""] if listed else []), text])


class _Thread(Printer):
    """Prints statements as one thread carries them out."""

    def __init__(self, dtype: str, tables: Mapping[str, str]) -> None:
        super().__init__(thread(dtype), indices(lambda value: f"u64({int(value)})"))
        self._dtype, self._tables = dtype, tables

    def block(self, statements: Iterable[Statement]) -> list[str]:
        """Statements, line by line: what stands between two loops or remarks is ordered anew."""
        lines: list[str] = []
        straight: list[Statement] = []
        for statement in (*statements, None):
            match statement:
                case Loop(LoopKind.LANES, _, _, body):
                    straight += body  # a thread is one lane
                case Loop() | Remark() | None:
                    lines += super().block(late(straight, self._dtype))
                    lines += [] if statement is None else self.statement(statement)
                    straight = []
                case _:
                    straight.append(statement)
        return lines

    def statement(self, statement: Statement) -> list[str]:
        """Slots are registers of the thread, and its product is at hand."""
        match statement:
            case Load(name, "values", _):
                return [] if name == "pair" else [f"{name} = pair"]
            case Lookup(name, table, position):
                return [f"{name} = u64({self._tables[table]}[{position}])"]
            case _:
                return super().statement(statement)

    def place(self, buffer: str, index: Node) -> str:
        """A slot stands at `slot * WIDTH + j` of a processor's scratch, and has a register here."""
        if buffer != "scratch":
            return super().place(buffer, index)
        start = next((arg for arg in index.args if arg.op == "const"), None)
        return f"slot_{0 if start is None else int(start.attr('value')) // WIDTH}"

    def index(self, index: Node) -> str:
        """An index without the lane, whose place is in `at`, `left` and `column`."""
        return super().index(index).removesuffix(" + j")
