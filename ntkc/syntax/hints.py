"""The mends of mistakes: what to write, where the place tells it."""

from __future__ import annotations

import re
from typing import Final

from ntkc.diagnostics.suggest import closest, did_you_mean
from ntkc.syntax.mistakes import Mistake
from ntkc.syntax.words import DECLARATIONS

Hint = str | tuple[str, ...]

_HYPHENATED: Final = re.compile(r"([A-Za-z_]\w*)-([A-Za-z_]\w*)[ \t]*$")
_VARIABLE: Final = "an activation names its variable first, as in `activation f(z, a = 1) = ..`"
_INPUT: Final = "an input is written `input vector[784]` or `input image[32, 32, 3]`"


def general(mistake: Mistake) -> Hint:
    """The mend of a mistake that has no code of its own, if it is known."""
    return _of_input(mistake) or _of_definition(mistake) or _of_expression(mistake)


def _of_input(mistake: Mistake) -> Hint:
    token, expected, previous = mistake.token, mistake.expected, _kind(mistake)
    if expected == {"NAME"} and previous == "INPUT":
        return _INPUT
    if expected == {"LSQB"}:
        return "the sizes of an input stand in brackets, as in `input vector[784]`"
    if token.type == "RSQB" and previous == "LSQB" and "QUESTION" in expected:
        return "say the size, as in `vector[784]`; `vector[?]` leaves it open until a call"
    if token.type == "ARROW" and _behind_input(mistake):
        return "the input is not a layer: end the line here, and begin the layers on the next"
    if token.type == "COMMA" and _behind_input(mistake):
        return "leave the comma out: `input vector[784] normalized`"
    return ()


def _of_definition(mistake: Mistake) -> Hint:
    token, expected = mistake.token, mistake.expected
    if expected == {"LPAR"} or (expected == {"NAME"} and token.type == "RPAR"):
        return _VARIABLE
    if token.type == "ASSIGN" and expected == {"COMMA", "RPAR"}:
        return f"{_VARIABLE}; the variable has no default"
    if expected == {"NAME"} and token.type == "LBRACE":
        return "a network has a name: `network name { .. }`"
    if expected == {"NAME"} and token.type in ("NUMBER", "SIZE"):
        return "a name begins with a letter or `_`"
    if expected == {"STRING"}:
        shown = str(token) if token.type == "NAME" else "blocks"
        return f'a path stands in double quotes, as in `import "{shown}.ntk"`'
    return ()


def _of_expression(mistake: Mistake) -> Hint:
    token, expected = mistake.token, mistake.expected
    wants_value = "NUMBER" in expected
    if token.type == "QUESTION":
        if wants_value:
            return "`?` leaves a size of the `input` open; it stands nowhere else"
        return "a choice is written `if condition then this else that`"
    if token.type == "ARROW" and wants_value and mistake.line_start:
        return "`->` stands between two layers; there is none before it"
    if wants_value and _kind(mistake) == "ARROW":
        return "`->` stands between two layers: leave one out, or put a layer here"
    if token.type == "COMMA" and wants_value:
        return "leave this comma out"
    if token.type == "SEMICOLON" and mistake.open and mistake.open[-1].type != "LBRACE":
        return "what stands in brackets is separated by `,`"
    if token.type == "IF":
        return "put the `if .. then .. else ..` in parentheses"
    if token.type == "LET" and wants_value:
        return "`let` begins a statement: give it a line of its own"
    return ()


def of_network(mistake: Mistake) -> tuple[str, Hint]:
    """A label and the mend where the brace after a network's name is missing."""
    token = mistake.token
    shape = "a network is written `network name { input ..; layers }`"
    if token.type == "STRAY":
        return "write `{`", f"{shape}, with `}}` at its end: indentation does not count"
    if token.type in ("LSQB", "LPAR") and not mistake.behind.strip().startswith(")"):
        return "write `{`", f"{shape}, with `}}` at its end"
    if token.type == "LPAR":
        return (
            "a network takes no arguments",
            "use `let` for constants, `param` for what a call sets",
        )
    if token.type == "ASSIGN":
        return "leave it out", shape
    if str(token) in ("begin", "do", "is", "has"):
        return "write `{`", f"{shape}, with `}}` at its end"
    if token.type == "MINUS" or (token.type == "NAME" and not mistake.line_start):
        return "", f"a network's name is one word, with `_` if need be: `my_net`; {shape}"
    return "", shape


