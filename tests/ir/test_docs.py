"""docs/ir.md says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from ntkc.cli.opt import forms_of, passes
from ntkc.ir.ops import OPERATIONS
from ntkc.ir.text import format_module, parse_module
from ntkc.ir.verify import verify

PAGE = (Path(__file__).parents[2] / "docs" / "ir.md").read_text(encoding="utf-8")


def _rows(heading: str) -> list[list[str]]:
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    split = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[2:]]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in split]


def test_every_operation_is_listed() -> None:
    expected = [
        [
            f"`{op.name}`",
            "any" if op.arity is None else str(op.arity),
            ", ".join(op.attributes),
            op.meaning,
        ]
        for op in OPERATIONS.values()
    ]
    assert _rows("Operations") == expected


def test_every_pass_is_listed() -> None:
    assert [row[0] for row in _rows("Passes")] == list(passes("float64"))


def test_every_code_is_listed() -> None:
    reader = Path(__file__).parents[2] / "ntkc" / "ir" / "read.py"
    codes = set(re.findall(r"\"(IR\d\d)\"", reader.read_text(encoding="utf-8")))
    assert {row[0] for row in _rows("Text")} == codes


def test_the_example_is_canonical() -> None:
    (example,) = re.findall(r"```ir\n(.*?)```", PAGE, re.DOTALL)
    module = parse_module(example, forms_of)
    verify(module)
    assert format_module(module) == example
