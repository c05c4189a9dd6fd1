"""Spellings from other languages: reported, and replaced by what was meant.

None of them can occur in a correct program, so each is recognised before parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ntkc.diagnostics import Span
from ntkc.syntax.mistakes import IMPORTS
from ntkc.syntax.report import Reporter, span_of
from ntkc.syntax.spellings import ends_value, like, respell, unquoted
from ntkc.syntax.words import SIGNS

if TYPE_CHECKING:
    from lark import Token

# Spelling → the terminal that was meant. The longest match counts.
FOREIGN_SIGNS: Final = {
    **dict.fromkeys(("-->", "=>", "==>", "|>", ">>", "~>", "→", "⇒", "⟶", "⟹", "➜", "➔"), "ARROW"),
    **dict.fromkeys(("−>", "–>", "—>"), "ARROW"),
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
# How a comment begins elsewhere → how it ends there, if not with its line.
_COMMENTS: Final = {"//": "", "/*": "*/", '"""': '"""', "'''": "'''"}
_FAR: Final = 100  # tokens of a line that are looked at
# Words behind which a colon is part of another mistake on the line, which is told by itself.
_WITH_COLON: Final = ("lambda", "for", "while", "class", "?")
_STRAY_HELP: Final = {
    "\\": "a statement goes on by itself inside parentheses and after an operator",
    ".": "a name has no dots: what a file imports is used by its own name",
    "²": "a power is written `^`, as in `z^2`",
    "³": "a power is written `^`, as in `z^3`",
    "√": "a root is written `sqrt(2)`",
    "π": "write `pi`",
    "Φ": "write `Phi`",
    "%": "there is no remainder",
    "$": "names are written as they are",
    "@": "layers are composed by `->`, numbers multiplied by `*`",
    "—": "write `-` between numbers, `->` between layers",
    **dict.fromkeys(
        "&|!", "there is no `and`, `or`, `not`: use one `if .. then .. else ..` inside another"
    ),
    **dict.fromkeys(
        "'`‘’“”´", 'text stands in straight double quotes, as in `import "blocks.ntk"`'
    ),
}


def repair(tokens: list[Token], report: Reporter) -> list[Token]:
    """The tokens with every foreign spelling reported and mended, and no strays left."""
    repaired: list[Token] = []
    index = 0
    while index < len(tokens) and not report.full:
        index += (
            _comment(tokens, index, repaired, report)
            or respell(tokens, index, repaired, report)
            or _foreign(tokens, index, repaired, report)
        )
    return repaired


def _comment(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """Handle a comment of another language; the number of tokens in it, 0 if there is none."""
    token, text = tokens[index], report.source.text
    start = token.start_pos or 0
    if token.type not in (*_STARTS, "STRING", "UNTERMINATED"):
        return 0
    opening = next((sign for sign in _COMMENTS if text.startswith(sign, start)), "")
    if not opening and token == "%" and (not repaired or repaired[-1].type == "NEWLINE"):
        opening = "%"
    if not opening:
        return 0
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    closing = _COMMENTS.get(opening, "")
    found = text.find(closing, start + len(opening)) if closing else -1
    end = line_end if found < 0 else found + len(closing)
    message = f"`{opening}` does not begin a comment"
    label = "begin every line of it with `#`" if end > line_end else "begin it with `#`"
    report.at("E0119", message, Span(report.source, start, min(end, line_end)), label)
    used = 0
    while index + used < len(tokens) and (tokens[index + used].start_pos or 0) < end:
        used += 1
    return used


def _foreign(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """Handle the signs at `index`; the number of tokens that were used up."""
    token = tokens[index]
    if token.type in ("STRING", "UNTERMINATED"):
        repaired.append(_string(token, repaired, report))
        return 1
    if token.type not in _STARTS:
        repaired.append(token)
        return 1
    text, start = report.source.text, token.start_pos or 0
    if str(token) == ":" and not text.startswith(":=", start):
        return _colon(token, repaired, report)
    for spelling in _LONGEST_FIRST:
        if not text.startswith(spelling, start):
            continue
        used = _tokens_of(tokens, index, start + len(spelling))
        if used is not None:
            repaired.append(_replace(tokens[index : index + used], spelling, report))
            return used
    if token.type == "STRAY":
        return _stray(tokens, index, report, repaired)
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
    return like(used[0], meant, SIGNS[meant], used[-1].end_pos)


def _colon(token: Token, repaired: list[Token], report: Reporter) -> int:
    """A colon: what it stands for depends on the line before it."""
    line = _line_before(repaired)
    words = [str(word) for word in line]
    message = "`:` is not a sign of this language"
    if len(line) == 2 and line[0].type == "NETWORK":
        repaired.append(token)  # the parser tells what is missing
    elif words[-1:] in (["input"], ["else"]):
        report.at("E0118", message, token, "leave it out")
    elif "if" in words and "then" not in words:
        report.at("E0118", message, token, "write `then`")
        repaired.append(like(token, "THEN", "then"))
    else:
        if not any(word in words for word in _WITH_COLON):
            report.at("E0118", message, token, "write `=`")
        repaired.append(like(token, "ASSIGN", "="))
    return 1


def _line_before(repaired: list[Token]) -> list[Token]:
    """The tokens of the statement so far, as lines go."""
    start = len(repaired)
    least = max(start - _FAR, 0)
    while start > least and repaired[start - 1].type not in ("NEWLINE", "SEMICOLON"):
        start -= 1
    return repaired[start:]


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
    if span.text in (".", "|") and ends_value(repaired):
        report.at("E0118", f"`{span.text}` does not compose layers", span, "write `->`")
        repaired.append(like(first, "ARROW", "->"))
        return used
    report.at("E0112", _stray_message(str(first), used), span, help=_stray_help(str(first)))
    if not str(first).isalpha():
        return used
    if repaired and repaired[-1].type == "NAME" and repaired[-1].end_pos == first.start_pos:
        first = repaired.pop()
    following = tokens[index + used] if index + used < len(tokens) else first
    if following.type == "NAME" and following.start_pos == last.end_pos:
        last = following
        used += 1
    repaired.append(like(first, "NAME", "_", last.end_pos))
    return used


def _stray_message(character: str, count: int) -> str:
    if count > 1:
        return "these characters have no meaning here"
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    return f"the character {shown} has no meaning here"


def _stray_help(character: str) -> str | tuple[str, ...]:
    if character in _STRAY_HELP:
        return _STRAY_HELP[character]
    if character.isalpha():
        return "names are written with the letters a to z, A to Z, digits and `_`"
    if character.isspace() or not character.isprintable():
        return "this character cannot be seen; put an ordinary space in its place"
    return ()


def _string(token: Token, before: list[Token], report: Reporter) -> Token:
    """A path in its place, or what was meant by a string that cannot be there."""
    imported = bool(before) and before[-1].type == "IMPORT"
    if before and str(before[-1]) in IMPORTS:
        return like(token, "NAME", "_")  # the parser tells about the word before
    if token.type == "UNTERMINATED":
        message = "this string has no closing quote"
        hint = 'a path ends with `"` on the line where it begins'
        report.at("E0113", message, token, 'add `"`', help=hint)
        return like(token, "STRING", '""') if imported else like(token, "NAME", "_")
    return token if imported else unquoted(token, token, report)
