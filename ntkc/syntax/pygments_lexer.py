"""Highlighting of `.ntk` programs for Pygments: documents, terminals, notebooks."""

from __future__ import annotations

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from ntkc.syntax import words as ntk

_NAME = ntk.NAME_PATTERN


class NtkLexer(RegexLexer):  # type: ignore[misc]
    """Layers are told by where they stand, not by a list: called, or beside a `->`."""

    name = "ntk"
    aliases = ("ntk",)
    filenames = ("*.ntk",)
    mimetypes = ("text/x-ntk",)

    tokens = {  # noqa: RUF012 - Pygments reads it from the class
        "root": [
            (r"\s+", Whitespace),
            (ntk.COMMENT_PATTERN, Comment.Single),
            (ntk.STRING_PATTERN, String.Double),
            (
                rf"\b(param|let)(\s+)({_NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Constant),
            ),
            (
                rf"\b(def|activation|network)(\s+)({_NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Function),
            ),
            (
                rf"\b(input)(\s+)({_NAME})(?=\s*\[)",
                bygroups(Keyword.Declaration, Whitespace, Keyword.Type),
            ),
            # A name before a single `=` is an argument, whatever word it is.
            (rf"({_NAME})(\s*)(=)(?!=)", bygroups(Name.Attribute, Whitespace, Operator)),
            (words(ntk.DECLARATIONS, prefix=r"\b", suffix=r"\b"), Keyword.Declaration),
            (words(ntk.MODIFIERS, prefix=r"\b", suffix=r"\b"), Keyword),
            (words(ntk.CONTROL, prefix=r"\b", suffix=r"\b"), Keyword),
            (words(ntk.CONSTANTS, prefix=r"\b", suffix=r"\b"), Keyword.Constant),
            (ntk.SIZE_PATTERN, Number.Integer),
            (ntk.NUMBER_PATTERN, Number),
            (r"->", Operator),
            (rf"{_NAME}(?=\s*\()", Name.Class),
            (rf"{_NAME}(?=\s*->)", Name.Class),
            (rf"(?:(?<=->)|(?<=-> )){_NAME}", Name.Class),
            (_NAME, Name),
            (words(ntk.OPERATORS), Operator),
            (r"[()\[\]{},;?]", Punctuation),
        ]
    }
