"""What is said about names: unknown ones, ones defined twice, ones that hide others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ntkc.diagnostics import Kind, Label, Span, foreign
from ntkc.diagnostics.suggest import did_you_mean
from ntkc.layers.base.known import WITHOUT_LIMIT
from ntkc.network.builtins import all_names, axis_names, what_is
from ntkc.network.report import Report, listed
from ntkc.network.unavailable import report_without_limit
from ntkc.syntax import ast

_SHOWN = 5


def report_unknown(
    report: Report, name: ast.Name, entries: Collection[str], local: Sequence[str]
) -> None:
    """Report a name that nothing has; `entries` are the names of the file, `local` of the place."""
    found = foreign.layer(name.name)
    if found is not None and found[0] in WITHOUT_LIMIT:
        report_without_limit(report, name, found[0])
        return
    help = foreign.layer_help(name.name) or foreign.word_help(name.name)
    if not help and not report.full:
        help = did_you_mean(name.name, {*entries, *all_names(), *local})
    if not help and local:
        help = f"the names of this place are {listed(local[:_SHOWN])}"
    report.error(
        "E0301",
        f"`{name.name}` is not known",
        name.span,
        "no layer, activation or definition has this name",
        help=help,
    )


def report_in_formula(report: Report, name: ast.Name, variable: str, near: Collection[str]) -> None:
    """Report a name that nothing has, in the formula of an activation."""
    help = _FAMILIAR.get(name.name, "")
    if not help and not report.full:
        help = did_you_mean(name.name, {*near, *all_names()})
    report.error(
        "E0301",
        f"`{name.name}` is not known",
        name.span,
        f"no number or function has this name; the variable is `{variable}`",
        help=help,
    )


_FAMILIAR = {
    "ln": "`log` is the natural logarithm",
    "pow": "a power is written `z^2`",
    "tan": "`sin(z) / cos(z)` has no value where the cosine is 0",
    "cosh": "write `(exp(z) + exp(-z)) / 2`",
    "sinh": "write `(exp(z) - exp(-z)) / 2`",
    "norm_cdf": "`Phi` is the distribution function of the standard normal distribution",
}
"""What formulas elsewhere call otherwise, or have."""


def report_out_of_sight(report: Report, name: ast.Name, defined: ast.Name, is_let: bool) -> None:
    """Report the use of a local name above its definition, or outside of its block."""
    above = is_let and name.span.start < defined.span.start
    sight = "from here on, in this block" if is_let else "in this definition"
    report.error(
        "E0301",
        f"`{name.name}` is not known {'yet' if above else 'here'}",
        name.span,
        "it is used here",
        secondary=(Label(defined.span, f"it is known {sight} alone"),),
        help="move the `let` up, above the first use"
        if above
        else f"put it at the top of the file, as a `let {name.name} = ..`, for all to use",
    )


def report_duplicate(report: Report, name: ast.Name, first: Span, what: str) -> None:
    """Report a second definition of a name."""
    report.error(
        "E0308",
        f"`{name.name}` is defined twice",
        name.span,
        f"the second {what} of this name",
        secondary=(Label(first, "the first is here"),),
        help="rename one of them",
    )


def compared_name(argument: ast.Argument) -> ast.Name | None:
    """The name in an argument that is written `name == value`, if it is."""
    value = argument.value
    if argument.name is None and isinstance(value, ast.Binary) and value.operator == "==":
        return value.left if isinstance(value.left, ast.Name) else None
    return None


def report_compared(report: Report, argument: ast.Argument, meant: ast.Name) -> None:
    """Report `name == value` in the place of an argument."""
    report.error(
        "E0120",
        "`==` compares two values",
        argument.span,
        f"write `{meant.name} = ..` to give the argument `{meant.name}`",
    )


def warn_hidden(report: Report, name: ast.Name) -> None:
    """Warn about a definition that takes the name of something built in."""
    if name.name in all_names() - axis_names():
        report.error(
            "E0321",
            f"`{name.name}` hides the built-in {what_is(name.name)} of that name",
            name.span,
            "from here on the name means this",
            help="choose another name",
            kind=Kind.WARNING,
        )
