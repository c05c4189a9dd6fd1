"""From text to tokens, with the bounds that keep hostile text cheap.

Lexing never stops at a mistake: what cannot be used is reported and left out, or replaced by
what was meant, so that the parser goes on to find the next mistake.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ntkc.diagnostics import Source
from ntkc.syntax.ast import Comment
from ntkc.syntax.grammar import lark_parser
from ntkc.syntax.limits import (
    MAX_FILE_BYTES,
    MAX_INTEGER_DIGITS,
    MAX_NAME_LENGTH,
    MAX_NUMBER_LENGTH,
    MAX_TOKENS,
)
from ntkc.syntax.report import Reporter, span_of

if TYPE_CHECKING:
    from lark import Token


@dataclass(frozen=True)
class Lexed:
    """The tokens of a file, line ends among them, and its comments."""

    tokens: list[Token]
    comments: tuple[Comment, ...]


def lex(source: Source, report: Reporter) -> Lexed | None:
    """The tokens of a source; None if there is too much of it."""
    if not _fits(source, report):
        return None
    tokens: list[Token] = []
    comments: list[Comment] = []
    line_is_empty = True
    for count, token in enumerate(lark_parser().lex(source.text)):
        if count == MAX_TOKENS:
            message = f"the file has more than {MAX_TOKENS} words and signs"
            report.at("E0203", message, token, "this is one too many")
            return None
        if token.type == "COMMENT":
            text = str(token).rstrip()
            comments.append(Comment(text, line_is_empty, span_of(source, token)))
            continue
        _check_length(token, report)
        tokens.append(token)
        line_is_empty = token.type == "NEWLINE"
    return Lexed(tokens, tuple(comments))


def _fits(source: Source, report: Reporter) -> bool:
    # A character is at least a byte; `surrogatepass` because text may come from anywhere.
    size = len(source.text)
    if size <= MAX_FILE_BYTES:
        size = len(source.text.encode("utf-8", "surrogatepass"))
    if size > MAX_FILE_BYTES:
        message = f"the file is larger than {MAX_FILE_BYTES} bytes"
        report.at("E0201", message, None, help="move parts of it into files that it imports")
        return False
    return True


def _check_length(token: Token, report: Reporter) -> None:
    if token.type == "NAME" and len(token) > MAX_NAME_LENGTH:
        message = f"this name is longer than {MAX_NAME_LENGTH} characters"
        report.at("E0204", message, token, f"{len(token)} characters")
    elif token.type == "NUMBER":
        _check_number(token, report)
    elif token.type == "SIZE":
        _check_size(token, report)


def _check_number(token: Token, report: Reporter) -> None:
    if token.isdigit():
        if len(token) > MAX_INTEGER_DIGITS:
            message = f"a whole number has at most {MAX_INTEGER_DIGITS} digits"
            hint = "write a large value with an exponent, as in `1e20`"
            report.at("E0205", message, token, f"{len(token)} digits", help=hint)
        return
    if len(token) > MAX_NUMBER_LENGTH:
        message = f"a number is written with at most {MAX_NUMBER_LENGTH} characters"
        report.at("E0205", message, token, f"{len(token)} characters")
        return
    value = float(token)
    digits = token.lower().partition("e")[0]
    if math.isinf(value):
        report.at("E0115", f"`{token}` is too large for a number", token, "this is infinite")
    elif value == 0 and digits.strip("0."):
        report.at("E0115", f"`{token}` is too small for a number", token, "this rounds to zero")


def _check_size(token: Token, report: Reporter) -> None:
    extents = token.split("x")
    if len(token) > MAX_NUMBER_LENGTH or any(len(e) > MAX_INTEGER_DIGITS for e in extents):
        message = f"a size is written with at most {MAX_NUMBER_LENGTH} characters"
        note = f"and each of its numbers with at most {MAX_INTEGER_DIGITS} digits"
        report.at("E0205", message, token, note)
    elif not all(extent.strip("0") for extent in extents):
        message = "a size counts from one"
        report.at("E0122", message, token, "there is a zero in this size")
