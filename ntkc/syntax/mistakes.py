"""A mistake: a token where the grammar has no use for it, and what is known about the place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ntkc.diagnostics import Source, Span
from ntkc.diagnostics.suggest import closest
from ntkc.syntax.report import span_of
from ntkc.syntax.words import KEYWORDS, spelling

if TYPE_CHECKING:
    from lark import Token

CLOSING: Final = {"RPAR": ")", "RSQB": "]", "RBRACE": "}"}

_FAR: Final = 200  # characters around a mistake that are looked at

IMPORTS: Final = ("from", "include", "require", "use", "using")  # elsewhere

# Words of other languages, and what to write here.
FOREIGN_WORDS: Final = {
    "lambda": "name a layer with `def`, a nonlinearity with `activation`",
    "and": "use one `if .. then .. else ..` inside another",
    "or": "use one `if .. then .. else ..` inside another",
    "not": "swap what follows `then` and `else`",
    "elif": "write `else if`",
    "for": "repeat a layer with `*`, as in `relu * 3`",
    "while": "repeat a layer with `*`, as in `relu * 3`",
    "return": "a `def` is an expression: write it after the `=`",
    "class": "name a layer with `def name(..) = ..`",
    "function": "name a layer with `def name(..) = ..`",
    "fn": "name a layer with `def name(..) = ..`",
    "func": "name a layer with `def name(..) = ..`",
    "const": "name a constant with `let`",
    "var": "name a constant with `let`",
    "model": "write `network`",
    **dict.fromkeys(IMPORTS, 'write `import "file.ntk"`; all its definitions become visible'),
    "repeat": "repeat a layer with `*`, as in `{ dense -> relu } * 3`",
    "output": "leave the word out: the last layer is the network's output",
    "begin": "blocks stand between `{` and `}`",
    "end": "blocks stand between `{` and `}`",
}


@dataclass(frozen=True)
class Mistake:
    """A token that cannot stand where it does, and what was known there."""

    source: Source
    token: Token
    previous: Token | None  # the last one before it that is no line end
    line_start: bool
    expected: set[str]
    open: tuple[Token, ...]  # the brackets that are still open

    @property
    def found(self) -> str:
        """How a message names the token."""
        if self.token.type == "$END":
            return "the end of the file"
        text = str(self.token)
        if text in KEYWORDS:
            return f"the keyword `{text}`"
        return f"`{text}`" if len(text) <= 24 else f"`{text[:20]}...`"

    def misspelt(self, keyword: str) -> bool:
        """Whether the token is a name that is probably meant for a keyword."""
        return self.token.type == "NAME" and closest(str(self.token), [keyword]) is not None

    @property
    def behind(self) -> str:
        """The text behind the token, to the end of its line."""
        start = self.token.end_pos or 0
        end = self.source.text.find("\n", start)
        return self.source.text[start : min(start + _FAR, end if end >= 0 else start + _FAR)]

    @property
    def in_front(self) -> str:
        """The text in front of the token, from the beginning of its line."""
        end = self.token.start_pos or 0
        return self.source.text[max(self.source.text.rfind("\n", 0, end) + 1, end - _FAR) : end]

    @property
    def complete(self) -> bool:
        """Whether a statement could have ended before the token."""
        return "NEWLINE" in self.expected

    @property
    def nested(self) -> bool:
        """Whether the token is indented deeper than the line of the outermost open bracket."""
        if not self.open:
            return False
        line = self.source.line(span_of(self.source, self.open[0]).line)
        indent = len(line) - len(line.lstrip())
        return (self.token.column or 1) - 1 > indent

    @property
    def where(self) -> Span:
        """The token; at the end of the file, the place behind the last one."""
        if self.token.type == "$END":
            return self.place_before
        return span_of(self.source, self.token)

    @property
    def place_before(self) -> Span:
        """The place right behind the token before, where something may be missing."""
        before = self.token.start_pos if self.previous is None else self.previous.end_pos
        assert before is not None
        return Span(self.source, before, before)


def wanted(expected: set[str]) -> str:
    """What could stand in the place of a mistake, in words."""
    if "NUMBER" in expected:
        return "a value or a layer"
    if "NEWLINE" in expected and "PLUS" not in expected:
        return "the end of the line"
    # After a complete expression a long list would only say what an expression is.
    telling = [name for name in sorted(expected) if name not in ("NEWLINE", "SEMICOLON")]
    if "PLUS" in expected:
        telling = [name for name in telling if name in ("COMMA", *CLOSING)]
        return " or ".join(spelling(name) for name in telling) or "the end of the line"
    shown = [spelling(name) for name in telling or sorted(expected)]
    return " or ".join(shown)
