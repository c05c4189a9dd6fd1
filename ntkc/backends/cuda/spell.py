"""How scalar operations are spelled for a thread of a CUDA device."""

from __future__ import annotations

from ntkc.backends.owen_t import owen_t
from ntkc.backends.spelling import Dialect, calls, indices, literals, scalars

_DEVICE = '@cuda.jit(device=True, inline="always")'

INDEX = indices(lambda value: str(int(value)))


def thread(dtype: str) -> Dialect:
    """The dialect of a thread.

    Choices are selections, never branches: Numba takes minutes for functions of many blocks.
    """
    literal = literals(dtype)
    zero, one = literal(0.0), literal(1.0)
    own = {
        "pow2": f"math.ldexp({one}, int({{0}}))",
        "sqrt": f"math.sqrt(cuda.selp({{0}} > {zero}, {{0}}, {zero}))",
        "inv_sqrt": f"cuda.selp({{0}} > {zero}, "
        f"{one} / math.sqrt(cuda.selp({{0}} > {zero}, {{0}}, {one})), {zero})",
        "min": "cuda.selp({0} < {1}, {0}, {1})",
        "max": "cuda.selp({0} > {1}, {0}, {1})",
        "select": f"cuda.selp({{0}} > {zero}, {{1}}, {{2}})",
    }
    return Dialect(f"{dtype} thread", {**scalars(dtype), **calls(own)}, literal)


HELPERS = {f"owen_t_{dtype}": owen_t(dtype, _DEVICE) for dtype in ("float64", "float32")}
