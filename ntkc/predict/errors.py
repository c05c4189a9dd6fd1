"""The errors of `ntkc.predict` and `ntkc.theory`.

Each is also an instance of the built-in class that fits it.
"""

from __future__ import annotations


class PredictError(Exception):
    """Base class of every error that predictions raise on purpose."""


class InputError(PredictError, ValueError):
    """An argument whose shape or values do not suit; the message begins with its name."""


class InputTypeError(PredictError, TypeError):
    """An argument that is no array of real numbers; the message begins with its name."""


class SingularKernelError(PredictError, ValueError):
    """A kernel matrix that cannot be inverted as the caller asked.

    `condition` is the estimated condition number (infinite where it is not even semi-definite).
    """

    def __init__(self, message: str, condition: float) -> None:
        super().__init__(message)
        self.condition = condition


class DivergenceError(PredictError, ArithmeticError):
    """A computation that left the range of floating-point numbers, or has no limit."""


class IntegrationError(PredictError, RuntimeError):
    """An ODE solver that gave up; the message carries what it said."""
