"""One word list: the grammar, the editors' grammar and the highlighter agree with it."""

from __future__ import annotations

import re

import pytest
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String

from ntkc.syntax.grammar import grammar_text, lark_parser
from ntkc.syntax.pygments_lexer import NtkLexer
from ntkc.syntax.textmate import textmate_grammar, textmate_text
from ntkc.syntax.words import CONSTANTS, KEYWORDS, NAME_PATTERN, NUMBER_PATTERN, SIGNS
from tests.syntax.programs import REFERENCE, WIDE_RESNET


def _terminals() -> dict[str, str]:
    return {term.name: term.pattern.value for term in lark_parser().terminals}


def test_keywords_and_signs_are_those_of_the_grammar() -> None:
    literal = dict(re.findall(r'^([A-Z_]+): "(.*)"$', grammar_text(), re.MULTILINE))
    words = {text for text in literal.values() if text.isalpha()}
    assert words == set(KEYWORDS)
    assert {name: text for name, text in literal.items() if not text.isalpha()} == SIGNS


def test_patterns_are_those_of_the_grammar() -> None:
    terminals = _terminals()
    assert terminals["NAME"] == NAME_PATTERN
    assert terminals["NUMBER"].replace("(?:", "(") == NUMBER_PATTERN.replace("(?:", "(")


def test_no_layer_is_in_the_grammar() -> None:
    assert not re.search(r'"(dense|conv|relu|identity|image|vector)"', grammar_text())


def test_committed_textmate_grammar_is_up_to_date() -> None:
    assert grammar_text("ntk.tmLanguage.json") == textmate_text()


def test_textmate_patterns_are_regular_expressions() -> None:
    for rule in textmate_grammar(["dense"], ["relu"])["patterns"]:
        re.compile(rule["match"])


def test_textmate_marks_known_layers() -> None:
    rules = textmate_grammar(["dense", "conv"], ["relu"])["patterns"]
    by_name = {rule.get("name"): rule["match"] for rule in rules}
    assert re.fullmatch(by_name["support.class.ntk"], "dense")
    assert re.fullmatch(by_name["support.function.ntk"], "relu")


def test_pygments_finds_the_lexer() -> None:
    assert isinstance(get_lexer_for_filename("model.ntk"), NtkLexer)


@pytest.mark.parametrize(
    "text", [WIDE_RESNET, *(path.read_text(encoding="utf-8") for path in REFERENCE)]
)
def test_highlighting_loses_nothing(text: str) -> None:
    tokens = list(NtkLexer(stripnl=False, ensurenl=False).get_tokens(text))
    assert "".join(value for _, value in tokens) == text
    assert not [value for kind, value in tokens if kind is Error]


def test_highlighting_knows_words_by_their_place() -> None:
    text = 'import "a.ntk"\nlet n = 3 # c\n'
    text += "network net { input image[8] normalized; a -> b -> c(x = 2x2) }"
    found = {value: kind for kind, value in NtkLexer().get_tokens(text)}
    assert found['"a.ntk"'] is String.Double
    assert found["# c"] is Comment.Single
    assert found["n"] is Name.Constant
    assert found["network"] is Keyword.Declaration
    assert found["net"] is Name.Function
    assert found["image"] is Keyword.Type
    assert found["normalized"] is Keyword
    assert found["a"] is found["b"] is found["c"] is Name.Class
    assert found["x"] is Name.Attribute
    assert found["2x2"] is Number.Integer
    assert found["->"] is Operator


def test_constants_are_keywords() -> None:
    assert set(CONSTANTS) < set(KEYWORDS)
