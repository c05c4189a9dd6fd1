"""Activations that a program defines: formulas in one variable, checked where they stand."""

from __future__ import annotations

from ntkc.network.builtins import all_names
from ntkc.network.numbers import CONSTANTS, FUNCTIONS
from ntkc.network.report import Report, listed
from ntkc.network.scope import FileScope, children
from ntkc.syntax import ast

_SPELLED = {
    "gelu": "z * Phi(z)",
    "silu": "z * sigmoid(z)",
    "softplus": "max(z, 0) + log(1 + exp(-abs(z)))",
    "softsign": "z / (1 + abs(z))",
    "leaky_relu": "max(z, 0.01 * z)",
    "relu6": "min(max(z, 0), 6)",
    "gaussian": "exp(-z^2)",
}
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


def check_activation(definition: ast.ActivationDef, file: FileScope, report: Report) -> None:
    """Report what cannot be part of a formula."""
    own = {definition.variable.name, *(p.name.name for p in definition.parameters)}
    pending: list[tuple[ast.Expr, bool]] = [(definition.body, False)]
    pending += [(p.default, False) for p in definition.parameters if p.default is not None]
    while pending:
        expression, may_compare = pending.pop()
        match expression:
            case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
                pending += [(condition, True), (then, False), (otherwise, False)]
                continue
            case ast.Name():
                _check_name(expression, own, file, report)
            case ast.Call():
                _check_call(expression, file, report)
            case ast.Binary(operator=operator) if operator in _COMPARISONS and not may_compare:
                _refuse(report, expression, "a comparison belongs between `if` and `then`")
                continue
            case ast.Number() | ast.Unary() | ast.Binary():
                pass
            case _:
                _refuse(report, expression, "not a part of a formula")
                continue
        pending += [(child, False) for child in children(expression)]


def _check_name(name: ast.Name, own: set[str], file: FileScope, report: Report) -> None:
    if name.name in own or name.name in CONSTANTS:
        return
    entry = file.entries.get(name.name)
    if entry is not None and isinstance(entry.statement, ast.Let | ast.Param):
        return
    if entry is not None or name.name in all_names():  # others were reported as unknown
        _refuse(report, name, "not a number")


def _check_call(call: ast.Call, file: FileScope, report: Report) -> None:
    name = call.function.name
    function = None if name in file.entries else FUNCTIONS.get(name)
    if function is None and name not in file.entries and name not in all_names():
        return
    if function is None:
        report.error(
            "E0306",
            f"`{name}` is no function that formulas know",
            call.span,
            "not a number",
            help=(
                *((f"write its formula: `{_SPELLED[name]}`",) if name in _SPELLED else ()),
                f"formulas know {listed(sorted(FUNCTIONS))}",
            ),
        )
    elif len(call.arguments) != function.arity or any(a.name for a in call.arguments):
        count = function.arity
        report.error(
            "E0304" if len(call.arguments) > count else "E0303",
            f"`{name}` takes {count} number{'s' * (count > 1)}",
            call.span,
            "there is 1 argument here"
            if len(call.arguments) == 1
            else f"there are {len(call.arguments)} arguments here",
        )


def _refuse(report: Report, expression: ast.Expr, label: str) -> None:
    report.error(
        "E0306",
        "an activation is a formula of numbers",
        expression.span,
        label,
        help="use numbers, the parameters, `+ - * / ^`, `if`, and functions such as `exp`",
    )
