"""A diagnostic as text for a terminal, and as data for an editor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ntkc.diagnostics.core import Diagnostic, Kind, Label
from ntkc.diagnostics.excerpt import Excerpt, excerpt, printable
from ntkc.diagnostics.source import Source, Span

_RESET: Final = "\033[0m"
_BOLD: Final = "\033[1m"
_RED: Final = "\033[1;31m"
_YELLOW: Final = "\033[1;33m"
_BLUE: Final = "\033[1;34m"
_COLOURS: Final = {Kind.WARNING: _YELLOW, Kind.LIMITATION: _YELLOW}
_SEVERITIES: Final = {Kind.WARNING: 2}  # of the Language Server Protocol; 1 is an error


@dataclass(frozen=True)
class _Mark:
    """A label, resolved to a line and columns of it."""

    label: Label
    primary: bool
    line: int
    start: int
    end: int


def render(diagnostic: Diagnostic, colour: bool = False, ascii: bool = False) -> str:
    """The diagnostic as it is shown to a person, without a line end at its end; with `ascii`
    everything is escaped that is beyond it.
    """
    return "\n".join(_Renderer(diagnostic, colour, ascii).lines())


class _Renderer:
    def __init__(self, diagnostic: Diagnostic, colour: bool, ascii: bool) -> None:
        self._diagnostic = diagnostic
        self._ascii = ascii
        self._colour = colour
        self._strong = _COLOURS.get(diagnostic.kind, _RED)
        self._marks = list(_marks(diagnostic))
        self._width = len(str(max((mark.line for mark in self._marks), default=1)))

    def lines(self) -> Iterator[str]:
        found = self._diagnostic
        title = self._paint(f"{found.kind.value}[{found.code}]", self._strong)
        yield f"{title}{self._paint(': ' + self._message(found.message, 0), _BOLD)}"
        arrow = "-->"
        for source in _sources(self._marks):
            yield from self._snippet(source, arrow)
            arrow = ":::"
        for word, texts in (("help", found.help), ("note", found.notes)):
            for text in texts:
                lead = f"{' ' * self._width} = {word}: "
                edge = self._paint(f"{' ' * self._width} =", _BLUE)
                yield f"{edge} {word}: {self._message(text, len(lead))}"

    def _snippet(self, source: Source, arrow: str) -> Iterator[str]:
        marks = [mark for mark in self._marks if mark.label.span.source == source]
        first = next((mark for mark in marks if mark.primary), marks[0])
        place = f"{printable(source.name, self._ascii)}:{first.line}:{first.start + 1}"
        yield f"{self._paint(' ' * self._width + arrow, _BLUE)} {place}"
        yield self._row("", "")
        shown = 0
        for line in sorted({mark.line for mark in marks}):
            # The numbers show that one line is missing; dots show that many are.
            if shown and line > shown + 2:
                yield self._paint("...", _BLUE)
            shown = line
            here = sorted((m for m in marks if m.line == line), key=lambda m: (m.start, m.end))
            yield from self._line(source.line(line).rstrip("\r"), here)

    def _line(self, text: str, marks: list[_Mark]) -> Iterator[str]:
        view: Excerpt | None = None
        for mark in marks:
            if view is None or not view.covers(mark.start, mark.end):
                view = excerpt(text, mark.start, self._ascii)
                yield self._row(str(mark.line), view.text)
            yield self._row("", self._underline(view, mark))

    def _underline(self, view: Excerpt, mark: _Mark) -> str:
        marker = view.marker(mark.start, mark.end, "^" if mark.primary else "-")
        message = self._message(mark.label.text, self._width + 4 + len(marker))
        colour = self._strong if mark.primary else _BLUE
        return self._paint(f"{marker} {message}".rstrip(), colour)

    def _row(self, number: str, text: str) -> str:
        gutter = self._paint(f"{number:>{self._width}} |", _BLUE)
        return f"{gutter} {text}" if text else gutter

    def _message(self, text: str, indent: int) -> str:
        lines = [printable(line, self._ascii) for line in text.split("\n")]
        return ("\n" + " " * indent).join(lines)

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour and text else text


def _labels(diagnostic: Diagnostic) -> Iterator[tuple[Label, bool]]:
    if diagnostic.primary is not None:
        yield diagnostic.primary, True
    for label in diagnostic.secondary:
        yield label, False


def _marks(diagnostic: Diagnostic) -> Iterator[_Mark]:
    for label, primary in _labels(diagnostic):
        source = label.span.source
        offset = min(max(label.span.start, 0), len(source.text))
        line, column = source.position(offset)
        start = column - 1
        # A span over several lines is marked on its first.
        room = len(source.line(line).rstrip("\r")) - start
        end = start + max(min(label.span.end - offset, room), 1)
        yield _Mark(label, primary, line, start, end)


def _sources(marks: Iterable[_Mark]) -> list[Source]:
    found: list[Source] = []
    for mark in marks:
        if mark.label.span.source not in found:
            found.append(mark.label.span.source)
    return found


def to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The diagnostic as plain data, named as in the Language Server Protocol.

    Lines and characters count from zero; characters are UTF-16 code units, as the protocol says.
    """
    primary = diagnostic.primary
    return {
        "source": "ntkc",
        "code": diagnostic.code,
        "kind": diagnostic.kind.value,
        "severity": _SEVERITIES.get(diagnostic.kind, 1),
        "message": diagnostic.message,
        "file": None if primary is None else primary.span.source.name,
        "range": None if primary is None else _range(primary.span),
        "label": "" if primary is None else primary.text,
        "relatedInformation": [
            {
                "location": {"file": label.span.source.name, "range": _range(label.span)},
                "message": label.text,
            }
            for label in diagnostic.secondary
        ],
        "help": list(diagnostic.help),
        "notes": list(diagnostic.notes),
    }


def _range(span: Span) -> dict[str, dict[str, int]]:
    return {"start": _position(span.source, span.start), "end": _position(span.source, span.end)}


def _position(source: Source, offset: int) -> dict[str, int]:
    line, column = source.position(min(max(offset, 0), len(source.text)))
    before = source.line(line)[: column - 1]
    units = sum(2 if ord(char) > 0xFFFF else 1 for char in before)
    return {"line": line - 1, "character": units}
