"""What the syntax means: precedence, line ends, spans, several errors in one run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ntkc.diagnostics import Diagnostics, ProgramError, Source
from ntkc.syntax import ast
from ntkc.syntax.parser import parse, parse_text
from tests.syntax.programs import REFERENCE, WIDE_RESNET


def value(text: str) -> ast.Expr:
    """The value that a text stands for."""
    statement = parse_text(f"let x = {text}").statements[0]
    assert isinstance(statement, ast.Let)
    return statement.value


def network(text: str) -> ast.NetworkDef:
    """The network whose layers a text holds."""
    statement = parse_text(f"network n {{\ninput vector[3]\n{text}\n}}").statements[0]
    assert isinstance(statement, ast.NetworkDef)
    return statement


def reported(text: str) -> list[str]:
    """The code and line of everything that is reported."""
    diagnostics = Diagnostics()
    assert parse(Source("t", text), diagnostics) is None
    found = []
    for diagnostic in diagnostics:
        assert diagnostic.primary is not None
        found.append(f"{diagnostic.code}:{diagnostic.primary.span.line}")
    return found


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
def test_reference_programs_parse(path: Path) -> None:
    file = parse_text(path.read_text(encoding="utf-8"), path.name)
    assert any(isinstance(statement, ast.NetworkDef) for statement in file.statements)


def test_wide_resnet() -> None:
    file = parse_text(WIDE_RESNET)
    kinds = [type(statement).__name__ for statement in file.statements]
    assert kinds == ["Param", "Let", "ActivationDef", "Def", "Def", "NetworkDef"]
    net = file.statements[-1]
    assert isinstance(net, ast.NetworkDef)
    assert len(net.body.statements) == 6
    assert [comment.own_line for comment in file.comments] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-x^2", "-(x^2)"),
        ("2^3^4", "2^(3^4)"),
        ("2^-x^2", "2^(-(x^2))"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c", "(a / b) * c"),
        ("-a * b", "(-a) * b"),
        ("a + b * c", "a + (b * c)"),
        ("a + 1 < b * 2", "(a + 1) < (b * 2)"),
        ("a -> b * 3 -> c", "a -> (b * 3) -> c"),
        ("if a < 1 then b else c -> d", "(if (a < 1) then b else c) -> d"),
        ("if a then b -> c else d", "if a then (b -> c) else d"),
        ("if a then b else if c then d else e", "if a then b else (if c then d else e)"),
        ("f(a -> b, c = d -> e,)", "f((a -> b), c = (d -> e))"),
        ("[1, -2,]", "[(1), (-2)]"),
    ],
)
def test_precedence(text: str, same: str) -> None:
    assert value(text) == value(same)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("(a -> b) -> c", "a -> b -> c"),
        ("(2^3)^4", "2^3^4"),
        ("f", "f()"),
        ("3", "3.0"),
        ("3x3", "3"),
        ("{ a -> b }", "{ a; b }"),
    ],
)
def test_differences(text: str, other: str) -> None:
    assert value(text) != value(other)


@pytest.mark.parametrize(
    "text",
    [
        "a -> b -> c",
        "a\n-> b\n-> c",
        "a ->\nb ->\n\n# comment\nc",
        "a  # comment\n\n  # another\n  -> b\n  -> c",
    ],
)
def test_a_chain_over_lines(text: str) -> None:
    assert network(text) == network("a -> b -> c")


@pytest.mark.parametrize(
    "text",
    [
        "a\nb(1, 2)\nc",
        "a; b(1, 2); c",
        "\n\na;;\n;b(1,\n2\n)\n\nc;\n",
        "a;b(\n# comment\n1,2,\n);c # comment",
        "a\r\nb(1,\r\n2)\r\nc",
        "\ta\n\tb(1,\t2)\n\tc",
    ],
)
def test_statements_over_lines(text: str) -> None:
    assert network(text) == network("a\nb(1, 2)\nc")


def test_a_line_ends_only_a_complete_statement() -> None:
    spread = (
        "let\nx\n=\n1 +\n2 *\n-\n3\n"
        "def f\n(\na\n=\n1\n)\n=\n{\na\n}\n"
        "def g = if a\nthen b\nelse c\n"
        "network n\n{\ninput\nvector\n[\n3\n,\n?\n]\nf(\na\n=\n1\n)\n}"
    )
    flat = (
        "let x = 1 + 2 * -3\ndef f(a = 1) = { a }\ndef g = if a then b else c\n"
        "network n { input vector[3, ?]; f(a = 1) }"
    )
    assert parse_text(spread) == parse_text(flat)


def test_line_ends_count_again_in_braces_within_parentheses() -> None:
    assert value("f({\na\nb\n}, c)") == value("f({ a; b }, c)")


def test_a_keyword_can_name_an_argument() -> None:
    call = value("rnn(activation = tanh, input = 1, let = 2)")
    assert isinstance(call, ast.Call)
    assert [argument.name for argument in call.arguments] == ["activation", "input", "let"]


def test_input() -> None:
    file = parse_text("network n { input image[2 * size, ?, 3,] normalized }")
    net = file.statements[0]
    assert isinstance(net, ast.NetworkDef)
    assert net.input.normalized
    assert net.input.sizes[1] is None
    assert isinstance(net.input.sizes[0], ast.Binary)
    assert net.body.statements == ()


def test_byte_order_mark_is_skipped() -> None:
    assert parse_text("\ufefflet x = 1") == parse_text("let x = 1")
    assert reported("let x\ufeff = 1") == ["E0112:1"]


def test_numbers() -> None:
    for text, number in [("3", 3.0), ("0.5", 0.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1e3)]:
        node = value(text)
        assert isinstance(node, ast.Number)
        assert (node.value, node.integer) == (number, text == "3")
    assert isinstance(value("999999999999999"), ast.Number)
    assert value("2x3x4") == ast.Size((2, 3, 4), value("1").span)


def test_spans() -> None:
    text = "let x = (1 + 2) * f(a = 3)"
    statement = parse_text(text).statements[0]
    assert isinstance(statement, ast.Let)
    product = statement.value
    assert isinstance(product, ast.Binary)
    assert statement.span.text == text
    assert product.span.text == "(1 + 2) * f(a = 3)"
    assert product.left.span.text == "1 + 2"
    assert isinstance(product.right, ast.Call)
    assert product.right.arguments[0].span.text == "a = 3"


def test_several_mistakes_in_one_run() -> None:
    text = (
        "let a = = 1\n"
        "def f { relu }\n"
        "network n {\n    input vector 3\n    dense(1 2)\n    relu relu\n    dense(\n    relu\n}\n"
        "network m {\n    dense dense\n}\n"
        "let if = 3\n"
    )
    expected = ["E0101:1", "E0106:2", "E0101:4", "E0105:5", "E0104:6", "E0102:8"]
    assert reported(text) == [*expected, "E0109:11", "E0104:11", "E0107:13"]


def test_one_mistake_gives_one_message() -> None:
    for text in ("network a {\n input v[1]\n {\n b\n}\nlet x = 3\ndef f = g", "model n {\n a\n}"):
        assert len(reported(text)) == 1


def test_parse_text_raises_with_everything() -> None:
    with pytest.raises(ProgramError) as raised:
        parse_text("let = 1\nlet x 2", "net.ntk")
    assert [found.code for found in raised.value.diagnostics] == ["E0101", "E0106"]
    assert "net.ntk:2:7" in str(raised.value)


def test_threads_share_the_parser() -> None:
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(parse_text, [WIDE_RESNET] * 16))
    assert all(file == files[0] for file in files)
