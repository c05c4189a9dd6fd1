"""The table of typical mistakes says what the compiler says.

After a change of messages, `python -m tests.syntax.test_mistakes` writes the table anew; read
the difference before committing it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ntkc.diagnostics import Source
from ntkc.diagnostics.pages import codes
from ntkc.diagnostics.render import render
from ntkc.driver import check

_TABLE = Path(__file__).parents[2] / "docs" / "mistakes.md"
_ENTRY = re.compile(r"^```ntk\n(.*?)^```\n\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def messages(text: str) -> str:
    """Everything the front end says to a program."""
    found = check(Source("net.ntk", text))
    assert found
    return "\n\n".join(render(diagnostic) for diagnostic in found) + "\n"


def updated(table: str) -> str:
    """The table with every message as it is today."""
    return _ENTRY.sub(lambda m: f"```ntk\n{m[1]}```\n\n```text\n{messages(m[1])}```", table)


def _entries() -> list[tuple[str, str]]:
    return _ENTRY.findall(_TABLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("program", "told"), _entries())
def test_mistake_is_told(program: str, told: str) -> None:
    assert messages(program) == told


def test_every_syntax_code_is_in_the_table() -> None:
    told = "".join(told for _, told in _entries())
    assert set(re.findall(r"E01\d\d", told)) == {code for code in codes() if code < "E02"}


if __name__ == "__main__":
    _TABLE.write_text(updated(_TABLE.read_text(encoding="utf-8")), encoding="utf-8")
