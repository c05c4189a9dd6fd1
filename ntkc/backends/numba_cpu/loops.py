"""Print loop IR as a Numba function over flat buffers.

All offsets are `uint64`: a signed index costs a test for Python's wrap-around, and that test
keeps a loop from vectorising.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from ntkc.backends.numba_cpu.spell import PRODUCT, SIGN, SUM, Dialect, Form
from ntkc.ir.loop import Let, Load, Lookup, Loop, Offset, Remark, Statement, Store, Table
from ntkc.ir.node import Node

# The frame of every tile function: rows, then blocks of a row. What is between is printed.
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
    stride, row_stride, column_stride = u64(leading), u64(row_stride), u64(column_stride)
    n_columns, block = u64(columns), u64({width})
    for i in range(u64(rows)):
        row = u64(first_row) + i
        start = u64(max(first_row + int(i) + 1 - first_column, 0)) if triangular else u64(0)
        for left in range(start, n_columns, block):
            at = i * stride + left
            column = u64(first_column) + left
            width = min(block, n_columns - left)
'''

_WIDTH = 84

INDEX = Dialect(
    "indices",
    {
        "add": Form("{0} + {1}", SUM, (SUM, PRODUCT)),
        "mul": Form("{0} * {1}", PRODUCT, (PRODUCT, SIGN)),
    },
    lambda value: f"u64({int(value)})",
)


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


def table_lines(tables: Sequence[Table]) -> list[str]:
    """Tables of indices, a line each."""
    return [f"{t.name} = np.array({list(t.entries)!r}, dtype=np.uint64)" for t in tables]


def statement_lines(body: Iterable[Statement], dialect: Dialect) -> list[str]:
    """Statements, line by line."""
    return _Printer(dialect).block(body)


class _Printer:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def block(self, statements: Iterable[Statement]) -> list[str]:
        return [line for statement in statements for line in self._statement(statement)]

    def _statement(self, statement: Statement) -> list[str]:
        match statement:
            case Remark(text):
                return [f"# {printable(text)}"]
            case Load(name, buffer, index):
                return [f"{name} = {buffer}[{_index(index)}]"]
            case Let(name, value):
                return _assignment(name, self._value(value))
            case Store(buffer, index, value):
                return _assignment(f"{buffer}[{_index(index)}]", self._value(value))
            case Offset(name, index):
                return [f"{name} = {_index(index)}"]
            case Lookup(name, table, position):
                return [f"{name} = {table}[{position}]"]
            case Loop(_, variable, count, body):
                head = f"for {variable} in range({_index(count)}):"
                return [head, *(f"    {line}" for line in self.block(body))]

    def _value(self, value: Node) -> str:
        return self._dialect.write(value)


def printable(text: str) -> str:
    """Text of a program as it may stand in a comment: on one line, and not endless."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..."


def _index(index: Node) -> str:
    return INDEX.write(index)


def _assignment(target: str, value: str) -> list[str]:
    """`target = value`, on several lines where one would be too long to read."""
    line = f"{target} = {value}"
    if len(line) <= _WIDTH:
        return [line]
    wrapped = textwrap.wrap(value, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [f"{target} = (", *(f"    {part}" for part in wrapped), ")"]
