"""Runs of tokens that other languages would write so: reported, and replaced by what was meant.

`3 x 3` and `(3, 3)` for `3x3`, `1,5` for `1.5`, `nn.Linear` for `dense`, `'same'` for `same`,
`50%` for `0.5`, `|z|` for `abs(z)`. Each function looks at one place, puts what was meant behind
`repaired`, and tells how many tokens it used up: 0 where there is nothing for it to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ntkc.diagnostics import foreign
from ntkc.syntax.report import Reporter, span_of
from ntkc.syntax.words import NAME_PATTERN, NUMBER_PATTERN, SIZE_PATTERN

if TYPE_CHECKING:
    from lark import Token

_Spelling = Callable[["list[Token]", int, "list[Token]", Reporter], int]

_SPACED_SIZE: Final = re.compile(r"[0-9]+(?:[ \t]{0,4}[xX×][ \t]{0,4}[0-9]+){1,8}(?![\w.])")
_QUOTES: Final = {"'": "'", "`": "`", "‘": "’", "“": "”", "´": "´"}
_KINDS: Final = (("SIZE", SIZE_PATTERN), ("NUMBER", NUMBER_PATTERN), ("NAME", NAME_PATTERN))
_FAR: Final = 100  # tokens: more than a quoted word, a tuple or a dotted name is ever made of
_ENDS_VALUE: Final = ("NAME", "NUMBER", "SIZE", "TRUE", "FALSE", "RPAR", "RSQB", "RBRACE")


def respell(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """Report and replace what stands at `index`; how many tokens it was, 0 if nothing is wrong."""
    for spelling in _SPELLINGS.get(tokens[index].type, ()):
        used = spelling(tokens, index, repaired, report)
        if used:
            return used
    return 0


def like(token: Token, kind: str, text: str, end: int | None = None) -> Token:
    """A token of another kind in the place of one."""
    copy = token.update(kind, text)
    if end is not None:
        copy.end_pos = end
    return copy


def ends_value(repaired: list[Token]) -> bool:
    """Whether a value or a layer stands right before."""
    return bool(repaired) and repaired[-1].type in _ENDS_VALUE


def _quoted(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """`'same'`, and the path of an import in quotes of another kind."""
    closing = _QUOTES.get(str(tokens[index]))
    if closing is None:
        return 0
    for used in range(2, min(len(tokens) - index, _FAR) + 1):
        token = tokens[index + used - 1]
        if token.type == "NEWLINE":
            return 0
        if str(token) != closing:
            continue
        if repaired and repaired[-1].type == "IMPORT":
            _path(tokens, index, used, repaired, report)
        else:
            repaired.append(unquoted(tokens[index], token, report))
        return used
    return 0


def unquoted(first: Token, last: Token, report: Reporter) -> Token:
    """The word or number that was meant by a text in quotes, which is reported."""
    span = span_of(report.source, first).to(span_of(report.source, last))
    inner = span.text[1:-1].strip()
    for kind, pattern in _KINDS:
        if re.fullmatch(pattern, inner):
            message = "words and numbers are written without quotes"
            report.at("E0114", message, span, f"write `{inner}`")
            return like(first, kind, inner, last.end_pos)
    message = "a text in quotes can only follow `import`"
    report.at("E0114", message, span, help="names are written without quotes")
    return like(first, "NAME", "_", last.end_pos)


def _path(
    tokens: list[Token], index: int, used: int, repaired: list[Token], report: Reporter
) -> None:
    first, last = tokens[index], tokens[index + used - 1]
    span = span_of(report.source, first).to(span_of(report.source, last))
    inner = span.text.strip("".join((*_QUOTES, *_QUOTES.values())))
    message = "a path stands in straight double quotes"
    report.at("E0112", message, span, f'write `"{inner}"`')
    repaired.append(like(first, "STRING", '""', last.end_pos))


def _spaced_size(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """`3 x 3`, `3X3` and `3×3`."""
    token = tokens[index]
    found = _SPACED_SIZE.match(report.source.text, token.start_pos or 0)
    if found is None or found.end() == token.end_pos:
        return 0
    for used in range(2, min(len(tokens) - index, _FAR) + 1):
        last = tokens[index + used - 1]
        if last.end_pos != found.end():
            continue
        meant = re.sub(r"[^0-9]+", "x", found[0])
        span = span_of(report.source, token).to(span_of(report.source, last))
        message = "a size is written with a small `x` and no spaces"
        hint = f"a product is written `{meant.replace('x', ' * ')}`" if "×" in found[0] else ()
        report.at("E0123", message, span, f"write `{meant}`", help=hint)
        repaired.append(like(token, "SIZE", meant, last.end_pos))
        return used
    return 0


def _decimal_comma(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """`w_std = 1,5`."""
    if not repaired or repaired[-1].type != "ASSIGN" or len(tokens) < index + 3:
        return 0
    whole, comma, part = tokens[index : index + 3]
    if (comma.type, part.type) != ("COMMA", "NUMBER") or not (whole.isdigit() and part.isdigit()):
        return 0
    if whole.end_pos != comma.start_pos or comma.end_pos != part.start_pos:
        return 0
    span = span_of(report.source, whole).to(span_of(report.source, part))
    meant = f"{whole}.{part}"
    hint = "two arguments have a space between them: `, `"
    report.at("E0123", "a comma is no decimal point", span, f"write `{meant}`", help=hint)
    repaired.append(like(whole, "NUMBER", meant, part.end_pos))
    return 3


def _tuple(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """`(3, 3)` where it is no call's arguments."""
    if repaired and repaired[-1].type == "NAME":
        return 0
    numbers: list[str] = []
    used, wants_number = 1, True
    while index + used < len(tokens) and used < _FAR:
        token = tokens[index + used]
        used += 1
        if token.type == "RPAR":
            break
        if wants_number and token.isdigit():
            numbers.append(str(token))
        elif wants_number or token.type != "COMMA":
            return 0
        wants_number = not wants_number
    last = tokens[index + used - 1]
    if last.type != "RPAR" or not numbers or (len(numbers) == 1 and not wants_number):
        return 0
    span = span_of(report.source, tokens[index]).to(span_of(report.source, last))
    meant = "x".join(numbers)
    report.at("E0118", "there are no tuples in this language", span, f"write `{meant}`")
    kind = "SIZE" if len(numbers) > 1 else "NUMBER"
    repaired.append(like(tokens[index], kind, meant, last.end_pos))
    return used


