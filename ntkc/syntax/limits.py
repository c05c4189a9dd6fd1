"""How much text the front end takes: what is larger gets an error, never a long wait."""

from __future__ import annotations

from typing import Final

MAX_FILE_BYTES: Final = 1 << 20
MAX_TOKENS: Final = 50_000  # comments and line ends count
MAX_NESTING: Final = 64  # of brackets, operators and conditionals, one inside the other
MAX_NAME_LENGTH: Final = 64
MAX_INTEGER_DIGITS: Final = 15  # every such number is exact as a float
MAX_NUMBER_LENGTH: Final = 64  # of a literal with a point, an exponent, or an `x`
MAX_FILES: Final = 64  # a program and all that it imports
MAX_PROGRAM_BYTES: Final = 4 << 20  # the same, added up
MAX_REPORTS: Final = 20  # errors told about one file
