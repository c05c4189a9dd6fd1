"""Where the front end says what is wrong: a sink that thinks in character offsets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ntkc.diagnostics import Diagnostics, Label, Source, Span
from ntkc.syntax.limits import MAX_REPORTS

if TYPE_CHECKING:
    from lark import Token


def span_of(source: Source, token: Token) -> Span:
    """The span of a token."""
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(source, token.start_pos, token.end_pos)


@dataclass
class Reporter:
    """Reports the errors of one file, and counts them."""

    source: Source
    diagnostics: Diagnostics
    count: int = field(default=0)

    @property
    def full(self) -> bool:
        """Whether there is no use in looking for more."""
        return self.count >= MAX_REPORTS

    def at(
        self,
        code: str,
        message: str,
        span: Span | Token | None,
        label: str = "",
        *,
        help: str | tuple[str, ...] = (),
        secondary: tuple[Label, ...] = (),
    ) -> None:
        """Report an error at a span or a token."""
        self.count += 1
        where = span if isinstance(span, Span) or span is None else span_of(self.source, span)
        self.diagnostics.error(code, message, where, label, help=help, secondary=secondary)
