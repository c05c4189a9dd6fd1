"""What is wrong where the parser cannot go on: a code, a message, a mend.

`explain` asks its questions in order, the most telling first; the first that knows an answer
reports it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ntkc.diagnostics import Label, Span
from ntkc.syntax import hints
from ntkc.syntax.mistakes import CLOSING, FOREIGN_WORDS, Mistake, wanted
from ntkc.syntax.report import Reporter, span_of
from ntkc.syntax.words import CLOSERS, DECLARATIONS, KEYWORDS, OPENERS

_COMPARISONS: Final = {"EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"}
_BEGINS_VALUE: Final = {
    *("NAME", "NUMBER", "SIZE", "TRUE", "FALSE", "IF", "LPAR", "LSQB", "LBRACE"),
}
_TERMINAL_OF: Final = {")": "RPAR", "]": "RSQB", "}": "RBRACE"}

_Answer = str | None
_Question = Callable[[Mistake, Reporter], _Answer]


def explain(mistake: Mistake, report: Reporter) -> str:
    """Report what is wrong; the code that was given."""
    for question in _QUESTIONS:
        code = question(mistake, report)
        if code is not None:
            return code
    return _something_else(mistake, report)


def _dashes(mistake: Mistake, report: Reporter) -> _Answer:
    # In a block a line may begin so: `--x` is a number.
    two = mistake.token.type == "MINUS" and mistake.behind.startswith("-")
    if not two or not mistake.line_start or "MINUS" in mistake.expected:
        return None
    start = mistake.token.start_pos or 0
    line = Span(mistake.source, start, start + 1 + len(mistake.behind.rstrip()))
    report.at("E0119", "`--` does not begin a comment", line, "begin it with `#`")
    return "E0119"


def _foreign_word(mistake: Mistake, report: Reporter) -> _Answer:
    for token in (mistake.previous, mistake.token):
        if token is not None and token.type == "NAME" and str(token) in FOREIGN_WORDS:
            message = f"`{token}` is not a word of this language"
            report.at("E0121", message, token, help=FOREIGN_WORDS[str(token)])
            return "E0121"
    return None


def _number_with_letters(mistake: Mistake, report: Reporter) -> _Answer:
    before, token = mistake.previous, mistake.token
    if before is None or before.end_pos != token.start_pos:
        return None
    literals = ("NUMBER", "SIZE")
    if before.type not in literals or token.type not in ("NAME", *literals):
        return None
    span = span_of(mistake.source, before).to(span_of(mistake.source, token))
    message = f"`{span.text[:40]}` is neither a number nor a name"
    hint = "a name begins with a letter or `_`; a product is written with `*`"
    if token[0] == "_" and token.replace("_", "").isdigit():
        hint = f"digits are not grouped: `{span.text.replace('_', '')[:40]}`"
    report.at("E0123", message, span, help=hint)
    return "E0123"


def _closer(mistake: Mistake, report: Reporter) -> _Answer:
    token = mistake.token
    if token.type not in CLOSING:
        return None
    closers = [CLOSERS[str(opener)] for opener in mistake.open]
    if str(token) in closers:
        return None
    if not closers or closers[-1] == "}":
        message = f"this `{token}` closes nothing"
        report.at("E0103", message, token, f"there is no open `{OPENERS[str(token)]}` before it")
        return "E0103"
    opened = Label(span_of(mistake.source, mistake.open[-1]), "the bracket that is open")
    message = f"this `{token}` cannot close a `{mistake.open[-1]}`"
    report.at("E0103", message, token, f"write `{closers[-1]}`", secondary=(opened,))
    return "E0103"


def _missing_input(mistake: Mistake, report: Reporter) -> _Answer:
    # In a call every keyword may name an argument; in a network's first line only `input` fits.
    if "INPUT" not in mistake.expected or "NAME" in mistake.expected:
        return None
    label = "the first line of a network is its input"
    hint = "say what the network takes, as in `input vector[784]` or `input image[32, 32, 3]`"
    if mistake.misspelt("input"):
        hint = "did you mean `input`?"
    report.at("E0109", "this network has no input", mistake.where, label, help=hint)
    return "E0109"


def _statement_in_block(mistake: Mistake, report: Reporter) -> _Answer:
    token = mistake.token
    if not mistake.open or token.type.lower() not in DECLARATIONS:
        return None
    if token.type == "INPUT" and mistake.open[-1].type == "LBRACE":
        message = "`input` can only be the first line of a network"
        report.at("E0110", message, token, "a network has one input, and begins with it")
        return "E0110"
    in_block = mistake.open[-1].type == "LBRACE" and mistake.complete
    if not (in_block and (mistake.nested or not mistake.line_start)):
        return None
    message = f"`{token}` cannot stand inside of a block"
    hint = f"move the `{token}` out of the braces, to the top of the file"
    report.at("E0124", message, token, "only layers and `let` can", help=hint)
    return "E0124"


def _unclosed(mistake: Mistake, report: Reporter) -> _Answer:
    if not mistake.open:
        return None
    opener = mistake.open[-1]
    closer = CLOSERS[str(opener)]
    if _TERMINAL_OF[closer] not in mistake.expected:
        return None
    token = mistake.token
    ends = token.type == "$END" or token.type in CLOSING
    begins_line = mistake.line_start and token.type in _BEGINS_VALUE
    declares = token.type.lower() in DECLARATIONS
    declares = declares and (mistake.line_start or "NAME" not in mistake.expected)
    if not (ends or begins_line or declares):
        return None
    opened = Label(span_of(mistake.source, opener), "opened here")
    message = f"this `{opener}` is never closed"
    report.at("E0102", message, mistake.place_before, f"put `{closer}` here", secondary=(opened,))
    return "E0102"


def _equal_signs(mistake: Mistake, report: Reporter) -> _Answer:
    token, expected = mistake.token, mistake.expected
    if token.type == "EQUAL" and "ASSIGN" in expected and not expected & _COMPARISONS:
        report.at("E0120", "`==` compares two values", token, "write `=` to give a value")
        return "E0120"
    if token.type != "ASSIGN" or "PLUS" not in expected:
        return None
    if "THEN" in expected:
        report.at("E0120", "`=` gives a value, it does not compare", token, "write `==`")
    else:
        where = "here" if mistake.complete else "after a value"
        message = f"`=` cannot stand {where}"
        report.at("E0120", message, token, help=hints.of_assignment(mistake))
    return "E0120"


def _missing_assign(mistake: Mistake, report: Reporter) -> _Answer:
    expected = mistake.expected
    if "ASSIGN" not in expected or not expected <= {"ASSIGN", "LPAR"}:
        return None
    message = f"expected `=`, found {mistake.found}"
    if mistake.line_start:
        report.at("E0106", message, mistake.place_before, "put `=` and a value here")
    else:
        label = "write `=`" if mistake.token.type == "ARROW" else "put `=` before this"
        report.at("E0106", message, mistake.where, label, help=_assign_help(mistake))
    return "E0106"


def _assign_help(mistake: Mistake) -> str | tuple[str, ...]:
    if mistake.in_front.lstrip().startswith("activation"):
        return "an activation is written `activation f(z) = formula`, without braces"
    if mistake.token.type == "LBRACE":
        return "a definition is written `def name(..) = { .. }`"
    return ()


def _keyword_as_name(mistake: Mistake, report: Reporter) -> _Answer:
    word = str(mistake.token)
    names_wanted = "NAME" in mistake.expected and not mistake.expected & {"NUMBER", "IF"}
    if word not in KEYWORDS or not names_wanted:
        return None
    message = f"`{word}` is a keyword and cannot be a name"
    report.at("E0107", message, mistake.where, help=f"choose another name, such as `{word}_`")
    return "E0107"


def _network_braces(mistake: Mistake, report: Reporter) -> _Answer:
    if mistake.expected != {"LBRACE"}:
        return None
    message = f"expected `{{` after the network's name, found {mistake.found}"
    label, hint = hints.of_network(mistake)
    report.at("E0108", message, mistake.where, label, help=hint)
    return "E0108"


def _conditional(mistake: Mistake, report: Reporter) -> _Answer:
    # A word that goes on with the expression is another mistake, for another question.
    if mistake.token.type in _COMPARISONS:
        return None
    for word in ("then", "else"):
        if word.upper() in mistake.expected:
            message = f"expected `{word}`, found {mistake.found}"
            hint = "a choice is written `if condition then this else that`, always with `else`"
            report.at("E0117", message, mistake.where, help=hint)
            return "E0117"
    return None


def _comparison_chain(mistake: Mistake, report: Reporter) -> _Answer:
    done = "PLUS" in mistake.expected and not mistake.expected & _COMPARISONS
    if mistake.token.type not in _COMPARISONS or not done:
        return None
    pairs = "compare one pair after the other: `if a < b then (if b < c then .. else ..) else ..`"
    arrow = ("layers are composed by `->`",) if mistake.token.type == "GREATER" else ()
    report.at("E0116", "comparisons cannot be chained", mistake.where, help=(pairs, *arrow))
    return "E0116"


def _comma(mistake: Mistake, report: Reporter) -> _Answer:
    """A comma between layers, between statements, or in parentheses that are no call's."""
    if mistake.token.type != "COMMA" or "COMMA" in mistake.expected:
        return None
    if mistake.complete and "NORMALIZED" not in mistake.expected:
        between = "layers" if mistake.open else "statements"
        label = "write `->`, or begin a new line" if mistake.open else "begin a new statement"
        report.at("E0104", f"a comma does not separate {between}", mistake.token, label)
        return "E0104"
    pair = "RPAR" in mistake.expected and "NUMBER" not in mistake.expected
    if mistake.open and mistake.open[-1].type == "LPAR" and pair:
        hint = "layers are composed by `->`; a size is written `3x3`, a list `[1, 2]`"
        report.at("E0118", "there are no tuples in this language", mistake.token, help=hint)
        return "E0118"
    return None


