"""How scalar operations are spelled for a thread of a CUDA device."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ntkc.backends.edge import edge
from ntkc.backends.owen_t import owen_t, triangle
from ntkc.backends.spelling import Dialect, calls, helpers_of, indices, literals, scalars

DEVICE = "@device"
"""The decorator of functions that kernels call; `preamble` defines it."""

_DEVICE = (
    "device = cuda.jit(device=True, **({} if config.ENABLE_CUDASIM else {'forceinline': True}))"
)


INDEX = indices(lambda value: str(int(value)))


def thread(dtype: str) -> Dialect:
    """The dialect of a thread.

    Choices are selections, never branches: Numba takes minutes for functions of many blocks.
    """
    literal = literals(dtype)
    zero, one = literal(0.0), literal(1.0)
    root, inverse = "sqrt_float32({0})", "inverse_root_float32({0})"
    if dtype == "float64":
        positive = f"cuda.selp({{0}} > {zero}, {{0}}, {one})"
        root = f"math.sqrt(cuda.selp({{0}} > {zero}, {{0}}, {zero}))"
        inverse = f"cuda.selp({{0}} > {zero}, {one} / math.sqrt({positive}), {zero})"
    own = {
        "pow2": f"math.ldexp({one}, int({{0}}))",
        "sqrt": root,
        "inv_sqrt": inverse,
        "min": "cuda.selp({0} < {1}, {0}, {1})",
        "max": "cuda.selp({0} > {1}, {0}, {1})",
        "select": f"cuda.selp({{0}} > {zero}, {{1}}, {{2}})",
    }
    return Dialect(f"{dtype} thread", {**scalars(dtype), **calls(own)}, literal)


_INSTRUCTION = '''\
if config.ENABLE_CUDASIM:

    def approximate_{name}(x):
        """{doc}"""
        return F({python})

else:
    from llvmlite import ir
    from numba.cuda.extending import intrinsic

    @intrinsic
    def approximate_{name}(context, x):
        """One instruction, good to 2**-22.9 of the result, which counts denormal numbers as 0."""

        def generate(context, builder, signature, arguments):
            form = ir.FunctionType(ir.FloatType(), [ir.FloatType()])
            root = ir.InlineAsm(form, "{opcode}.approx.ftz.f32 $0, $1;", "=f,f")
            return builder.call(root, arguments)

        return float32(float32), generate'''

_ROOT = (
    _INSTRUCTION.format(
        name="root",
        doc="A root of a number that is not below 0.",
        python="math.sqrt(x)",
        opcode="sqrt",
    )
    + f'''


{DEVICE}
def sqrt_float32(x):
    """sqrt(x), and 0 below 0."""
    return approximate_root(cuda.selp(x > F(0.0), x, F(0.0)))'''
)

_LEAST = repr(2.0**-126)
_INVERSE_ROOT = (
    _INSTRUCTION.format(
        name="inverse_root",
        doc="One over the root of a number; anything where there is none.",
        python="1.0 / math.sqrt(x) if x > 0.0 else 0.0",
        opcode="rsqrt",
    )
    + f'''


{DEVICE}
def inverse_root_float32(x):
    """1 / sqrt(x), and 0 where `sqrt_float32` is 0: below 0, and for denormal numbers."""
    return cuda.selp(x >= F({_LEAST}), approximate_inverse_root(x), F(0.0))'''
)

HELPERS = {"sqrt_float32": _ROOT, "inverse_root_float32": _INVERSE_ROOT} | {
    f"{name}_{dtype}": helper(dtype, DEVICE)
    for name, helper in (("owen_t", owen_t), ("triangle", triangle), ("edge", edge))
    for dtype in ("float64", "float32")
}


def helpers(texts: Sequence[str], own: Mapping[str, str] | None = None) -> list[str]:
    """The helper functions that texts use, some of them a module's own."""
    return helpers_of(texts, HELPERS if own is None else {**HELPERS, **own})


def preamble(texts: Sequence[str]) -> str:
    """The import statements of a module with these texts, and the names that they lean on."""
    used = [n for n in ("float32", "float64") if any(re.search(rf"\b{n}\b", t) for t in texts)]
    inner = any(f"{DEVICE}\n" in text for text in texts)
    names = [*["config"] * inner, "cuda", *used]
    lines = ["import math", "", "import numpy as np", f"from numba import {', '.join(names)}"]
    lines += ["", "F = np.float32", "u64 = np.uint64", *[_DEVICE] * inner]
    return "\n".join(lines)
