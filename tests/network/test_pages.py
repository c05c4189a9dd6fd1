"""Each of this stage's codes has a page, whose program fails with it and whose mend passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.network.programs import check

from ntkc.diagnostics import Kind
from ntkc.diagnostics.pages import codes, page

_PROGRAM = re.compile(r"^```ntk( fails)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CODES = [code for code in codes() if code[:3] in ("E03", "E04", "E05")]


@pytest.mark.parametrize("code", _CODES)
def test_page(code: str) -> None:
    (fails, broken), (passes, mended) = _PROGRAM.findall(page(code))
    assert fails
    assert not passes
    _, found = check(broken)
    assert {diagnostic.code for diagnostic in found} == {code}
    network, found = check(mended)
    assert network is not None
    assert found == []


def test_every_code_has_a_page() -> None:
    package = Path(__file__).parents[2] / "ntkc"
    used = set()
    for folder in ("network", "layers"):
        for path in (package / folder).rglob("*.py"):
            used |= set(re.findall(r'"(E\d{4})"', path.read_text(encoding="utf-8")))
    assert used == set(_CODES)


def test_limitations_say_so() -> None:
    for code in _CODES:
        (_, broken), _ = _PROGRAM.findall(page(code))
        _, (first, *_) = check(broken)
        assert (first.kind is Kind.LIMITATION) == code.startswith("E05")
