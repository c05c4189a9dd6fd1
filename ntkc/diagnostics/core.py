"""Diagnostics as values, and the errors that carry them.

A diagnostic is made where the mistake is found, collected in a `Diagnostics`
sink so that one run reports several, and rendered once, by `render`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from ntkc.diagnostics.source import Span


class Kind(Enum):
    """Whose matter a diagnostic is."""

    ERROR = "error"  # the user's program is wrong
    LIMITATION = "limitation"  # right, but ntkc cannot do it yet
    WARNING = "warning"  # accepted, with something the user should know
    BUG = "internal error"  # ntkc is wrong


@dataclass(frozen=True)
class Label:
    """A span and what to say beside it."""

    span: Span
    text: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """One message about a program: what, where, because of what, and the mend."""

    code: str
    message: str
    primary: Label | None = None
    secondary: tuple[Label, ...] = ()
    help: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    kind: Kind = Kind.ERROR


class NtkError(Exception):
    """Base class of every error that ntkc raises on purpose."""


class ProgramError(NtkError, ValueError):
    """A program that cannot be compiled, with every diagnostic that was found."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__(diagnostics)

    def __str__(self) -> str:
        from ntkc.diagnostics.render import render

        return "\n\n".join(render(diagnostic) for diagnostic in self.diagnostics)


@dataclass
class Diagnostics:
    """Collects what is found during one compilation.

    At most `limit` errors are kept: past that a hostile file would only repeat itself.
    """

    limit: int = 20
    _found: list[Diagnostic] = field(default_factory=list)

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; the same one twice is kept once."""
        if diagnostic not in self._found and len(self._found) < self.limit:
            self._found.append(diagnostic)

    def error(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        label: str = "",
        *,
        secondary: tuple[Label, ...] = (),
        help: tuple[str, ...] | str = (),
        notes: tuple[str, ...] = (),
        kind: Kind = Kind.ERROR,
    ) -> None:
        """Report an error made of its parts."""
        primary = None if span is None else Label(span, label)
        helps = (help,) if isinstance(help, str) else help
        self.report(Diagnostic(code, message, primary, secondary, helps, notes, kind))

    @property
    def has_errors(self) -> bool:
        """Whether anything but warnings was found."""
        return any(found.kind is not Kind.WARNING for found in self._found)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings alone."""
        return tuple(found for found in self._found if found.kind is Kind.WARNING)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found)

    def raise_errors(self) -> None:
        """Raise `ProgramError` with everything found, if there was an error."""
        if self.has_errors:
            raise ProgramError(tuple(self._found))
