"""Reporting: one message for one mistake, however often its place is evaluated."""

from __future__ import annotations

from collections.abc import Iterable

from ntkc.diagnostics import Diagnostics, Kind, Label, Span


class Report:
    """Errors of one network's resolution, each code once at each place.

    `failed` after any error; `limited` once a known limitation of the input was reported,
    which spatial layers would only repeat.
    """

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.failed = False
        self.limited = False
        self._said: set[tuple[str, Span | None]] = set()

    @property
    def full(self) -> bool:
        """Whether nothing more will be kept: then help need not be looked for."""
        return len(self._said) > self.diagnostics.limit

    def error(
        self,
        code: str,
        message: str,
        span: Span | None,
        label: str = "",
        *,
        secondary: tuple[Label, ...] = (),
        help: tuple[str, ...] | str = (),
        notes: tuple[str, ...] = (),
        kind: Kind = Kind.ERROR,
    ) -> None:
        """Report an error, or a warning, unless it was reported there before."""
        self.failed = self.failed or kind is not Kind.WARNING
        if (code, span) in self._said:
            return
        self._said.add((code, span))
        self.diagnostics.error(
            code, message, span, label, secondary=secondary, help=help or (), notes=notes, kind=kind
        )


def listed(names: Iterable[str]) -> str:
    """`a`, `b` and `c`."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
