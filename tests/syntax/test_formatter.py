"""The laws of the formatter, on random programs and on written ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from ntkc.syntax import ast
from ntkc.syntax.formatter import WIDTH, format_file
from ntkc.syntax.parser import parse_text
from tests.syntax.programs import HANDMADE, REFERENCE, WIDE_RESNET
from tests.syntax.strategies import files


def check_laws(text: str) -> str:
    """Format a text, hold it to the laws, and return what came out."""
    program = parse_text(text)
    formatted = format_file(program)
    again = parse_text(formatted)
    assert again == program
    assert format_file(again) == formatted
    assert _comments(again) == _comments(program)
    return formatted


def _comments(file: ast.File) -> list[str]:
    return sorted(comment.text for comment in file.comments)


@given(files)
@settings(max_examples=300, deadline=None)
def test_laws_hold_for_random_trees(file: ast.File) -> None:
    formatted = format_file(file)
    parsed = parse_text(formatted)
    assert parsed == file
    assert format_file(parsed) == formatted


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
def test_laws_hold_for_reference_programs(path: Path) -> None:
    check_laws(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", HANDMADE)
def test_layout(name: str, snapshot: SnapshotAssertion) -> None:
    formatted = check_laws(HANDMADE[name])
    assert formatted == snapshot


def test_lines_stay_within_the_width() -> None:
    for text in (WIDE_RESNET, HANDMADE["long_lines"]):
        assert max(len(line) for line in check_laws(text).splitlines()) <= WIDTH


def test_formatted_text_is_left_alone() -> None:
    text = "param w = 1.5\n\nnetwork n {\n    input vector[3]\n    dense(w_std = w) -> relu\n}\n"
    assert check_laws(text) == text


def test_empty_file() -> None:
    assert check_laws("") == ""
    assert check_laws("\n\n") == ""
    assert check_laws("# only a comment") == "# only a comment\n"


@pytest.mark.parametrize(
    "text",
    [
        "def f =\n    a * # one\n    # two\n    3 -> b",
        "def f = a * 3 -> (b # one\n    # two\n    )",
        "def f = a * (# one\n3 # two\n) -> b",
        "def f = {\n# one\n} -> { # two\n} -> f(\n# three\n) -> [ # four\n] -> b",
    ],
)
def test_comments_at_the_ends_of_chains_and_in_empty_brackets(text: str) -> None:
    check_laws(text)


_PLACES = [index for index, char in enumerate(WIDE_RESNET) if char in " \n({[,"]


@given(st.lists(st.tuples(st.sampled_from(_PLACES), st.booleans()), max_size=8, unique=True))
@settings(max_examples=300, deadline=None)
def test_comments_survive_anywhere(places: list[tuple[int, bool]]) -> None:
    """A comment can stand wherever a line can end; no layout loses it."""
    text = WIDE_RESNET
    for number, (place, own_line) in enumerate(sorted(places, reverse=True)):
        lead = "\n" if own_line else " "
        commented = f"{text[: place + 1]}{lead}# <{number}>\n{text[place + 1 :]}"
        try:
            parse_text(commented)
        except ValueError:  # the line ended where the statement was complete
            continue
        text = commented
    check_laws(text)
