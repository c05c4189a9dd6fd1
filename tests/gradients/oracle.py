"""Programs with derivatives, and the recursion's own: differences of it in 55 digits."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from ntkc.artefact.image_gradients import ImageGradients
from ntkc.driver import Derivatives, generate
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.interpret import interpret
from ntkc.ir.verify import watch
from ntkc.runtime import Kernel, load_program
from ntkc.runtime.gradients import Request
from tests.backends.kernels import _without_numba, source, understood, with_diagonals

Array = NDArray[Any]
STEP = 1e-12
"""Of central differences. What they leave out is of the order of its square; what they lose, of
55 digits, is at most 25 digits at coincident inputs (the recursion's square roots) and 12 more."""
_ARITHMETIC = mpmath_arithmetic(55)


class Derived(Kernel):
    """The kernel of a program and its derivatives, whose generated source runs as plain Python."""

    def __init__(self, text: str, dtype: str) -> None:
        super().__init__(_loaded(source(text, dtype)))
        self._text = text

    def _differentiated(self, root: str, wrt: tuple[str, ...]) -> Kernel:
        return _derived(self._text, str(self.dtype), root, wrt)

    def _pulled_back(self, request: Request, cotangent: Array) -> dict[str, Array]:
        return ImageGradients(understood(self._text))(request, cotangent)


@cache
def derived(text: str, dtype: str = "float64") -> Derived:
    """The kernel of a program, with derivatives."""
    return Derived(text, dtype)


@cache
def _derived(text: str, dtype: str, root: str, wrt: tuple[str, ...]) -> Kernel:
    code = generate(understood(text), dtype, watch, "", Derivatives(root, wrt))
    return Kernel(_loaded(code))


def _loaded(code: str) -> Any:
    module = ModuleType("uncompiled")
    with patch.dict(sys.modules, _without_numba()):
        exec(compile(code, "<generated>", "exec"), module.__dict__)
    return load_program(module)


def exact(array: Array) -> Array:
    """The same numbers in 55 digits."""
    convert = np.frompyfunc(lambda value: _ARITHMETIC.number(0) + float(value), 1, 1)
    found: Array = convert(np.asarray(array))
    return found


def recursion(text: str, x1: Array, x2: Array, parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Every root of the recursion in 55 digits, for arrays of such numbers."""
    return interpret(with_diagonals(text), x1, x2, parameters, _ARITHMETIC)


def rates(text: str, x1: Array, x2: Array, name: str, **given: float) -> dict[str, Array]:
    """The derivatives of every root by a parameter."""
    defaults = {p.name: p.default for p in understood(text).module.parameters} | given
    middle = _ARITHMETIC.number(defaults[name])
    ends = [
        recursion(text, exact(x1), exact(x2), {**defaults, name: middle + sign * STEP})
        for sign in (1, -1)
    ]
    return {root: _quotient(ends[0][root], ends[1][root]) for root in ends[0]}


def slopes(
    text: str, x1: Array, x2: Array, direction: Array, step: float = STEP, **given: float
) -> dict[str, Array]:
    """The derivatives of every root along a direction of all first inputs, of an input's shape."""
    ends = [
        recursion(text, exact(x1) + sign * step * exact(direction), exact(x2), given)
        for sign in (1, -1)
    ]
    return {root: _quotient(ends[0][root], ends[1][root], step) for root in ends[0]}


def _quotient(after: Array, before: Array, step: float = STEP) -> Array:
    found: Array = ((after - before) / (2 * _ARITHMETIC.number(step))).astype(np.float64)
    return found
