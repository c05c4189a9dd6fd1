"""What generated functions are made of besides Numba: vectors as values, and routines.

Generated modules import this one under the name `MODULE`, wherever the runtime was shipped to.
"""

from __future__ import annotations

import sys

from . import vector_code
from .routine import routine
from .vector_functions import (
    BYTES,
    accumulate,
    load,
    maximum,
    minimum,
    power_of_two,
    safe_inverse_sqrt,
    safe_sqrt,
    select,
    store,
    wide_vectors,
    zeros,
)

__all__ = [
    "BYTES",
    "MODULE",
    "accumulate",
    "load",
    "maximum",
    "minimum",
    "power_of_two",
    "routine",
    "safe_inverse_sqrt",
    "safe_sqrt",
    "select",
    "store",
    "vector_code",
    "wide_vectors",
    "zeros",
]

MODULE = "_ntkc_vectors"
sys.modules.setdefault(MODULE, sys.modules[__name__])
