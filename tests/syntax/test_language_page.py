"""The language reference: its programs parse, and its numbers are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ntkc.layers.base.known import MAX_POSITIONS, PLANNED, WITHOUT_LIMIT
from ntkc.network import limits as network_limits
from ntkc.schedule.slices.demand import MAX_DISPLACEMENTS
from ntkc.syntax import limits
from ntkc.syntax.formatter import WIDTH, format_file
from ntkc.syntax.parser import parse_text
from ntkc.syntax.words import KEYWORDS

_PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
_PROGRAMS = re.findall(r"^```ntk\n(.*?)^```$", _PAGE, re.DOTALL | re.MULTILINE)
_BOUNDS = {
    "bytes of a file": limits.MAX_FILE_BYTES,
    "words, signs, comments and line ends of a file": limits.MAX_TOKENS,
    "brackets, operators and choices inside of one another": limits.MAX_NESTING,
    "characters of a name": limits.MAX_NAME_LENGTH,
    "digits of a whole number": limits.MAX_INTEGER_DIGITS,
    "characters of any other number or size": limits.MAX_NUMBER_LENGTH,
    "files of a program": limits.MAX_FILES,
    "bytes of all files of a program": limits.MAX_PROGRAM_BYTES,
    "repetitions in one `layer * n`": network_limits.MAX_REPEAT,
    "layers of a network, repetitions counted": network_limits.MAX_LAYERS,
    "calls of definitions inside of one another": network_limits.MAX_DEFINITION_DEPTH,
    "expressions evaluated for one network": network_limits.MAX_STEPS,
    "items of a list": network_limits.MAX_LIST,
    "branches of one `add`, `concat` or `multiply`": network_limits.MAX_BRANCHES,
    "positions of an input, or of a layer's output": MAX_POSITIONS,
    "displacements of an axis at which positions are compared": MAX_DISPLACEMENTS,
}


@pytest.mark.parametrize("text", _PROGRAMS, ids=lambda text: text.splitlines()[0])
def test_programs_parse(text: str) -> None:
    file = parse_text(text)
    assert parse_text(format_file(file)) == file


def test_the_first_program_stands_in_its_own_layout() -> None:
    assert format_file(parse_text(_PROGRAMS[0])) == _PROGRAMS[0]


def test_bounds() -> None:
    rows = re.findall(r"^\| (.*) \| (\d+) \|$", _PAGE, re.MULTILINE)
    assert {name: int(number) for name, number in rows} == _BOUNDS


def test_what_cannot_be_compiled_is_said() -> None:
    paragraph = next(p for p in _PAGE.split("\n\n") if "cannot be compiled yet" in p)
    for name in (*PLANNED, *WITHOUT_LIMIT):
        assert f"`{name}`" in paragraph


def test_keywords() -> None:
    line = next(line for line in _PAGE.splitlines() if line.startswith("`param` `let`"))
    assert re.findall(r"`(\w+)`", line) == list(KEYWORDS)


def test_width() -> None:
    assert f"at most {WIDTH} columns" in " ".join(_PAGE.split())
