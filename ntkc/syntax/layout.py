"""Documents that know where they may break, and the printer that decides where they do.

A group is written on one line if it fits there, else every break that belongs to it becomes a
line end; groups inside of it decide for themselves.

>>> words = Group((Text("f("), Indent((Break(""), Text("a,"), Break(), Text("b"))), Break("")))
>>> print_document(words, width=10)
'f(a, b'
>>> print(print_document(words, width=5))
f(
    a,
    b
<BLANKLINE>
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

INDENT: Final = 4


@dataclass(frozen=True)
class Text:
    """Characters without a line end."""

    text: str


@dataclass(frozen=True)
class Break:
    """`flat` on one line; else `broken`, and then a line end, of which `hard` leaves no choice."""

    flat: str = " "
    broken: str = ""
    hard: bool = False


@dataclass(frozen=True)
class Trailing:
    """A comment at the end of a line: it has no width, and what follows must be a line end."""

    text: str


@dataclass(frozen=True)
class Indent:
    """Line ends inside are followed by one more level of indentation."""

    parts: tuple[Document, ...]


@dataclass(frozen=True)
class Group:
    """What stands on one line, or is broken at all of its own breaks."""

    parts: tuple[Document, ...]


Document: TypeAlias = "Text | Break | Trailing | Indent | Group | tuple[Document, ...]"
_Item: TypeAlias = tuple[int, bool, Document]

HARD: Final = Break(hard=True)


def join(separator: Document, documents: Iterable[Document]) -> tuple[Document, ...]:
    """The documents with the separator between each two."""
    joined: list[Document] = []
    for document in documents:
        if joined:
            joined.append(separator)
        joined.append(document)
    return tuple(joined)


def must_break(document: Document) -> bool:
    """Whether a hard break or a comment stands somewhere in the document."""
    stack: list[Document] = [document]
    while stack:
        part = stack.pop()
        if isinstance(part, Trailing) or (isinstance(part, Break) and part.hard):
            return True
        if isinstance(part, Indent | Group):
            stack.extend(part.parts)
        elif isinstance(part, tuple):
            stack.extend(part)
    return False


def print_document(document: Document, width: int) -> str:
    """The text of a document, with lines of at most `width` columns where breaks allow that."""
    return "\n".join(line.rstrip() for line in _Printer(width).run(document))


class _Printer:
    def __init__(self, width: int) -> None:
        self._width = width
        self._line = ""
        self._comment = ""
        self._lines: list[str] = []

    def run(self, document: Document) -> list[str]:
        stack: list[_Item] = [(0, False, document)]
        while stack:
            indent, flat, part = stack.pop()
            if isinstance(part, Text):
                self._line += part.text
            elif isinstance(part, Trailing):
                self._comment += f"  {part.text}"
            elif isinstance(part, Break):
                self._break(part, indent, flat)
            elif isinstance(part, Group):
                flat = flat or self._fits(indent, part, stack)
                stack.extend((indent, flat, child) for child in reversed(part.parts))
            else:
                deeper = indent + INDENT * isinstance(part, Indent)
                parts = part.parts if isinstance(part, Indent) else part
                stack.extend((deeper, flat, child) for child in reversed(parts))
        return [*self._lines, self._line + self._comment]

    def _break(self, part: Break, indent: int, flat: bool) -> None:
        if flat and not part.hard:
            self._line += part.flat
            return
        self._lines.append(self._line + part.broken + self._comment)
        self._line = " " * indent
        self._comment = ""

    def _fits(self, indent: int, group: Group, rest: list[_Item]) -> bool:
        """Whether a group fits on the line, with what follows it up to the next possible end."""
        if must_break(group):
            return False
        room = self._width - len(self._line)
        waiting: list[_Item] = [(indent, True, group)]
        position = len(rest)
        while room >= 0:
            if not waiting:
                if position == 0:
                    return True
                position -= 1
                waiting.append(rest[position])
                continue
            _, flat, part = waiting.pop()
            if isinstance(part, Text):
                room -= len(part.text)
            elif isinstance(part, Break):
                if not flat or part.hard:
                    return len(part.broken) <= room
                room -= len(part.flat)
            elif isinstance(part, Group | Indent):
                waiting.extend((0, flat, child) for child in reversed(part.parts))
            elif isinstance(part, tuple):
                waiting.extend((0, flat, child) for child in reversed(part))
        return False
