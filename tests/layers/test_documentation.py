"""The programs in docs/layers.md are valid, and its limits those of the compiler."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ntkc.layers.base.known import MAX_POSITIONS
from ntkc.network import limits
from tests.network.programs import check

TEXT = (Path(__file__).parents[2] / "docs" / "layers.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```ntk\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str) -> None:
    network, found = check(program)
    assert network is not None
    assert found == []


def test_limits() -> None:
    table = TEXT.split("| what | at most |", 1)[1].split("\n\n", 1)[0]
    shown = [f"{limits.MAX_LAYERS:,}", f"{limits.MAX_REPEAT:,}", f"{limits.MAX_STEPS:,}"]
    shown += [str(limits.MAX_DEFINITION_DEPTH), str(limits.MAX_LIST), str(limits.MAX_EXPONENT)]
    assert all(number in table for number in shown)
    assert limits.MAX_LIST == limits.MAX_BRANCHES
    assert limits.MAX_WHOLE == 2**31 - 1
    assert MAX_POSITIONS == 2**24