def _missing_comma(mistake: Mistake, report: Reporter) -> _Answer:
    if "COMMA" not in mistake.expected or mistake.token.type not in _BEGINS_VALUE:
        return None
    message = f"expected `,` before {mistake.found}"
    label, hint = hints.of_missing_comma(mistake)
    report.at("E0105", message, mistake.where, label, help=hint)
    return "E0105"


def _missing_separator(mistake: Mistake, report: Reporter) -> _Answer:
    token = mistake.token
    begins = token.type in _BEGINS_VALUE or token.type.lower() in DECLARATIONS
    if not mistake.complete or mistake.line_start or not begins:
        return None
    before = "" if mistake.previous is None else f"`{str(mistake.previous)[:24]}` and "
    message = f"nothing separates {before}{mistake.found}"
    hint = hints.of_separator(mistake)
    report.at("E0104", message, token, help=hint)
    return "E0104"


def _outside(mistake: Mistake, report: Reporter) -> _Answer:
    at_top = "NETWORK" in mistake.expected and not mistake.open
    if not at_top:
        return None
    hint = hints.of_beginning(mistake)
    message = f"a statement cannot begin with {mistake.found}"
    label = "a file holds param, let, def, activation, import, network"
    report.at("E0111", message, mistake.where, label, help=hint)
    return "E0111"


_QUESTIONS: Final[tuple[_Question, ...]] = (
    _network_braces,
    _dashes,
    _foreign_word,
    _number_with_letters,
    _closer,
    _missing_input,
    _statement_in_block,
    _unclosed,
    _equal_signs,
    _missing_assign,
    _keyword_as_name,
    _conditional,
    _comparison_chain,
    _comma,
    _missing_comma,
    _missing_separator,
    _outside,
)


def _something_else(mistake: Mistake, report: Reporter) -> str:
    message = f"expected {wanted(mistake.expected)}, found {mistake.found}"
    secondary: tuple[Label, ...] = ()
    if mistake.token.type == "$END" and mistake.open:
        secondary = (Label(span_of(mistake.source, mistake.open[-1]), "opened here"),)
    report.at("E0101", message, mistake.where, help=hints.general(mistake), secondary=secondary)
    return "E0101"
