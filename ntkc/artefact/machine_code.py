"""What Numba makes of a tile function, as text."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class NoMachineCodeError(Exception):
    """Numba is switched off."""


def machine_code(tile: Any, dtype: str, form: str) -> str:
    """A tile function's LLVM IR (`llvm`) or assembly (`asm`), compiled anew.

    Machine code that was kept has lost its text. Raises `NoMachineCodeError` where Numba is
    switched off.
    """
    numba: Any = import_module("numba")
    if numba.config.DISABLE_JIT:
        raise NoMachineCodeError("there is no machine code while NUMBA_DISABLE_JIT is set")
    numbers = numba.types.Array(getattr(numba, dtype), 1, "C")
    whole, flag = numba.int64, numba.boolean
    signature = (
        *(numbers, numbers, whole, whole, whole),
        *(numbers, whole, whole, numbers, whole, whole),
        *(numbers, numbers, flag),
    )
    options = {name: value for name, value in tile.targetoptions.items() if name != "nopython"}
    again = numba.njit(**options)(tile.py_func)
    again.compile(signature)
    texts = again.inspect_llvm() if form == "llvm" else again.inspect_asm()
    return str(texts[signature])
