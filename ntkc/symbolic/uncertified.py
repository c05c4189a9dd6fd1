"""The refusal of a series, in words."""

from __future__ import annotations

import math

from ntkc.diagnostics import NtkError


class NotCertifiedError(NtkError, ValueError):
    """No series of this activation meets the tolerance.

    `reason` goes on after "it has no closed form, and"; `enough` is a tolerance that a series
    would meet; None where none is known.
    """

    def __init__(self, name: str, reason: str, enough: float | None = None) -> None:
        super().__init__(f"`{name}` has no closed form, and {reason}")
        self.name = name
        self.reason = reason
        self.enough = enough

    @property
    def help(self) -> str:
        """What the user can do."""
        if self.enough is None or not self.enough < _COARSEST:
            return _CLOSED
        enough = 10.0 ** math.ceil(math.log10(self.enough))
        return (
            f"ask for less: `tolerance={enough:.0e}` in Python, `--tolerance {enough:.0e}` on the "
            "command line"
        )


_COARSEST = 1e-3
_CLOSED = (
    "pieces of polynomials, `exp` of linear and quadratic functions, `sin`, `cos`, `erf` and `Phi` "
    "of linear ones have closed forms, whatever their kinks and slopes"
)
