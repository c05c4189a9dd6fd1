"""Diagnostics as text and as data."""

from __future__ import annotations

import re

import pytest

from ntkc.diagnostics import Diagnostic, Kind, Label, ProgramError, Source, Span
from ntkc.diagnostics.render import render, to_json

NET = Source("mnist.ntk", "n {\n\n\n\n\n  relu\n\n  erf\n}\n")


def label(source: Source, text: str, message: str = "", after: int = 0) -> Label:
    start = source.text.index(text, after)
    return Label(Span(source, start, start + len(text)), message)


def told(source: Source, text: str, message: str = "here") -> str:
    return render(Diagnostic("E0001", "wrong", label(source, text, message)))


def test_the_style_of_the_house() -> None:
    diagnostic = Diagnostic(
        "E0401",
        "`erf` needs Gaussian pre-activations",
        label(NET, "erf", "its input is not Gaussian"),
        (label(NET, "relu", "because this is a nonlinearity, not an affine layer"),),
        help=("put a `dense` or `conv` layer between the two",),
        notes=("a note",),
    )
    assert render(diagnostic) == (
        "error[E0401]: `erf` needs Gaussian pre-activations\n"
        " --> mnist.ntk:8:3\n"
        "  |\n"
        "6 |   relu\n"
        "  |   ---- because this is a nonlinearity, not an affine layer\n"
        "8 |   erf\n"
        "  |   ^^^ its input is not Gaussian\n"
        "  = help: put a `dense` or `conv` layer between the two\n"
        "  = note: a note"
    )


def test_distant_lines_several_files_and_wide_numbers() -> None:
    main = Source("main.ntk", "import\n" + "x\n" * 120 + "last one\n")
    other = Source("other.ntk", "there\n")
    diagnostic = Diagnostic(
        "E0002",
        "wrong",
        label(main, "last", "a"),
        (label(other, "there", "d"), label(main, "one", "b"), label(main, "import", "c")),
        kind=Kind.WARNING,
    )
    assert render(diagnostic) == (
        "warning[E0002]: wrong\n"
        "   --> main.ntk:122:1\n"
        "    |\n"
        "  1 | import\n"
        "    | ------ c\n"
        "...\n"
        "122 | last one\n"
        "    | ^^^^ a\n"
        "    |      --- b\n"
        "   ::: other.ntk:1:1\n"
        "    |\n"
        "  1 | there\n"
        "    | ----- d"
    )


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Kind.ERROR, "error"),
        (Kind.LIMITATION, "limitation"),
        (Kind.WARNING, "warning"),
        (Kind.BUG, "internal error"),
    ],
)
def test_kinds(kind: Kind, word: str) -> None:
    assert render(Diagnostic("E0001", "text", kind=kind)) == f"{word}[E0001]: text"


def test_without_a_place() -> None:
    diagnostic = Diagnostic("E0001", "text", help=("one\ntwo",))
    assert render(diagnostic) == "error[E0001]: text\n  = help: one\n          two"


def test_a_span_over_lines_is_marked_on_its_first() -> None:
    source = Source("a", "one {\n two\n}\n")
    diagnostic = Diagnostic("E0001", "wrong", Label(Span(source, 4, 12), "here"))
    assert render(diagnostic).endswith("1 | one {\n  |     ^ here")


def test_a_span_of_nothing_at_the_end() -> None:
    source = Source("a", "one")
    diagnostic = Diagnostic("E0001", "wrong", Label(Span(source, 3, 3), "here"))
    assert render(diagnostic).endswith("1 | one\n  |    ^ here")
    empty = Diagnostic("E0001", "wrong", Label(Span(Source("a", ""), 0, 0), "here"))
    assert render(empty).endswith("1 |\n  | ^ here")


def test_a_line_end_of_windows_is_not_shown() -> None:
    assert told(Source("a", "one\r\ntwo\r\n"), "one").endswith("1 | one\n  | ^^^ here")


def test_tabs_and_wide_characters_keep_markers_in_place() -> None:
    assert told(Source("a", "\tx\ty"), "y").endswith("1 |     x    y\n  |          ^ here")
    assert told(Source("a", "漢字 x"), "x").endswith("1 | 漢字 x\n  |      ^ here")
    assert told(Source("a", "漢字"), "漢字").endswith("1 | 漢字\n  | ^^^^ here")
    assert told(Source("a", "e\u0301 x"), "x").endswith("1 | e\u0301 x\n  |   ^ here")


@pytest.mark.parametrize("char", ["\x1b", "\x00", "\u202e", "\u200b", "\ud800", "\x9b", "\u2028"])
def test_what_a_terminal_would_obey_is_escaped(char: str) -> None:
    source = Source(f"a{char}.ntk", f"a{char}b")
    message = f"wrong {char}"
    text = render(Diagnostic("E0001", message, label(source, "b", char), help=(char,)))
    assert char not in text
    escaped = f"\\u{{{ord(char):x}}}"
    assert text.count(escaped) == 5
    assert text.splitlines()[4] == f"  | {' ' * (len(escaped) + 1)}^ {escaped}"


def test_a_long_line_is_shown_in_part() -> None:
    source = Source("a", "x" * 500_000 + "HERE" + "y" * 500_000)
    lines = told(source, "HERE").splitlines()
    assert lines[1] == " --> a:1:500001"
    assert max(len(line) for line in lines) < 120
    column = lines[3].index("HERE")
    assert lines[4] == "  |" + " " * (column - 3) + "^^^^ here"
    assert lines[3].startswith("1 | ...x")
    assert lines[3].endswith("y...")


def test_a_long_mark_is_cut_with_its_line() -> None:
    source = Source("a", "x" * 1000)
    lines = told(source, source.text).splitlines()
    assert max(len(line) for line in lines) < 120


def test_two_marks_far_apart_on_a_long_line() -> None:
    source = Source("a", "ONE" + " " * 1000 + "TWO")
    diagnostic = Diagnostic("E0001", "wrong", label(source, "ONE", "a"), (label(source, "TWO"),))
    lines = render(diagnostic).splitlines()
    assert [line.strip("0123456789 |.") for line in lines[3:]] == ["ONE", "^^^ a", "TWO", "---"]


def test_colour_changes_nothing_but_colour() -> None:
    diagnostic = Diagnostic("E0001", "wrong", label(NET, "erf", "here"), help=("help",))
    coloured = render(diagnostic, colour=True)
    assert coloured != render(diagnostic)
    assert re.sub("\033\\[[0-9;]*m", "", coloured) == render(diagnostic)


def test_program_error_shows_its_diagnostics() -> None:
    error = ProgramError((Diagnostic("E0001", "one"), Diagnostic("E0002", "two")))
    assert str(error) == "error[E0001]: one\n\nerror[E0002]: two"


def test_json() -> None:
    source = Source("a.ntk", "first\n😀 here\n")
    data = to_json(
        Diagnostic("E0001", "wrong", label(source, "here", "l"), (label(source, "first", "s"),))
    )
    assert data == {
        "source": "ntkc",
        "code": "E0001",
        "kind": "error",
        "severity": 1,
        "message": "wrong",
        "file": "a.ntk",
        "range": {"start": {"line": 1, "character": 3}, "end": {"line": 1, "character": 7}},
        "label": "l",
        "relatedInformation": [
            {
                "location": {
                    "file": "a.ntk",
                    "range": {
                        "start": {"line": 0, "character": 0},
                        "end": {"line": 0, "character": 5},
                    },
                },
                "message": "s",
            }
        ],
        "help": [],
        "notes": [],
    }
    assert to_json(Diagnostic("E0001", "wrong", kind=Kind.WARNING))["range"] is None
