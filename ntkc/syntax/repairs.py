"""Spellings from other languages: reported, and replaced by what was meant.

None of them can occur in a correct program, so each is recognised before parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ntkc.diagnostics import Span
from ntkc.syntax.report import Reporter, span_of
from ntkc.syntax.words import SIGNS

if TYPE_CHECKING:
    from lark import Token

# Spelling → the terminal that was meant. The longest match counts.
FOREIGN_SIGNS: Final = {
    "-->": "ARROW",
    "=>": "ARROW",
    "==>": "ARROW",
    "|>": "ARROW",
    ">>": "ARROW",
    "→": "ARROW",
    ":=": "ASSIGN",
    ":": "ASSIGN",
    "**": "CARET",
    "×": "STAR",
    "·": "STAR",
    "−": "MINUS",
    "–": "MINUS",
    "≤": "LESS_EQUAL",
    "≥": "GREATER_EQUAL",
    "≠": "NOT_EQUAL",
}
_LONGEST_FIRST: Final = sorted(FOREIGN_SIGNS, key=len, reverse=True)
_STARTS: Final = {"MINUS", "ASSIGN", "EQUAL", "GREATER", "STAR", "SLASH", "STRAY"}
_COMMENTS: Final = ("//", "/*")
_QUOTES: Final = {"'": "'", "`": "`", "‘": "’", "“": "”"}
_PATH_TOKENS: Final = 100  # more than a path is ever made of


def repair(tokens: list[Token], report: Reporter) -> list[Token]:
    """The tokens with every foreign spelling reported and mended, and no strays left."""
    repaired: list[Token] = []
    index = 0
    while index < len(tokens) and not report.full:
        token = tokens[index]
        step = 1
        if token.type in _STARTS:
            step = _foreign(tokens, index, report, repaired)
        elif token.type in ("STRING", "UNTERMINATED"):
            repaired.append(_string(token, repaired, report))
        else:
            repaired.append(token)
        index += step
    return repaired


def _foreign(tokens: list[Token], index: int, report: Reporter, repaired: list[Token]) -> int:
    """Handle the signs at `index`; the number of tokens that were used up."""
    token = tokens[index]
    text = report.source.text
    start = token.start_pos or 0
    for opening in _COMMENTS:
        if text.startswith(opening, start):
            return _foreign_comment(tokens, index, opening, report)
    for spelling in _LONGEST_FIRST:
        if not text.startswith(spelling, start):
            continue
        used = _tokens_of(tokens, index, start + len(spelling))
        if used is not None:
            repaired.append(_replace(tokens[index : index + used], spelling, report))
            return used
    if token.type == "STRAY":
        quoted = _quoted_path(tokens, index, report, repaired)
        return quoted or _stray(tokens, index, report, repaired)
    repaired.append(token)
    return 1


def _tokens_of(tokens: list[Token], index: int, end: int) -> int | None:
    """How many tokens from `index` on reach exactly to the offset `end`."""
    for used in (1, 2):
        if index + used <= len(tokens) and tokens[index + used - 1].end_pos == end:
            return used
    return None


def _replace(used: list[Token], spelling: str, report: Reporter) -> Token:
    meant = FOREIGN_SIGNS[spelling]
    span = span_of(report.source, used[0]).to(span_of(report.source, used[-1]))
    message = f"`{spelling}` is not a sign of this language"
    report.at("E0118", message, span, f"write `{SIGNS[meant]}`")
    return _token_like(used[0], meant, SIGNS[meant], used[-1].end_pos)


def _foreign_comment(tokens: list[Token], index: int, opening: str, report: Reporter) -> int:
    text = report.source.text
    start = tokens[index].start_pos or 0
    closing = text.find("*/", start) if opening == "/*" else -1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    end = line_end if closing < 0 else closing + 2
    visible = min(end, line_end)
    message = f"`{opening}` does not begin a comment"
    report.at("E0119", message, Span(report.source, start, visible), "begin it with `#`")
    used = 0
    while index + used < len(tokens) and (tokens[index + used].start_pos or 0) < end:
        used += 1
    return used


def _quoted_path(tokens: list[Token], index: int, report: Reporter, repaired: list[Token]) -> int:
    """Handle a path in quotes of another kind; the number of tokens used up, or 0."""
    opening = tokens[index]
    closing = _QUOTES.get(str(opening))
    if closing is None or not repaired or repaired[-1].type != "IMPORT":
        return 0
    for used, token in enumerate(tokens[index + 1 : index + 1 + _PATH_TOKENS], start=2):
        if token.type == "NEWLINE":
            return 0
        if str(token) == closing:
            span = span_of(report.source, opening).to(span_of(report.source, token))
            message = "a path stands in straight double quotes"
            report.at("E0112", message, span, f'write `"{span.text[1:-1]}"`')
            repaired.append(_token_like(opening, "STRING", '""', token.end_pos))
            return used
    return 0


def _stray(tokens: list[Token], index: int, report: Reporter, repaired: list[Token]) -> int:
    """Report a run of adjacent stray characters once; letters count as part of a name."""
    used = 1
    while (
        index + used < len(tokens)
        and tokens[index + used].type == "STRAY"
        and tokens[index + used].start_pos == tokens[index + used - 1].end_pos
    ):
        used += 1
    first, last = tokens[index], tokens[index + used - 1]
    span = span_of(report.source, first).to(span_of(report.source, last))
    report.at("E0112", _stray_message(str(first), used), span, help=_stray_help(str(first)))
    if not str(first).isalpha():
        return used
    if repaired and repaired[-1].type == "NAME" and repaired[-1].end_pos == first.start_pos:
        first = repaired.pop()
    following = tokens[index + used] if index + used < len(tokens) else first
    if following.type == "NAME" and following.start_pos == last.end_pos:
        last = following
        used += 1
    repaired.append(_token_like(first, "NAME", "_", last.end_pos))
    return used


def _stray_message(character: str, count: int) -> str:
    if count > 1:
        return "these characters have no meaning here"
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    return f"the character {shown} has no meaning here"


def _stray_help(character: str) -> str | tuple[str, ...]:
    if character.isalpha():
        return "names are written with the letters a to z, A to Z, digits and `_`"
    if character.isspace() or not character.isprintable():
        return "this character cannot be seen; put an ordinary space in its place"
    if character in "'`‘’“”":
        return 'text stands in straight double quotes, as in `import "blocks.ntk"`'
    if character in "&|!":
        return "there is no `and`, `or`, `not`: use one `if .. then .. else ..` inside another"
    if character == "\\":
        return "a statement goes on by itself inside parentheses and after an operator"
    if character == ".":
        return "a name has no dots: what a file imports is used by its own name"
    return ()


def _string(token: Token, before: list[Token], report: Reporter) -> Token:
    """A path in its place, or a name in the place of a string that cannot be there."""
    imported = bool(before) and before[-1].type == "IMPORT"
    if token.type == "UNTERMINATED":
        message = "this string has no closing quote"
        hint = 'a path ends with `"` on the line where it begins'
        report.at("E0113", message, token, 'add `"`', help=hint)
    elif not imported:
        message = "a string can only follow `import`"
        report.at("E0114", message, token, help="names are written without quotes")
    kind, text = ("STRING", '""') if imported else ("NAME", "_")
    return token if imported and token.type == "STRING" else _token_like(token, kind, text)


def _token_like(token: Token, kind: str, text: str, end: int | None = None) -> Token:
    copy = token.update(kind, text)
    if end is not None:
        copy.end_pos = end
    return copy
