"""Programs as kernels, and the oracle that they are held to.

`kernel` compiles with Numba, once a session for each program and number type.
`uncompiled` runs the same generated source as plain Python: slow for each pair, but there
is nothing to compile, so that many programs can be tested.
"""

from __future__ import annotations

import linecache
import sys
from functools import cache
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from ntkc.diagnostics import Source
from ntkc.driver import FrontEnd, Options, front_end, generate
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.interpret import interpret
from ntkc.ir.module import Module
from ntkc.ir.verify import verify, watch
from ntkc.passes.diagonals import diagonals
from ntkc.runtime import Kernel, load_program

Array = NDArray[Any]
ROOTS = ("nngp", "ntk")


def network(*layers: str, size: int | str = 7, before: str = "") -> str:
    """The text of a program."""
    body = "\n    ".join(layers)
    return f"{before}network net {{\n    input vector[{size}]\n    {body}\n}}\n"


@cache
def understood(text: str) -> FrontEnd:
    """A program through the front end."""
    front = front_end(Source("model.ntk", text), Options())
    verify(front.module)
    return front


@cache
def source(text: str, dtype: str = "float64") -> str:
    """The generated module; the IR is verified after every pass."""
    return generate(understood(text), dtype, watch)


_NUMBERS = count()
"""Of generated modules: a routine is compiled from its source, found by its file's name."""


@cache
def kernel(text: str, dtype: str = "float64") -> Kernel:
    """The kernel of a program, compiled."""
    return _load(source(text, dtype))


@cache
def uncompiled(text: str, dtype: str = "float64") -> Kernel:
    """The kernel of a program, whose generated source runs as plain Python."""
    code = source(text, dtype)
    module = ModuleType("uncompiled")
    with patch.dict(sys.modules, _without_numba()):
        exec(compile(code, "<generated>", "exec"), module.__dict__)
    return Kernel(load_program(module))


def _load(code: str) -> Kernel:
    module, name = ModuleType("generated"), f"<generated {next(_NUMBERS)}>"
    linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
    exec(compile(code, name, "exec"), module.__dict__)
    return Kernel(load_program(module))


def _without_numba() -> dict[str, Any]:
    """Stand-ins for what generated modules import from Numba and llvmlite."""

    def njit(**_: object) -> Any:
        return lambda function: _in_numpy_scalars(function)

    def intrinsic(function: Any) -> Any:
        kind = np.float32 if function.__name__.endswith("32") else np.float64
        return lambda exponent: kind(2.0) ** kind(exponent)

    return {
        "numba": SimpleNamespace(njit=njit, types=None),
        "numba.extending": SimpleNamespace(intrinsic=intrinsic),
        "llvmlite": SimpleNamespace(ir=None),
    }


def _in_numpy_scalars(function: Any) -> Any:
    """The function with the square root of each number type, and silent about overflow."""

    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args)

    names = function.__globals__
    names["math"] = SimpleNamespace(**{**vars(names["math"]), "sqrt": np.sqrt})
    return call


def with_diagonals(text: str) -> Module:
    """The recursion as the front end derives it, with the kernels of single inputs."""
    return diagonals(understood(text).module)


def exact(
    text: str, x1: Array, x2: Array, digits: int = 40, **parameters: float
) -> dict[str, Array]:
    """`nngp` and `ntk` from the recursion in `digits` digits, and the scale of every entry.

    `nngp_scale` is sqrt(k(x, x) k(z, z)): errors are relative to it, since a kernel's values
    are sums of terms of that size. `nngp_second` are the values of the rows of `x2` alone.
    """
    module = with_diagonals(text)
    arithmetic = mpmath_arithmetic(digits)
    convert = np.frompyfunc(lambda value: arithmetic.number(0) + float(value), 1, 1)
    first, second = convert(np.asarray(x1)), convert(np.asarray(x2))
    found = interpret(module, first, second, parameters, arithmetic)
    mirrored = interpret(module, second, second[:1], parameters, arithmetic)
    result: dict[str, Array] = {}
    for name in ROOTS:
        left, right = found[f"{name}_diagonal"], mirrored[f"{name}_diagonal"]
        result[name] = found[name].astype(np.float64)
        result[f"{name}_second"] = right.astype(np.float64)
        result[f"{name}_scale"] = np.sqrt(np.outer(left, right).astype(np.float64))
    return result


def error(value: Array, exact_value: Array, scale: Array) -> float:
    """The largest error relative to the scale, absolute where that is 0; inf for NaN."""
    wrong = np.abs(np.asarray(value, np.float64) - exact_value) / np.where(scale > 0, scale, 1.0)
    return float(wrong.max()) if np.isfinite(wrong).all() else np.inf


def worst(made: Kernel, text: str, x1: Array, x2: Array, **parameters: float) -> float:
    """The largest error of both kernels, of pairs and of single inputs."""
    truth = exact(text, x1, x2, **parameters)
    found = made(x1, x2, get=ROOTS, **parameters)
    single = made.diag(x2, get=ROOTS, **parameters)
    errors = [error(getattr(found, r), truth[r], truth[f"{r}_scale"]) for r in ROOTS]
    errors += [error(getattr(single, r), truth[f"{r}_second"], truth[f"{r}_second"]) for r in ROOTS]
    return max(errors)


def at_angles(base: Array, angles: Any, seed: int = 0) -> Array:
    """Rows of the length of `base` (d,) at these angles to it."""
    rng = np.random.default_rng(seed)
    angles = np.asarray(angles, dtype=np.float64)[:, None]
    other = rng.standard_normal((len(angles), base.size))
    other -= (other @ base)[:, None] * base / (base @ base)
    other *= np.linalg.norm(base) / np.linalg.norm(other, axis=1, keepdims=True)
    turned: Array = np.cos(angles) * base + np.sin(angles) * other
    return turned


BASE = np.random.default_rng(1).standard_normal(7)
ANGLES = (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.06, 0.1, 0.5, 1.0, 2.0, 3.0)


OPPOSITE = np.concatenate([at_angles(BASE, [np.pi - 1e-3, np.pi - 1e-8]), [-BASE, -2 * BASE]])


def hard_pairs(angles: Any = ANGLES) -> tuple[Array, Array]:
    """A row and a row of zeros, against rows at small and large angles, multiples, and zeros."""
    multiples = np.outer([2.0, 0.0, 1e-3, 30.0], BASE)
    return np.stack([BASE, 0 * BASE]), np.concatenate([at_angles(BASE, angles), multiples])
