"""Whatever the text is, the front end gives a file or diagnostics, and nothing else happens."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ntkc.diagnostics import Diagnostics, Source
from ntkc.diagnostics.render import render, to_json
from ntkc.syntax.formatter import format_file
from ntkc.syntax.parser import parse
from ntkc.syntax.words import KEYWORDS, SIGNS
from tests.syntax.programs import HANDMADE

_PIECES = [*KEYWORDS, *SIGNS.values(), "\n", "\n", " ", "x", "relu", "3", "2.5", "3x3", "# c\n"]
_PIECES += ['"a.ntk"', '"', "'", "//", "/*", "|>", "=>", ":", "é", "\t", "\r\n", "\x00", "\ufeff"]
_words = st.lists(st.sampled_from(_PIECES), max_size=60)


def check(text: str) -> None:
    diagnostics = Diagnostics()
    source = Source("fuzz.ntk", text)
    file = parse(source, diagnostics)
    found = list(diagnostics)
    assert (file is None) == bool(found)
    for diagnostic in found:
        assert render(diagnostic).isprintable() or "\n" in render(diagnostic)
        assert to_json(diagnostic)["code"] == diagnostic.code
        if diagnostic.primary is not None:
            span = diagnostic.primary.span
            assert 0 <= span.start <= span.end <= len(text)
    if file is not None:
        formatted = format_file(file)
        again = parse(Source("fuzz.ntk", formatted), diagnostics)
        assert again is not None
        assert again == file
        assert format_file(again) == formatted
        assert len(again.comments) == len(file.comments)


@given(st.text(max_size=200))
@example("\ud800")
@example("let x = 1\u2028let y = 2")
@settings(max_examples=300, deadline=None)
def test_any_text(text: str) -> None:
    check(text)


@given(_words, st.sampled_from(["", " "]))
@settings(max_examples=500, deadline=None)
def test_any_words(words: list[str], between: str) -> None:
    check(between.join(words))


@given(st.sampled_from(sorted(HANDMADE)), st.data())
@settings(max_examples=500, deadline=None)
def test_programs_with_mutations(name: str, data: st.DataObject) -> None:
    text = HANDMADE[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.sampled_from([0, 0, 1, 1, 2, 10]))
        piece = data.draw(st.sampled_from(["", *_PIECES]))
        text = text[:start] + piece + text[start + length :]
    check(text)
