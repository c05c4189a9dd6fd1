"""A mistake: a token where the grammar has no use for it, and what is known about the place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ntkc.diagnostics import Source, Span
from ntkc.syntax.report import span_of
from ntkc.syntax.words import KEYWORDS, spelling

if TYPE_CHECKING:
    from lark import Token

CLOSING: Final = {"RPAR": ")", "RSQB": "]", "RBRACE": "}"}

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
    "from": 'write `import "file.ntk"`; all its definitions become visible',
    "model": "write `network`",
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


def general_help(mistake: Mistake) -> str | tuple[str, ...]:
    """The mend of a mistake that has no code of its own, if it is known."""
    token, expected = mistake.token, mistake.expected
    if token.type == "QUESTION":
        return "`?` leaves a size of the `input` open; it stands nowhere else"
    variable = "an activation names its variable first, as in `activation f(z, a = 1) = ..`"
    if expected == {"LPAR"} or (expected == {"NAME"} and token.type == "RPAR"):
        return variable
    if token.type == "ASSIGN" and expected == {"COMMA", "RPAR"}:
        return f"{variable}; the variable has no default"
    if expected == {"NAME"} and token.type == "LBRACE":
        return "a network has a name: `network name { .. }`"
    if expected == {"LSQB"}:
        return "the sizes of an input stand in brackets, as in `input vector[784]`"
    if expected == {"STRING"}:
        return 'a path stands in double quotes, as in `import "blocks.ntk"`'
    if token.type == "ARROW" and "NUMBER" in expected and mistake.line_start:
        return "`->` stands between two layers; there is none before it"
    if token.type == "ARROW" and "NORMALIZED" in expected:
        return "the input is not a layer: end the line here, and begin the layers on the next"
    if token.type == "IF":
        return "put the `if .. then .. else ..` in parentheses"
    if token.type == "LET" and "NUMBER" in expected:
        return "`let` begins a statement: give it a line of its own"
    return ()
