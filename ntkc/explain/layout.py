"""Text for a terminal, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 100


def wrapped(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    """Lines of a paragraph; lines after the first hang where `hanging` says."""
    following = indent if hanging is None else hanging
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * following,
        break_on_hyphens=False,
    )


def table(rows: Iterable[Sequence[str]], indent: int = 2, right: Sequence[int] = ()) -> list[str]:
    """Rows as aligned columns; those numbered in `right` are set to the right."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * indent + "  ".join(parts)).rstrip())
    return lines


def heading(text: str) -> list[str]:
    """A title with a line of its own, after an empty one."""
    return ["", text, "─" * len(text)]


def amount(number: float, unit: str) -> str:
    """`1 slot`, `2 slots`."""
    return f"{number:g} {unit}" if number == 1 else f"{number:g} {unit}s"


def size(count: int) -> str:
    """A number of bytes for people: `12 KiB`."""
    value, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.3g} {unit}"
