"""What a search found, and how it prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ntkc.predict.report import SolveReport

from .hyperparameters import Hyperparameter
from .objectives import Objective

TITLES: Mapping[Objective, str] = {
    "likelihood": "log marginal likelihood",
    "leave-one-out": "leave-one-out mean squared error",
}


@dataclass(frozen=True)
class Setting:
    """Hyperparameters: every parameter of the network by name, and the ridge."""

    params: Mapping[str, float]
    ridge: float


@dataclass(frozen=True)
class Restart:
    """One descent: from where to where, the objective at both ends, and how it went.

    A value is None where the objective could not be evaluated; `infeasible` counts all such
    evaluations, `message` says what the search, or the failed first evaluation, said.
    """

    start: Setting
    end: Setting
    start_value: float | None
    value: float | None
    evaluations: int
    infeasible: int
    iterations: int
    converged: bool
    message: str


@dataclass(frozen=True)
class TuneReport:
    """The best hyperparameters found; printing it shows everything as tables.

    `params`: every parameter of the network, those that were fixed too; `ridge`: in the kernel's
    units; `value`: the objective there. `active`: what ended on a bound, in words: a wider bound
    may do better. `restarts`: every descent, the first from the starting values; `best` is the
    number of the one that won. `varied` and `ridge_range`: what was searched (None for a fixed
    ridge). `gradients`: "compiler" or "differences". `solve`: how the best matrix was solved.
    """

    params: Mapping[str, float]
    ridge: float
    objective: Objective
    kernel: str
    value: float
    rows: int
    evaluations: int
    active: tuple[str, ...]
    restarts: tuple[Restart, ...]
    best: int
    varied: tuple[Hyperparameter, ...]
    ridge_range: Hyperparameter | None
    gradients: str
    solve: SolveReport

    def __str__(self) -> str:
        first = self.restarts[0].start_value
        before = "not computable" if first is None else f"{first:.6g}"
        by = "the compiler" if self.gradients == "compiler" else "differences"
        return "\n".join(
            [
                f"{', '.join(self._names()) or 'nothing'} tuned on {self.rows} rows with the "
                f"{self.kernel.upper()}; gradients by {by}",
                "",
                *self._hyperparameters(),
                "",
                f"{TITLES[self.objective]}: {self.value:.6g}; at the start: {before}",
                f"condition number: {self.solve.condition:.1e}; effective degrees of freedom: "
                f"{self.solve.effective_dof:.1f}",
                "",
                *self._descents(),
                "",
                f"{self.evaluations} evaluations; * is the best descent",
            ]
        )

    def _searched(self) -> list[Hyperparameter]:
        return [*self.varied, *([] if self.ridge_range is None else [self.ridge_range])]

    def _names(self) -> list[str]:
        return [each.name for each in self._searched()]

    def _numbers(self, setting: Setting) -> list[float]:
        """The values of what was searched."""
        own = [setting.params[each.name] for each in self.varied]
        return own if self.ridge_range is None else [*own, setting.ridge]

    def _hyperparameters(self) -> list[str]:
        rows = [["", "start", "best", "lowest", "highest", ""]]
        found = self._numbers(Setting(self.params, self.ridge))
        for each, value in zip(self._searched(), found, strict=True):
            side = each.at_bound(value)
            note = "" if side is None else f"at its {side} bound"
            numbers = (each.start, value, each.low, each.high)
            rows.append([each.name, *(f"{number:.4g}" for number in numbers), note])
        return table(rows)

    def _descents(self) -> list[str]:
        rows = [["", *self._names(), "", *self._names(), "objective", "evaluations", ""]]
        for number, each in enumerate(self.restarts):
            start, end = (
                [f"{value:.4g}" for value in self._numbers(setting)]
                for setting in (each.start, each.end)
            )
            value = "failed" if each.value is None else f"{each.value:.6g}"
            note = "" if each.converged else each.message
            mark = "*" if number == self.best else ""
            rows.append([mark, *start, "->", *end, value, str(each.evaluations), note])
        return table(rows)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of words in columns: the first and the last to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *middle, last = row
        cells = [word.rjust(width) for word, width in zip(middle, widths[1:-1], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells, last]).rstrip())
    return lines
