"""Hostile text gets an error of its own code, without deep recursion or long waits."""

from __future__ import annotations

import pytest

from ntkc.diagnostics import Diagnostics, Source
from ntkc.diagnostics.render import render
from ntkc.syntax.formatter import format_file
from ntkc.syntax.limits import (
    MAX_FILE_BYTES,
    MAX_INTEGER_DIGITS,
    MAX_NAME_LENGTH,
    MAX_NESTING,
    MAX_NUMBER_LENGTH,
    MAX_REPORTS,
    MAX_TOKENS,
)
from ntkc.syntax.parser import parse, parse_text

_MANY = 12_000


def codes(text: str) -> set[str]:
    diagnostics = Diagnostics()
    assert parse(Source("t", text), diagnostics) is None
    for found in diagnostics:
        assert len(render(found)) < 4000
    return {found.code for found in diagnostics}


@pytest.mark.parametrize(
    "text",
    [
        "(" * _MANY + "1" + ")" * _MANY,
        "[" * _MANY + "1" + "]" * _MANY,
        "{" * _MANY + "a" + "}" * _MANY,
        "f(" * _MANY + "1" + ")" * _MANY,
        "f(a = " * 8000 + "1" + ")" * 8000,
        "-" * _MANY + "1",
        "2^" * _MANY + "1",
        "2^-" * _MANY + "1",
        "1 + " * _MANY + "1",
        "a * " * _MANY + "1",
        "1 - (" * 8000 + "1" + ")" * 8000,
        "if a then b else " * 8000 + "c",
        "if " * 8000 + "a" + " then b else c" * 6000,
        "if a then " * _MANY + "b",
        "{ a -> " * 8000 + "b" + "}" * 8000,
        "{ let x = " * 8000 + "b" + "}" * 8000,
        "(" * _MANY,
        "f({[" * _MANY,
    ],
    ids=lambda text: text[:12],
)
def test_nesting(text: str) -> None:
    assert codes(f"let x = {text}") == {"E0202"}


def test_nesting_up_to_the_bound_is_fine() -> None:
    depth = MAX_NESTING - 1
    texts = [
        "(" * depth + "1" + ")" * depth,
        "{" * depth + "a" + "}" * depth,
        "f(a = " * depth + "1" + ")" * depth,
        "1 + " * depth + "1",
        "2^" * depth + "1",
        "-" * depth + "1",
        "if a then b else " * depth + "c",
        "if " * depth + "a" + " then b else c" * depth,
        "{ let x = " * depth + "b" + "}" * depth,
    ]
    for text in texts:
        file = parse_text(f"let x = {text}")
        assert parse_text(format_file(file)) == file
        assert hash(file) == hash(parse_text(f"let x = {text}"))
        assert repr(file)


def test_wide_is_not_deep() -> None:
    parse_text("def f = " + " -> ".join(["relu"] * 5000))
    parse_text("let x = f(" + "1, " * 5000 + ")")
    parse_text("def f = {" + "relu\n" * 5000 + "}")
    parse_text("let x = 1\n" * 5000)


def test_file_size() -> None:
    assert codes("#" * (MAX_FILE_BYTES + 1)) == {"E0201"}
    assert codes("#" + "é" * (MAX_FILE_BYTES // 2)) == {"E0201"}
    assert parse_text("#" * MAX_FILE_BYTES).comments


def test_tokens() -> None:
    assert codes(";" * (MAX_TOKENS + 1)) == {"E0203"}
    assert codes("# c\n" * MAX_TOKENS) == {"E0203"}
    assert parse_text(";" * MAX_TOKENS).statements == ()


def test_names() -> None:
    parse_text(f"let {'x' * MAX_NAME_LENGTH} = 1")
    assert codes(f"let {'x' * (MAX_NAME_LENGTH + 1)} = 1") == {"E0204"}
    assert codes(f"let {'x' * 1_000_000} = 1") == {"E0204"}


def test_numbers() -> None:
    parse_text(f"let x = {'9' * MAX_INTEGER_DIGITS}")
    assert codes(f"let x = {'9' * (MAX_INTEGER_DIGITS + 1)}") == {"E0205"}
    assert codes(f"let x = {'9' * 1_000_000}") == {"E0205"}
    parse_text(f"let x = 0.{'9' * (MAX_NUMBER_LENGTH - 2)}")
    assert codes(f"let x = 0.{'9' * (MAX_NUMBER_LENGTH - 1)}") == {"E0205"}
    assert codes(f"let x = 1e{'9' * 1_000_000}") == {"E0205"}
    assert codes(f"let x = 3x{'9' * (MAX_INTEGER_DIGITS + 1)}") == {"E0205"}
    assert codes("let x = 3" + "x3" * 500_000) == {"E0205"}
    assert codes("let x = 1e309") == {"E0115"}
    assert codes("let x = 1e-324") == {"E0115"}
    parse_text("let x = 0e-400 + 0.000 + 5e-324 + 1.7e308")


@pytest.mark.parametrize(
    "text",
    [
        "é " * 20_000,
        "@\n" * 20_000,
        "// a\n" * 20_000,
        "/* a */ " * 10_000,
        '"a" ' * 20_000,
        "=> " * 20_000,
        "import 'a b c\n" * 8_000,
        "let\n" * 20_000,
        "}\n" * 20_000,
        ")" * 40_000,
        "network n {\n" * 10_000,
        "a b\n" * 10_000,
        "relu relu;" * 10_000,
        "\x00" * 1_000_000,
        '"' * 40_000,
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_many_mistakes_are_told_up_to_a_bound(text: str) -> None:
    diagnostics = Diagnostics(limit=1000)
    assert parse(Source("t", text), diagnostics) is None
    assert 1 <= len(list(diagnostics)) <= MAX_REPORTS + 1
