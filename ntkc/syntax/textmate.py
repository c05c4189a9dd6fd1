"""The TextMate grammar for editors, made from the word list.

`python -m ntkc.syntax.textmate` writes `grammar/ntk.tmLanguage.json`; a test compares the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ntkc.syntax import words

_NAME = words.NAME_PATTERN


def _any_word(choices: Iterable[str]) -> str:
    return rf"\b(?:{'|'.join(choices)})\b"


def _any_sign(choices: Iterable[str]) -> str:
    return "|".join(re.escape(sign) for sign in sorted(choices, key=len, reverse=True))


def _rule(scope: str, pattern: str) -> dict[str, Any]:
    return {"name": f"{scope}.ntk", "match": pattern}


def _captures(pattern: str, *scopes: str) -> dict[str, Any]:
    names = {str(number): {"name": f"{scope}.ntk"} for number, scope in enumerate(scopes, 1)}
    return {"match": pattern, "captures": names}


def textmate_grammar(layers: Iterable[str] = (), activations: Iterable[str] = ()) -> dict[str, Any]:
    """The grammar as data; known layers and activations get scopes of their own."""
    patterns = [
        _rule("comment.line.number-sign", "#.*$"),
        _rule("string.quoted.double", words.STRING_PATTERN),
        # A name before a single `=` is an argument, whatever word it is.
        _captures(
            rf"\b(?:(param|let)\s+)({_NAME})", "keyword.declaration", "variable.other.constant"
        ),
        _captures(
            rf"\b(def|activation|network)\s+({_NAME})",
            "keyword.declaration",
            "entity.name.function",
        ),
        _captures(rf"\b(input)\s+({_NAME})(?=\s*\[)", "keyword.declaration", "storage.type"),
        _captures(rf"\b({_NAME})\s*(=)(?!=)", "variable.parameter", "keyword.operator.assignment"),
        _rule("keyword.declaration", _any_word(words.DECLARATIONS)),
        _rule("storage.modifier", _any_word(words.MODIFIERS)),
        _rule("keyword.control", _any_word(words.CONTROL)),
        _rule("constant.language", _any_word(words.CONSTANTS)),
        _rule("constant.numeric.size", rf"\b{words.SIZE_PATTERN}\b"),
        _rule("constant.numeric", rf"(?<![A-Za-z0-9_]){words.NUMBER_PATTERN}"),
        *_known("support.class", layers),
        *_known("support.function", activations),
        _rule("entity.name.function.call", rf"\b{_NAME}(?=\s*\()"),
        _rule("entity.name.function.layer", rf"(?:(?<=->)|(?<=-> )){_NAME}|\b{_NAME}(?=\s*->)"),
        _rule("keyword.operator.pipe", "->"),
        _rule("keyword.operator.comparison", _any_sign(words.COMPARISONS)),
        _rule("keyword.operator.arithmetic", _any_sign(words.ARITHMETIC)),
        _rule("keyword.operator.assignment", "="),
        _rule("variable.other", rf"\b{_NAME}\b"),
    ]
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "ntk",
        "scopeName": "source.ntk",
        "fileTypes": ["ntk"],
        "patterns": patterns,
    }


def _known(scope: str, names: Iterable[str]) -> list[dict[str, Any]]:
    found = sorted(names)
    return [_rule(scope, _any_word(found))] if found else []


def textmate_text() -> str:
    """The grammar as the text of its file."""
    return json.dumps(textmate_grammar(), indent=2) + "\n"


if __name__ == "__main__":
    target = Path(__file__).parents[2] / "grammar" / "ntk.tmLanguage.json"
    target.write_text(textmate_text(), encoding="utf-8")