def _dotted(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """`nn.Linear`, `math.sqrt`, and a path without quotes."""
    used = 1
    while index + used + 1 < len(tokens) and used < _FAR:
        before, dot, name = tokens[index + used - 1 : index + used + 2]
        adjacent = before.end_pos == dot.start_pos and dot.end_pos == name.start_pos
        if dot != "." or not adjacent or not name[:1].isidentifier():
            break
        used += 2
    if used == 1:
        return 0
    if repaired and repaired[-1].type == "IMPORT":
        _path(tokens, index, used, repaired, report)
        return used
    first, last = tokens[index], tokens[index + used - 1]
    span = span_of(report.source, first).to(span_of(report.source, last))
    path = span.text[: -len(last)][-40:]
    hint = foreign.layer_help(str(last)) or f"leave out `{path}`"
    report.at("E0112", f"`{path}{last}` is no name: names have no dots", span, help=hint)
    repaired.append(like(first, "NAME", str(last), last.end_pos))
    return used


def _percent(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """`50%`."""
    if str(tokens[index]) != "%" or not repaired or repaired[-1].type != "NUMBER":
        return 0
    number = repaired[-1]
    if number.end_pos != tokens[index].start_pos:
        return 0
    span = span_of(report.source, number).to(span_of(report.source, tokens[index]))
    meant = f"{float(number) / 100:g}"
    report.at("E0112", "there is no sign for percent", span, f"write `{meant}`")
    return 1


def _bars(tokens: list[Token], index: int, repaired: list[Token], report: Reporter) -> int:
    """`|z|`: a bar where a value is wanted, and another behind it on the line."""
    if str(tokens[index]) != "|" or ends_value(repaired):
        return 0
    for other in range(index + 1, min(len(tokens), index + _FAR)):
        token = tokens[other]
        if token.type == "NEWLINE":
            return 0
        if str(token) == "|":
            span = span_of(report.source, tokens[index]).to(span_of(report.source, token))
            message = "bars do not make an absolute value"
            inner = span.text[1:-1].strip()
            report.at("E0112", message, span, f"write `abs({inner})`")
            repaired.append(like(tokens[index], "LPAR", "("))
            tokens[other] = like(token, "RPAR", ")")
            return 1
    return 0


_SPELLINGS: Final[dict[str, tuple[_Spelling, ...]]] = {
    "NUMBER": (_spaced_size, _decimal_comma),
    "SIZE": (_spaced_size,),
    "NAME": (_dotted,),
    "LPAR": (_tuple,),
    "STRAY": (_quoted, _percent, _bars),
}
