"""Where messages go, and whether in colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ntkc.diagnostics import Diagnostic

_RED, _YELLOW, _RESET = "\033[1;31m", "\033[1;33m", "\033[0m"


def in_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, and nobody objects to them."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def out(text: str) -> None:
    """Write what was asked for, as it is, with a line end."""
    write(sys.stdout, text if text.endswith("\n") else f"{text}\n")


def note(text: str) -> None:
    """Write something beside what was asked for."""
    write(sys.stderr, f"{text}\n")


def error(text: str) -> None:
    """Report what went wrong."""
    _labelled("error", _RED, text)


def warning(text: str) -> None:
    """Report what may be wrong."""
    _labelled("warning", _YELLOW, text)


def diagnostics(found: Iterable[Diagnostic], stream: TextIO | None = None) -> None:
    """Show messages about a program, with a blank line after each."""
    from ntkc.diagnostics.render import render

    target = sys.stderr if stream is None else stream
    for diagnostic in found:
        shown = render(diagnostic, in_colour(target))
        if not _encodable(shown, target):  # escaped before columns are counted
            shown = render(diagnostic, in_colour(target), ascii=True)
        write(target, f"{shown}\n\n")


def _encodable(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "ascii", "strict")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write(stream: TextIO, text: str) -> None:
    """Write text to a stream whose encoding may not know all of it."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _labelled(label: str, colour: str, text: str) -> None:
    shown = f"{colour}{label}{_RESET}" if in_colour(sys.stderr) else label
    write(sys.stderr, f"{shown}: {text}\n")
