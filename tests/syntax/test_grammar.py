"""The grammar is found, free of conflicts, and its tables can be kept between processes."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import lark
import pytest

from ntkc.syntax.grammar import grammar_text

_PARSE = """
import sys
from pathlib import Path
from ntkc.syntax import grammar
from ntkc.syntax.parser import parse_text
grammar.keep_tables_in(Path(sys.argv[1]))
assert len(parse_text("let x = 1").statements) == 1
"""


def _parse_in_a_process(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", _PARSE, str(folder)], check=True, timeout=60)


def test_tables_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    _parse_in_a_process(folder)
    (tables,) = folder.iterdir()
    written = tables.stat().st_mtime_ns
    _parse_in_a_process(folder)
    assert tables.stat().st_mtime_ns == written


def test_damaged_tables_are_made_again(tmp_path: Path) -> None:
    _parse_in_a_process(tmp_path)
    (tables,) = tmp_path.iterdir()
    half = tables.read_bytes()[:10_000]
    tables.write_bytes(half)
    _parse_in_a_process(tmp_path)
    assert len(tables.read_bytes()) > 2 * len(half)


def test_nowhere_to_keep_tables(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("", encoding="utf-8")
    _parse_in_a_process(occupied)


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    """Lark resolves a conflict by itself, and says so only in its log."""
    with caplog.at_level(logging.DEBUG, logger=lark.logger.name):
        lark.Lark(grammar_text(), parser="lalr", lexer="basic", debug=True)
    assert "onflict" not in caplog.text


def test_the_tree_does_not_need_lark() -> None:
    code = "import sys, ntkc.syntax.ast; sys.exit('lark' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
