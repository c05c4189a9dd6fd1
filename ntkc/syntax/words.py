"""The words and signs of the language: what editors highlight and messages spell.

The grammar defines the syntax; a test holds this list to it. Layers and activations are not
words of the language: whoever knows their names passes them in.
"""

from __future__ import annotations

from typing import Final

DECLARATIONS: Final = ("param", "let", "def", "activation", "import", "network", "input")
MODIFIERS: Final = ("normalized",)
CONTROL: Final = ("if", "then", "else")
CONSTANTS: Final = ("true", "false")
KEYWORDS: Final = DECLARATIONS + MODIFIERS + CONTROL + CONSTANTS

# The terminal of the grammar for every sign.
SIGNS: Final = {
    "ARROW": "->",
    "ASSIGN": "=",
    "EQUAL": "==",
    "NOT_EQUAL": "!=",
    "LESS_EQUAL": "<=",
    "GREATER_EQUAL": ">=",
    "LESS": "<",
    "GREATER": ">",
    "PLUS": "+",
    "MINUS": "-",
    "STAR": "*",
    "SLASH": "/",
    "CARET": "^",
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "LBRACE": "{",
    "RBRACE": "}",
    "COMMA": ",",
    "SEMICOLON": ";",
    "QUESTION": "?",
}
COMPARISONS: Final = ("==", "!=", "<=", ">=", "<", ">")
ARITHMETIC: Final = ("+", "-", "*", "/", "^")
OPERATORS: Final = ("->", *COMPARISONS, *ARITHMETIC, "=")

# Regular expressions that Python's `re` and an editor's Oniguruma both understand.
NAME_PATTERN: Final = r"[A-Za-z_][A-Za-z0-9_]*"
SIZE_PATTERN: Final = r"[0-9]+(?:x[0-9]+)+"
NUMBER_PATTERN: Final = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
STRING_PATTERN: Final = r'"[^"\n]*"'
COMMENT_PATTERN: Final = r"#[^\n]*"

CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}
OPENERS: Final = {closer: opener for opener, closer in CLOSERS.items()}


def spelling(terminal: str) -> str:
    """How a terminal of the grammar is written, for a message."""
    if terminal in SIGNS:
        return f"`{SIGNS[terminal]}`"
    if terminal.lower() in KEYWORDS:
        return f"`{terminal.lower()}`"
    described = {
        "NAME": "a name",
        "NUMBER": "a number",
        "SIZE": "a size such as `3x3`",
        "STRING": "a path in double quotes",
        "NEWLINE": "the end of the line",
        "$END": "the end of the file",
    }
    return described.get(terminal, terminal.lower())
