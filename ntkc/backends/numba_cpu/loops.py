"""Print loop IR as a Numba function over flat buffers.

All offsets are `uint64`: a signed index costs a test for Python's wrap-around, and that test
keeps a loop from vectorising.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ntkc.backends.spelling import Dialect, indices
from ntkc.backends.statements import Printer, call, indented, table_lines
from ntkc.ir.loop import Load, Loop, LoopKind, Offset, Shared, Statement, Store, Table
from ntkc.ir.node import Node, const

# A block of a row's pairs. What its lines are is printed.
_BLOCK = '''\
@routine
def {block}(
    values, second, row_table, column_table, constants, scratch,
    i, row, at, left, column, width, stride, row_stride, column_stride,
):
    """{doc}"""
    wide_vectors()
'''

# The frame of every tile function: rows, then blocks of a row.
_FRAME = '''\
@njit(nogil=True, error_model="numpy", fastmath={{"contract"}}, no_cfunc_wrapper=True)
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
    scratch,
    triangular,
):
    """{doc}"""
    wide_vectors()
    stride, row_stride, column_stride = u64(leading), u64(row_stride), u64(column_stride)
    n_columns, block = u64(columns), u64({width})
    for i in range(u64(rows)):
        row = u64(first_row) + i
        skipped = np.int64(row) + 1 - first_column if triangular else 0
        start = u64(skipped if skipped > 0 else 0)
        for left in range(start, n_columns, block):
            at = i * stride + left
            column = u64(first_column) + left
            rest = n_columns - left
            width = rest if rest < block else block
            {block}(
                values, second, row_table, column_table, constants, scratch,
                i, row, at, left, column, width, stride, row_stride, column_stride,
            )'''

INDEX = indices(lambda value: f"u64({int(value)})")


def print_function(
    name: str,
    doc: str,
    tables: Sequence[Table],
    body: Iterable[Statement],
    width: int,
    dialect: Dialect,
) -> str:
    """The tables, the routine of a block, and the function."""
    block = name.replace("tile_", "block_", 1)
    lines = _Tile(dialect, INDEX).block(body)
    parts = [
        "\n".join(table_lines(tables)),
        _BLOCK.format(block=block, doc=doc.replace("one tile", "`width` pairs of a row"))
        + "\n".join(f"    {line}" for line in lines),
        _FRAME.format(name=name, doc=doc, block=block, width=width),
    ]
    return "\n\n\n".join(part for part in parts if part)


def statement_lines(
    body: Iterable[Statement], dialect: Dialect, vector: int | None = None
) -> list[str]:
    """Statements, line by line; loops over lanes by explicit vectors of so many numbers, if any."""
    printer = Printer(dialect, INDEX) if vector is None else _Vectors(dialect, vector)
    return printer.block(body)


class _Tile(Printer):
    """Places in the tables of single inputs go from row to row: one addition each, where Numba
    would have to type a product, a sum and a conversion.
    """

    _last: tuple[Node, str] | None = None
    """An index into a table, and the name that it goes by."""

    def statement(self, statement: Statement) -> list[str]:
        """The lines of one statement."""
        match statement:
            case Loop():
                self._last = None  # what is bound before it or in it may not be bound behind it
                lines = super().statement(statement)
                self._last = None
                return lines
            case Load(name, "row_table", index):
                place = name.replace("row_", "row_at_", 1)
                return [*self._offset(place, index), f"{name} = row_table[{place}]"]
            case Offset(name, index):
                return self._offset(name, index)
        return super().statement(statement)

    def _offset(self, name: str, index: Node) -> list[str]:
        stride = None if self._last is None else _stride_between(self._last[0], index)
        before, self._last = self._last, (index, name)
        if before is None or stride is None:
            return [f"{name} = {self.index(index)}"]
        return [f"{name} = {before[1]} + {self.index(stride)}"]


def _stride_between(before: Node, after: Node) -> Node | None:
    """The stride of a table, where `entry * stride + place` is that of the next entry."""
    (first, base), (second, other) = before.args, after.args
    if base is not other or first.op != "mul" or second.op != "mul":
        return None
    (entry, stride), (following, same) = first.args, second.args
    return stride if stride is same and _successor(entry) is following else None


def _successor(entry: Node) -> Node | None:
    """An entry, which may go on with layers, and 1; None for one that a table looks up."""
    if entry.op == "add" and entry.args[0].op == "const":
        return const(entry.args[0].attr("value") + 1) + entry.args[1]
    return const(entry.attr("value") + 1) if entry.op == "const" else None


class _Vectors(Printer):
    """Loops over lanes are loops over vectors; what they load and store are vectors."""

    def __init__(self, dialect: Dialect, size: int) -> None:
        super().__init__(dialect, INDEX)
        self._size = size
        self._variable: str | None = None
        """Of the loop over vectors that is being printed."""

    def statement(self, statement: Statement) -> list[str]:
        """The lines of one statement."""
        match statement:
            case Loop(LoopKind.LANES, variable, count, body, first):
                self._variable = variable
                lines, before = self.block(body), self.block(first)
                self._variable = None
                if count is const(self._size):
                    return [f"{variable} = {self.index(const(0))}", *lines]
                steps = f"{self.index(const(0))}, {self.index(count)}, u64({self._size})"
                if before:
                    before = [f"{variable} = {self.index(const(0))}", *before]
                return [*before, f"for {variable} in range({steps}):", *indented(lines)]
            case Shared(name, buffer, index):
                cell = f"{self._variable} // u64({self._size})"
                return [f"{name} = {buffer}[{self.index(index)} + {cell}]"]
            case Load(name, buffer, index) if self._variable is not None:
                return [f"{name} = load({buffer}, {self.index(index)})"]
            case Store(buffer, index, value) if self._variable is not None:
                return call("store", buffer, self.index(index), self.dialect.write(value))
        return super().statement(statement)
