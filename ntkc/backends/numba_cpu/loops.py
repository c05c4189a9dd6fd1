"""Print loop IR as a Numba function over flat buffers.

All offsets are `uint64`: a signed index costs a test for Python's wrap-around, and that test
keeps a loop from vectorising.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ntkc.backends.spelling import Dialect, indices
from ntkc.backends.statements import Printer, call, indented, table_lines
from ntkc.ir.loop import Load, Loop, LoopKind, Shared, Statement, Store, Table
from ntkc.ir.node import const

# The frame of every tile function: rows, then blocks of a row. What is between is printed.
# Choices are spelled out: Numba compiles `min` and `max` as functions of their own.
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
'''

INDEX = indices(lambda value: f"u64({int(value)})")


def print_function(
    name: str,
    doc: str,
    tables: Sequence[Table],
    body: Iterable[Statement],
    width: int,
    dialect: Dialect,
) -> str:
    """The tables and the function."""
    lines = table_lines(tables)
    frame = _FRAME.format(name=name, doc=doc, width=width)
    printed = [f"            {line}" for line in statement_lines(body, dialect)]
    text = frame + "\n".join(printed)
    return "\n".join([*lines, *(["", ""] if lines else []), text])


def statement_lines(
    body: Iterable[Statement], dialect: Dialect, vector: int | None = None
) -> list[str]:
    """Statements, line by line; loops over lanes by explicit vectors of so many numbers, if any."""
    printer = Printer(dialect, INDEX) if vector is None else _Vectors(dialect, vector)
    return printer.block(body)


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
