"""Loop IR as lines of Python, which every backend's functions are made of."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from ntkc.backends.spelling import Dialect
from ntkc.ir.loop import (
    Choice,
    Let,
    Load,
    Lookup,
    Loop,
    Offset,
    Remark,
    Shared,
    Statement,
    Store,
    Table,
)
from ntkc.ir.node import Node, const, is_const

_WIDTH = 84


class Printer:
    """Prints statements; a backend overrides what its buffers and loops are."""

    def __init__(self, dialect: Dialect, indices: Dialect) -> None:
        self.dialect, self._indices = dialect, indices

    def block(self, statements: Iterable[Statement]) -> list[str]:
        """Statements, line by line."""
        return [line for statement in statements for line in self.statement(statement)]

    def statement(self, statement: Statement) -> list[str]:
        """The lines of one statement."""
        match statement:
            case Shared() | Loop(first=(_, *_)):
                raise AssertionError(
                    "explicit vectors alone have one number for all lanes, or carry"
                )
            case Remark(text):
                return [f"# {printable(text)}"]
            case Load(name, buffer, index):
                return [f"{name} = {self.place(buffer, index)}"]
            case Let(name, value):
                return assignment(name, self.dialect.write(value))
            case Store(buffer, index, value):
                return assignment(self.place(buffer, index), self.dialect.write(value))
            case Offset(name, index, 0):
                return [f"{name} = {self.index(index)}"]
            case Offset(name, index, modulus):
                inner = self.index(index) if index.op == "symbol" else f"({self.index(index)})"
                return [f"{name} = {inner} % {self.index(const(modulus))}"]
            case Choice(name, low, high, body, otherwise):
                least = "" if is_const(low, 0.0) else f"{self.index(low)} <= "
                return [
                    f"if {least}{name} < {self.index(high)}:",
                    *indented(self.block(body)),
                    "else:",
                    *indented(self.block(otherwise)),
                ]
            case Lookup(name, table, position):
                return [f"{name} = {table}[{position}]"]
            case Loop(_, variable, count, body):
                return [
                    f"for {variable} in range({self.index(count)}):",
                    *indented(self.block(body)),
                ]

    def place(self, buffer: str, index: Node) -> str:
        """An entry of a buffer."""
        return f"{buffer}[{self.index(index)}]"

    def index(self, index: Node) -> str:
        """An offset into a buffer."""
        return self._indices.write(index)


def table_lines(tables: Sequence[Table], kind: str = "uint64") -> list[str]:
    """Tables of indices, a line each."""
    return [f"{t.name} = np.array({list(t.entries)!r}, dtype=np.{kind})" for t in tables]


def printable(text: str) -> str:
    """Text of a program as it may stand in a comment: on one line, and not endless."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..."


def docstring(text: str) -> str:
    """A docstring of text that may hold a file's name: it cannot end before its end."""
    safe = printable(text).replace("\\", "/").replace('"', "'")
    return f'"""{safe}"""'


def assignment(target: str, value: str) -> list[str]:
    """`target = value`, on several lines where one would be too long to read."""
    line = f"{target} = {value}"
    if len(line) <= _WIDTH:
        return [line]
    wrapped = textwrap.wrap(value, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [f"{target} = (", *(f"    {part}" for part in wrapped), ")"]


def call(function: str, *arguments: str) -> list[str]:
    """A call, on several lines where one would be too long to read."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{function}(", *(f"    {argument}," for argument in arguments), ")"]


def indented(lines: Iterable[str], depth: int = 1) -> list[str]:
    """Lines of a block."""
    return ["    " * depth + line for line in lines]
