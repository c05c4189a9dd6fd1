"""What fits of a function of the angle are held to: its formula in extended precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from ntkc.ir.arithmetic import Arithmetic, evaluate, numpy_arithmetic
from ntkc.ir.exact import NAMED_CONSTANTS, recognise
from ntkc.ir.node import Node, Rewriter, symbol

ROUNDINGS = 8
"""By how many eps of its scale what is computed in the number type may differ. Seen are 1 to 6; a
quotient with more has terms that cancel."""

Function = Callable[[Any], Any]
"""Of arrays of complements."""


@dataclass(frozen=True)
class Fit:
    """What stands for a function of `gram_complement`: a form of the kernel IR, in words too.

    `error` is relative to the largest value, beside what half a rounding of the complement makes.
    """

    form: Node
    error: float
    words: str


@dataclass(frozen=True)
class Truth:
    """A function at complements that no fit sees, and by how much half a rounding of them moves it.

    Errors are relative to `scale`, a number or one for each complement.
    """

    dtype: str
    eta: Any
    values: Any
    felt: Any
    scale: Any

    @classmethod
    def at(cls, exact: Function, eta: Any, dtype: str, scale: Any = None) -> Truth:
        """At the numbers of the type next to `eta`; relative to the largest value, otherwise."""
        eta = eta.astype(dtype).astype(np.longdouble)
        values = exact(eta)
        felt = np.abs(exact(eta * (1 + np.finfo(dtype).eps / 2)) - values)
        return cls(dtype, eta, values, felt, np.abs(values).max() if scale is None else scale)

    def error(self, form: Node) -> float:
        """Of the formula: the certificate."""
        return self._beside(value_of(form, numpy_arithmetic(np.longdouble))(self.eta))

    def roundings(self, form: Node) -> float:
        """Of what the kernel computes."""
        kind = np.dtype(self.dtype).type
        computed = value_of(form, numpy_arithmetic(self.dtype))(self.eta.astype(kind))
        return self._beside(computed) / float(np.finfo(kind).eps)

    def _beside(self, values: Any) -> float:
        gaps = np.maximum(np.abs(values - self.values) - self.felt, 0)
        return float((gaps / self.scale).max()) if np.isfinite(gaps).all() else np.inf


def formula(core: Node) -> Node:
    """A form in `gram_complement` as one in the symbol `eta`."""

    def rule(node: Node) -> Node:
        if node.op == "gram_complement":
            return symbol("eta")
        return node.args[0] if node.op in ("carry", "within") else node

    return Rewriter(rule)(core)


def value_of(core: Node, arithmetic: Arithmetic) -> Function:
    """A form in `gram_complement` as a function of arrays of complements."""
    form = formula(core)
    return lambda values: np.broadcast_to(
        evaluate([form], {"eta": values}, arithmetic)[0], values.shape
    )


@cache
def extended() -> Arithmetic:
    """NumPy's longest floats; a constant that is the float nearest to 1/pi means 1/pi."""
    plain = numpy_arithmetic(np.longdouble)

    def number(value: Any) -> Any:
        known = recognise(value) if isinstance(value, float) else None
        if known is None:
            return plain.number(value)
        exact = known[0] * NAMED_CONSTANTS[known[1]]
        high = float(exact)
        return plain.number(high) + plain.number(float(exact - Fraction(high)))

    return Arithmetic("extended", number, plain.table)


def shaken(dtype: str) -> Arithmetic:
    """The number type, with every constant wrong by up to half a rounding more than it is."""
    plain, draws = numpy_arithmetic(dtype), np.random.default_rng(0)

    def number(value: Any) -> Any:
        if isinstance(value, float):
            value *= 1.0 + float(np.finfo(dtype).eps) * draws.uniform(-0.5, 0.5)
        return plain.number(value)

    return Arithmetic(f"shaken {dtype}", number, plain.table)


def nodes(count: int) -> tuple[Any, Any]:
    """Chebyshev's nodes on [-1, 1], and on [0, 1]."""
    half_turn = np.arccos(np.longdouble(-1))
    x = np.cos(half_turn * (np.arange(count, dtype=np.longdouble) + np.longdouble(0.5)) / count)
    return x, (x + 1) / 2


def complement(u: Any, scale: float) -> Any:
    """1 - cos(theta) = 2 sin^2(theta/2) at u, 0 to 1, of which tan(theta/4) is
    scale u / (1 + scale - u): the smaller the scale, the denser near coincidence.
    """
    t = scale * u / (1 + scale - u)
    s = 2 * t / (1 + t * t)
    return 2 * s * s


def between(scales: list[float], count: int) -> Any:
    """Complements of so many places of each scale, both ends among them."""
    u = (np.cos(np.linspace(0, np.pi, count).astype(np.longdouble)) + 1) / 2
    return np.concatenate([complement(u, scale) for scale in scales])


def symmetry(exact: Function, eta: Any, lost: Any = 0.0) -> int:
    """1 where an input and its opposite have the same value with others, -1 where its negative,
    otherwise 0: at moderate angles, for 2 - eta has few of the digits of a small eta. The
    certificate is what a fit is held to. `lost` of each value may be rounding's.
    """
    moderate = eta > 0.1
    values, opposite = exact(eta[moderate]), exact(2 - eta[moderate])
    allowed = 2.0**-40 * np.abs(values).max() + np.max(lost)
    even, odd = (np.abs(values - sign * opposite).max() <= allowed for sign in (1, -1))
    return int(even) - int(odd)
