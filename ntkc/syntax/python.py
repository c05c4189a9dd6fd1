"""Programs of another language, given whole: one message in place of one for every line."""

from __future__ import annotations

import re
from typing import Final

from ntkc.diagnostics import Source, Span
from ntkc.syntax.report import Reporter

_NETWORK: Final = re.compile(r"^[ \t]*network\b", re.MULTILINE)
_LONGEST: Final = 200  # characters of a line that are looked at
# How a line of Python begins, and a line of a `.ntk` file never does.
_PYTHON: Final = re.compile(
    r"""from\ +[\w.]+\ +import\b
      | import\ +[\w.]+\ +as\b
      | import\ +\w+\.(?!ntk\b)\w
      | (?:class|def)\ +\w+[^#=]*:$
      | (?:\w+,\ )*\w+\ *=\ *\w+(?:\.\w+)+\(
      | (?:model|net)\ *=\ *Sequential\(
      | (?:self|nn|torch|tf|keras|stax|layers|model)\.\w
      | if\ +__name__
      | @\w""",
    re.VERBOSE,
)


def is_python(source: Source, report: Reporter) -> bool:
    """Whether a source is Python, and no network of this language: then that is reported."""
    if _NETWORK.search(source.text) or not source.text.strip():
        return False
    named = source.name.endswith(".py")
    start = 0
    for line in source.text.splitlines(keepends=True):
        text = line[:_LONGEST].strip()
        if _PYTHON.match(text) or (named and _is_foreign(text)):
            break
        start += len(line)
    else:
        return False
    start += len(line) - len(line.lstrip())
    report.at(
        "E0125",
        "this is a program in Python",
        Span(source, start, start + len(text)),
        "not a statement of this language",
        help=(
            "write the layers alone: `network net { input vector[784]; dense -> relu -> dense }`",
            "`nn.Linear(784, 512)` and `Dense(512)` are `dense`: layers are infinitely wide",
        ),
    )
    return True


def _is_foreign(line: str) -> bool:
    """Whether a line of a `.py` file is one of Python, as its first that says anything."""
    begins_here = line.startswith(("param ", "let ", "activation "))
    return bool(line) and not line.startswith("#") and not begins_here
