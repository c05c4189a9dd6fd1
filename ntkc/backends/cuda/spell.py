"""How scalar operations are spelled for a thread of a CUDA device."""

from __future__ import annotations

import textwrap

from ntkc.backends.numba_cpu.prelude import HELPERS as CPU_HELPERS
from ntkc.backends.numba_cpu.spell import PRODUCT, SIGN, SUM, Dialect, Form, lanes

_WIDTH = 84
_DEVICE = '@cuda.jit(device=True, inline="always")'

INDEX = Dialect(
    "indices",
    {
        "add": Form("{0} + {1}", SUM, (SUM, PRODUCT)),
        "mul": Form("{0} * {1}", PRODUCT, (PRODUCT, SIGN)),
    },
    lambda value: str(int(value)),
)


def thread(dtype: str) -> Dialect:
    """The dialect of a thread: a vector's lane, but for what is a device's own.

    Choices are selections, never branches: Numba takes minutes for functions of many blocks.
    """
    own = lanes(dtype)
    zero, one = own.literal(0.0), own.literal(1.0)
    forms = {
        "pow2": f"math.ldexp({one}, int({{0}}))",
        "sqrt": f"math.sqrt(cuda.selp({{0}} > {zero}, {{0}}, {zero}))",
        "inv_sqrt": f"cuda.selp({{0}} > {zero}, "
        f"{one} / math.sqrt(cuda.selp({{0}} > {zero}, {{0}}, {one})), {zero})",
        "min": "cuda.selp({0} < {1}, {0}, {1})",
        "max": "cuda.selp({0} > {1}, {0}, {1})",
        "select": f"cuda.selp({{0}} > {zero}, {{1}}, {{2}})",
    }
    spelled = {name: Form(text) for name, text in forms.items()}
    return Dialect(f"{dtype} thread", {**own.forms, **spelled}, own.literal)


HELPERS = {
    name: CPU_HELPERS[name].replace('@njit(error_model="numpy")', _DEVICE)
    for name in ("owen_t_float64", "owen_t_float32")
}


def assignment(target: str, value: str) -> list[str]:
    """`target = value`, on several lines where one would be too long to read."""
    line = f"{target} = {value}"
    if len(line) <= _WIDTH:
        return [line]
    wrapped = textwrap.wrap(value, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [f"{target} = (", *(f"    {part}" for part in wrapped), ")"]


def indented(lines: list[str], depth: int = 1) -> list[str]:
    """Lines of a block."""
    return ["    " * depth + line for line in lines]
