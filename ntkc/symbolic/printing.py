"""SymPy's expressions as text and as LaTeX, with SymPy's printers but for what reads badly."""

from __future__ import annotations

from typing import Any

from sympy.printing.latex import LatexPrinter, greek_letters_set
from sympy.printing.str import StrPrinter


class _Ordered:
    """Sums begin with a term that has no minus sign, where one has none."""

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        terms = super()._as_ordered_terms(expr, order=order)  # type: ignore[misc]
        return sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))


class _Text(_Ordered, StrPrinter):  # type: ignore[misc]
    """Plain text, with powers as the language has them."""

    def _print_Pow(  # noqa: N802 (SymPy calls it so)
        self, expr: Any, rational: bool = False
    ) -> str:
        return str(super()._print_Pow(expr, rational)).replace("**", "^")


class _Latex(_Ordered, LatexPrinter):  # type: ignore[misc]
    """LaTeX; words are upright."""


def as_text(expression: Any) -> str:
    """An expression as the language would have it."""
    return str(_Text().doprint(expression))


def as_latex(expression: Any) -> str:
    """An expression in LaTeX."""
    words = {
        s: rf"\mathrm{{{s.name}}}"
        for s in expression.free_symbols
        if len(s.name) > 1 and s.name.isalpha() and s.name not in greek_letters_set
    }
    settings = {"symbol_names": words, "inv_trig_style": "full"}
    return str(_Latex(settings).doprint(expression))
