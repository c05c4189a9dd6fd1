"""The pages that explain the codes of diagnostics: one Markdown file a code, in `codes/`.

A page opens with `# CODE: what is wrong`, explains, shows a program that fails in a block
marked `ntk fails`, and its mend in a block marked `ntk`. The tests run both.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def codes() -> list[str]:
    """Every code that has a page, in order."""
    names = (entry.name for entry in _folder().iterdir())
    return sorted(name.removesuffix(".md") for name in names if name.endswith(".md"))


def page(code: str) -> str:
    """The page of a code; raises `KeyError` if there is none."""
    if code not in codes():
        raise KeyError(code)
    return (_folder() / f"{code}.md").read_text(encoding="utf-8")


def title(code: str) -> str:
    """What a code says is wrong, in one line."""
    first = page(code).partition("\n")[0]
    return first.partition(": ")[2]


def _folder() -> Traversable:
    return files("ntkc.diagnostics") / "codes"
