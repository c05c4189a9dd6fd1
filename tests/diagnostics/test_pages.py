"""Every page's failing program gives exactly the page's code, and its mend nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ntkc.diagnostics import Kind
from ntkc.diagnostics.pages import codes, page, title
from tests.diagnostics.page_examples import Example, diagnose, examples

_SOURCES = Path(__file__).parents[2] / "ntkc"


@pytest.mark.parametrize("code", codes())
def test_page(code: str, tmp_path: Path) -> None:
    assert page(code).startswith(f"# {code}: ")
    failing, mend = _failing_and_mend(code)
    assert {found.code for found in diagnose(code, failing, tmp_path)} == {code}
    after = diagnose(code, mend, tmp_path)
    assert [found for found in after if found.kind is not Kind.WARNING] == []


def _failing_and_mend(code: str) -> tuple[Example, Example]:
    programs = [example for example in examples(code) if example.file in (None, "main.ntk")]
    failing, mend = programs
    assert failing.fails
    assert not mend.fails
    return failing, mend


def test_titles_are_sentences_of_their_own() -> None:
    titles = [title(code) for code in codes()]
    assert all(titles)
    assert len(set(titles)) == len(titles)


def test_unknown_page() -> None:
    with pytest.raises(KeyError):
        page("E9999")
    with pytest.raises(KeyError):
        page("../core")


def test_every_code_of_the_front_end_has_a_page() -> None:
    used = set()
    for path in (_SOURCES / "syntax").glob("*.py"):
        used |= set(re.findall(r'"(E\d{4})"', path.read_text(encoding="utf-8")))
    assert used == {code for code in codes() if code < "E03"}
