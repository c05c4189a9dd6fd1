"""How large a program may grow while it is resolved: past that an error, never a long wait."""

from __future__ import annotations

from typing import Final

MAX_LAYERS: Final = 20_000  # of a network, after all repetition; each is code to generate
MAX_REPEAT: Final = 10_000  # of one `layer * n`
MAX_STEPS: Final = 100_000  # expressions evaluated for one network
MAX_DEFINITION_DEPTH: Final = 64  # calls of definitions, one inside the other
MAX_FORMULA: Final = 500  # operations of one activation's formula
MAX_LIST: Final = 64  # items of a list
MAX_BRANCHES: Final = 64  # of one `add`, `multiply` or `concat`
MAX_WHOLE: Final = 2**31 - 1  # units, sizes
MAX_EXPONENT: Final = 64  # to which something that depends on a `param` is raised
