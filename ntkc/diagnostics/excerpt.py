"""A line of a program as a terminal can show it: printable, narrow, and measured.

Program text may hold anything: megabytes on a line, tabs, control characters that would move
the cursor, characters of no width or of two. What is shown is always safe to print, and the
columns of markers under it are right.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

TAB: Final = "    "
WINDOW: Final = 100  # characters of a long line that are shown
_BEFORE: Final = 30  # of them, those before a label
_CUT: Final = "..."
# Control, format (bidirectional marks among them), surrogate, private, unassigned, separators.
_ESCAPED: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str, ascii: bool = False) -> str:
    """The text with everything escaped that a terminal might obey, or, with `ascii`, not know."""
    return "".join(_shown(char, ascii) for char in text)


def quoted(text: str) -> str:
    """A user's text as it may stand in a comment or a docstring: one line, closing neither."""
    return printable(text).replace("\\", "/").replace('"""', "'''").removesuffix('"')


def _shown(char: str, ascii: bool) -> str:
    if " " <= char <= "~":
        return char
    if char == "\t":
        return TAB
    if ascii or unicodedata.category(char) in _ESCAPED:
        return f"\\u{{{ord(char):x}}}"
    return char


def _width(shown: str) -> int:
    if shown.isascii():
        return len(shown)
    return sum(_char_width(char) for char in shown)


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@dataclass(frozen=True)
class Excerpt:
    """The characters `start` to `end` of a line, ready to print."""

    line: str
    start: int
    end: int
    ascii: bool = False

    @property
    def text(self) -> str:
        """What to print."""
        before = _CUT if self.start > 0 else ""
        after = _CUT if self.end < len(self.line) else ""
        return (before + printable(self.line[self.start : self.end], self.ascii) + after).rstrip()

    def covers(self, start: int, end: int) -> bool:
        """Whether a label from column `start` to `end` begins, and if short ends, in here."""
        # A label may stand behind the last character, where something is missing.
        needed = min(end, start + WINDOW - _BEFORE, len(self.line))
        return self.start <= start and needed <= self.end

    def column(self, index: int) -> int:
        """How many terminal columns stand before the character at `index`."""
        index = min(max(index, self.start), self.end)
        before = len(_CUT) if self.start > 0 else 0
        return before + _width(printable(self.line[self.start : index], self.ascii))

    def marker(self, start: int, end: int, sign: str) -> str:
        """The line under the excerpt that marks the characters `start` to `end`."""
        first = self.column(start)
        return " " * first + sign * max(self.column(end) - first, 1)


def excerpt(line: str, start: int, ascii: bool = False) -> Excerpt:
    """The part of a line to show for a label that begins at `start`."""
    if len(line) <= WINDOW:
        return Excerpt(line, 0, len(line), ascii)
    first = min(max(start - _BEFORE, 0), len(line) - WINDOW)
    return Excerpt(line, first, first + WINDOW, ascii)
