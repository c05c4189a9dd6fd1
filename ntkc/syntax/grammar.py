"""The Lark parser for `grammar/ntk.lark`: found, built once, and shared.

Nothing else in ntkc imports Lark at the top of a module that others need to be light:
`ntkc.syntax.ast` stays free of it.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Lark, Token

_lock = Lock()
_folder: Path | None = None


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


def keep_tables_in(folder: Path) -> None:
    """Keep the parser's tables in a folder of the user's from now on.

    Building them takes a tenth of a second in every process, loading them a hundredth. They are
    pickled, so the folder must be one where nobody else writes.
    """
    global _folder
    _folder = folder


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


def _load_or_build(folder: Path) -> Lark:
    import lark

    made_of = f"{grammar_text()} {lark.__version__} {sys.implementation.cache_tag}"
    digest = hashlib.sha256(made_of.encode()).hexdigest()
    tables = folder / f"grammar-{digest[:32]}.tables"
    try:
        with tables.open("rb") as stream:
            return lark.Lark.load(stream)
    except Exception:
        # Not there yet, or damaged, in whatever way: unpickling may raise anything.
        parser = _build()
    # Written under another name and renamed: another process never sees a half of them.
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as temporary:
        written = Path(temporary) / "tables"
        with written.open("wb") as stream:
            parser.save(stream)
        written.replace(tables)
    return parser


@cache
def _shared() -> Lark:
    if _folder is None:
        return _build()
    try:
        return _load_or_build(_folder)
    except OSError:  # nowhere to write: no reason not to parse
        return _build()


def lark_parser() -> Lark:
    """The one Lark instance of this process."""
    with _lock:
        return _shared()
