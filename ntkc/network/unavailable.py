"""Words that are known and cannot be had: layers to come, layers without limit."""

from __future__ import annotations

from ntkc.diagnostics import Kind
from ntkc.layers.base.known import PLANNED, WITHOUT_LIMIT
from ntkc.network.report import Report
from ntkc.syntax import ast


def report_unavailable(call: ast.Call, report: Report) -> None:
    """Report a word that is known and not to be had; unknown ones were reported before."""
    word, span = call.function.name, call.function.span
    if word in WITHOUT_LIMIT:
        report_without_limit(report, call.function, word)
    elif word in PLANNED and report.limited:
        report.failed = True  # what was said about the input says it
    elif word in PLANNED:
        report.error(
            "E0501", f"`{word}` is not available yet", span, "a known layer, not built yet",
            help="the layers that can be compiled stand in docs/layers.md",
            kind=Kind.LIMITATION,
        )  # fmt: skip


def report_without_limit(report: Report, name: ast.Name, word: str) -> None:
    """Report a layer that has no limit: `word`, or what another library calls so."""
    why, instead = WITHOUT_LIMIT[word]
    message = f"`{name.name}` has no infinite-width limit in closed form"
    report.error("E0406", message, name.span, why, help=instead)
