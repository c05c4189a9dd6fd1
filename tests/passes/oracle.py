"""Modules evaluated exactly, and in float64 as generated code would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.ir.arithmetic import numpy_arithmetic
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.interpret import Interpreter, _shaped, interpret
from ntkc.ir.module import Module

Array = NDArray[Any]


def in_digits(
    module: Module, x1: Array, x2: Array, parameters: Mapping[str, float] | None = None
) -> dict[str, Array]:
    """Every root in 40 digits, from exactly these floats."""
    arithmetic = mpmath_arithmetic(40)
    convert = np.frompyfunc(lambda value: arithmetic.number(0) + float(value), 1, 1)
    return interpret(module, convert(x1), convert(x2), parameters, arithmetic)


def in_float64(
    module: Module, x1: Array, x2: Array, parameters: Mapping[str, float] | None = None
) -> dict[str, Array]:
    """Every root in float64, with complements of inputs that are right to the last digit.

    The interpreter's own come from products, as textbooks have it: the runtime's do not.
    """
    bound = {p.name: p.default for p in module.parameters} | dict(parameters or {})
    interpreter = _Accurate(module, x1, x2, bound, numpy_arithmetic(np.float64))
    values = interpreter.run()
    return {
        name: _shaped(values[root], name, len(x1), len(x2)) for name, root in module.roots.items()
    }


class _Accurate(Interpreter):
    def __init__(self, module: Module, x1: Array, x2: Array, *rest: Any) -> None:
        super().__init__(module, x1, x2, *rest)
        left, right = (_directions(x) for x in (x1, x2))
        distances = 0.5 * ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=2)
        zero = (left[:, None, :] == 0).all(axis=2) | (right[None, :, :] == 0).all(axis=2)
        self._complement = np.where(zero, 1.0, distances).astype(np.float64)

    def _gram_complement(self) -> Any:
        return self._complement


def _directions(x: Array) -> Array:
    wide = x.astype(np.longdouble)
    norms = np.sqrt((wide**2).sum(axis=1, keepdims=True))
    return wide / np.where(norms > 0, norms, 1)


def scales(module: Module, x1: Array, x2: Array, values: Mapping[str, Array]) -> dict[str, Array]:
    """sqrt(k(x, x) k(z, z)) for each kernel: what its errors are relative to."""
    mirrored = in_digits(module, x2, x2[:1])
    found = {}
    for root in ("nngp", "ntk"):
        left, right = values[f"{root}_diagonal"], mirrored[f"{root}_diagonal"]
        found[root] = np.sqrt(np.outer(left, right).astype(np.float64))
        found[f"{root}_diagonal"] = np.abs(left).astype(np.float64)
    return found