def of_separator(mistake: Mistake) -> Hint:
    """The mend where nothing separates a statement from what follows it."""
    token, previous = mistake.token, _kind(mistake)
    if _behind_input(mistake):
        if closest(str(token), ["normalized"]):
            return "did you mean `normalized`?"
        return "the input is a statement of its own: begin a new line here, or put `;`"
    if token.type == "IF":
        return "a choice is written `if condition then this else that`"
    if previous == "NAME" and token.type in ("LSQB", "LBRACE"):
        return "arguments stand in parentheses"
    if token.type == "NAME" and re.match(r"[ \t]*=(?!=)", mistake.behind):
        return f"arguments stand in parentheses: `{mistake.previous}({token} = ..)`"
    if previous in ("NUMBER", "RPAR", "RBRACE") and (token.type == "LPAR" or token == "x"):
        return "a layer is repeated by `*`, as in `{ dense -> relu } * 3`"
    if not mistake.open:
        return "begin a new line here"
    return "begin a new line here, or separate the two with `->` or `;`"


def of_missing_comma(mistake: Mistake) -> tuple[str, Hint]:
    """A label and the mend where a comma may be missing."""
    token, previous = mistake.token, _kind(mistake)
    names_argument = re.match(r"[ \t]*=(?!=)", mistake.behind) is not None
    if previous == "NUMBER" and token.type in ("NAME", "LPAR") and not names_argument:
        return "nothing stands between the two", "a product is written with `*`"
    if previous == "NAME" and token.type in ("NUMBER", "SIZE", "NAME") and not names_argument:
        before = mistake.previous
        value = re.search(r"[=+*/^(,-][ \t]*\w+[ \t]*$", mistake.in_front[1:])
        named = value is None or value[0][0] in "(,"
        hint = f"an argument is written `{before} = {token}`"
        call = f"a call is written `{before}({token})`"
        return "nothing stands between the two", hint if named else call
    return "put `,` before this", ()


def of_assignment(mistake: Mistake) -> Hint:
    """The mend of a `=` behind what is no name."""
    hyphenated = _HYPHENATED.search(mistake.in_front)
    if hyphenated:
        return f"a name has no `-`: `{hyphenated[1]}_{hyphenated[2]}`"
    if mistake.complete:
        name = mistake.previous if _kind(mistake) == "NAME" else "name"
        return f"write `let {name} = ..` to give a value or a layer a name"
    if (
        mistake.open
        and not mistake.source.text[: mistake.open[-1].start_pos].rpartition("\n")[2].strip()
    ):
        return "the `(` of a call stands on the line of its name"
    return "an argument is written `name = value`; `==` compares"


def of_beginning(mistake: Mistake) -> Hint:
    """The mend of a statement that begins with none of the words that can."""
    name = str(mistake.token)
    if mistake.token.type == "NAME" and re.match(r"[ \t]*(?:\w+[ \t]*)?=?[ \t]*\{", mistake.behind):
        likely = len(name) > len("let") and did_you_mean(name, DECLARATIONS)
        return likely or "a network is written `network name { .. }`"
    if mistake.token.type == "NAME" and re.match(r"[ \t]*=(?!=)", mistake.behind):
        return f"write `let {name} = ..` for a constant, `param {name} = ..` for what a call sets"
    likely = did_you_mean(name, DECLARATIONS) if mistake.token.type == "NAME" else ""
    return likely or "put layers between the braces of a `network`, or behind a `def name = `"


def _behind_input(mistake: Mistake) -> bool:
    # In a call every keyword may name an argument.
    return "NORMALIZED" in mistake.expected and "NUMBER" not in mistake.expected


def _kind(mistake: Mistake) -> str:
    return "" if mistake.previous is None else mistake.previous.type
