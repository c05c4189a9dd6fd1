"""What the command line tells its caller by its exit status."""

from __future__ import annotations

from typing import Final

OK: Final = 0
PROGRAM: Final = 1  # a program has mistakes, or `--check` found something to do
USAGE: Final = 2
RUNTIME: Final = 3  # arrays, files, memory
BUG: Final = 70
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
TERMINATED: Final = 143


class UsageError(Exception):
    """Arguments that cannot be meant, found after they were parsed."""


class InputError(Exception):
    """Data or a file that cannot be used, other than a program."""
