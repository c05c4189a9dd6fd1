"""The Lark parser for `grammar/ntk.lark`: found, built once, and shared.

Nothing else in ntkc imports Lark at the top of a module that others need to be light:
`ntkc.syntax.ast` stays free of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Lark, Token

_lock = Lock()


class _Everything:
    """Keeps the terminals that no rule mentions; the parser takes care of them itself."""

    always_accept = ("NEWLINE", "COMMENT", "UNTERMINATED", "STRAY")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def grammar_text(name: str = "ntk.lark") -> str:
    """A grammar's text: from the wheel, or from the checkout that an editable install runs in."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_grammar" / name
    path = installed if installed.is_file() else package.parent / "grammar" / name
    return path.read_text(encoding="utf-8")


@cache
def _build() -> Lark:
    from lark import Lark

    return Lark(
        grammar_text(),
        parser="lalr",
        lexer="basic",
        postlex=_Everything(),
        propagate_positions=True,
        maybe_placeholders=False,
    )


def lark_parser() -> Lark:
    """The one Lark instance of this process."""
    with _lock:
        return _build()
