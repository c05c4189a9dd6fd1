"""Messages to the person who wrote the program: values, codes, rendering."""

from ntkc.diagnostics.core import (
    Diagnostic,
    Diagnostics,
    Kind,
    Label,
    NtkError,
    ProgramError,
)
from ntkc.diagnostics.source import Source, Span

__all__ = [
    "Diagnostic",
    "Diagnostics",
    "Kind",
    "Label",
    "NtkError",
    "ProgramError",
    "Source",
    "Span",
]
