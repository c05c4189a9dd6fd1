"""Formulas drawn from the language's expression grammar, with a meaning of their own.

A formula is a tree of tuples: `text` writes it as a program does, `run` evaluates it over NumPy
arrays together with its derivative and with sums of absolute values, and tells where it is
kinked. Nothing of the compiler has a part in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Tree = Any
COMPARISONS = ("<", "<=", ">", ">=")
PARAMETERS = {"a": 0.7, "b": 1.5}


# --- text --------------------------------------------------------------------------------


def text(tree: Tree) -> str:
    """The formula as a program has it."""
    match tree:
        case ("number", value):
            return f"{value:g}"
        case ("name", name):
            return str(name)
        case ("power", base, exponent):
            return f"({text(base)}) ^ {exponent}"
        case ("neg", x):
            return f"(-{text(x)})"
        case ("if", comparison, x, y, then, otherwise):
            condition = f"{text(x)} {comparison} {text(y)}"
            return f"(if {condition} then {text(then)} else {text(otherwise)})"
        case (("+" | "-" | "*" | "/") as operator, x, y):
            return f"({text(x)} {operator} {text(y)})"
        case (function, *arguments):
            return f"{function}({', '.join(map(text, arguments))})"
    raise AssertionError(tree)


def names(tree: Tree) -> set[str]:
    """The names that occur."""
    if tree[0] == "name":
        return {tree[1]}
    return {n for part in tree[1:] if isinstance(part, tuple) for n in names(part)}


# --- meaning -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """Values over an array of z: f, f', and the same with every sum of absolute values, which
    is what rounding errors of a formula that is taken apart are relative to.
    """

    f: Array
    slope: Array
    size: Array
    steepness: Array


def run(tree: Tree, z: Array, switches: list[Array] | None = None) -> Run:
    """The formula at `z`; `switches` gains values whose changes of sign are its kinks."""
    seen: list[Array] = [] if switches is None else switches
    with np.errstate(all="ignore"):
        return _run(tree, z, seen)


def _run(tree: Tree, z: Array, seen: list[Array]) -> Run:
    zero = np.zeros_like(z)
    match tree:
        case ("number", value):
            return Run(zero + value, zero, zero + abs(value), zero)
        case ("name", "z"):
            return Run(z, zero + 1.0, abs(z), zero + 1.0)
        case ("name", name):
            return Run(zero + PARAMETERS[name], zero, zero + PARAMETERS[name], zero)
        case ("power", base, exponent):
            x = _run(base, z, seen)
            if exponent == 0:
                return Run(zero + 1.0, zero, zero + 1.0, zero)
            rate, size = exponent * x.f ** (exponent - 1), exponent * x.size ** (exponent - 1)
            return Run(x.f**exponent, rate * x.slope, x.size**exponent, size * x.steepness)
        case ("neg", part):
            x = _run(part, z, seen)
            return Run(-x.f, -x.slope, x.size, x.steepness)
        case ("if", comparison, left, right, then, otherwise):
            x, y = _run(left, z, seen), _run(right, z, seen)
            one, two = _run(then, z, seen), _run(otherwise, z, seen)
            gap = x.f - y.f if comparison in (">", "<=") else y.f - x.f
            if comparison in ("<", ">"):
                return _chosen(gap, one, two, seen)
            return _chosen(gap, two, one, seen)  # where both are equal, the condition holds
        case (("+" | "-" | "*" | "/") as operator, left, right):
            return _OPERATORS[operator](_run(left, z, seen), _run(right, z, seen))
        case ("max" | "min" as function, left, right):
            x, y = _run(left, z, seen), _run(right, z, seen)
            gap = x.f - y.f if function == "max" else y.f - x.f
            return _chosen(gap, x, y, seen)
        case (function, part):
            return _called(function, _run(part, z, seen), seen)
    raise AssertionError(tree)


def _plus(x: Run, y: Run, sign: float = 1.0) -> Run:
    return Run(
        x.f + sign * y.f, x.slope + sign * y.slope, x.size + y.size, x.steepness + y.steepness
    )


def _times(x: Run, y: Run) -> Run:
    return Run(
        x.f * y.f,
        x.slope * y.f + x.f * y.slope,
        x.size * y.size,
        x.steepness * y.size + x.size * y.steepness,
    )


def _inverse(y: Run) -> Run:
    square = y.f * y.f
    return Run(1 / y.f, -y.slope / square, 1 / abs(y.f), y.steepness / square)


_OPERATORS: dict[str, Callable[[Run, Run], Run]] = {
    "+": _plus,
    "-": lambda x, y: _plus(x, y, -1.0),
    "*": _times,
    "/": lambda x, y: _times(x, _inverse(y)),
}


def _chosen(gap: Array, x: Run, y: Run, seen: list[Array]) -> Run:
    """x where the gap is positive, else y. Both may have a part in how it is computed."""
    seen.append(gap)
    yes = gap > 0
    return Run(
        np.where(yes, x.f, y.f),
        np.where(yes, x.slope, y.slope),
        np.maximum(x.size, y.size),
        np.maximum(x.steepness, y.steepness),
    )


def _called(function: str, x: Run, seen: list[Array]) -> Run:
    zero = np.zeros_like(x.f)
    one = Run(zero + 1.0, zero, zero + 1.0, zero)
    minus = Run(-x.f, -x.slope, x.size, x.steepness)
    match function:
        case "relu":
            return _chosen(x.f, x, Run(zero, zero, zero, zero), seen)
        case "abs":
            return _chosen(x.f, x, minus, seen)
        case "step":
            return _chosen(x.f, one, Run(zero, zero, zero, zero), seen)
        case "sign":
            below = _chosen(
                -x.f, Run(zero - 1.0, zero, one.f, zero), _times(x, Run(*[zero] * 4)), seen
            )
            return _chosen(x.f, one, below, seen)
    value, rate = _SMOOTH[function](x.f)
    return Run(value, rate * x.slope, abs(value), abs(rate) * x.steepness)


_SMOOTH: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "exp": lambda x: (np.exp(x), np.exp(x)),
    "log": lambda x: (np.log(x), 1 / x),
    "sqrt": lambda x: (np.sqrt(x), 0.5 / np.sqrt(x)),
    "sin": lambda x: (np.sin(x), np.cos(x)),
    "cos": lambda x: (np.cos(x), -np.sin(x)),
    "tanh": lambda x: (np.tanh(x), 1 / np.cosh(x) ** 2),
    "erf": lambda x: (special.erf(x), 2 / np.sqrt(np.pi) * np.exp(-x * x)),
    "Phi": lambda x: (special.ndtr(x), np.exp(-x * x / 2) / np.sqrt(2 * np.pi)),
    "sigmoid": lambda x: (special.expit(x), special.expit(x) * special.expit(-x)),
}


def kinks(tree: Tree, reach: float) -> list[float]:
    """Where something in the formula changes branches, for |z| up to `reach`."""
    z = np.concatenate([np.linspace(-reach, reach, 20_001), np.linspace(-1e-3, 1e-3, 11)])
    z = np.unique(z) + 1e-7 / np.pi
    seen: list[Array] = []
    run(tree, z, seen)
    found = []
    for index, gap in enumerate(seen):
        for place in np.flatnonzero((gap[1:] > 0) != (gap[:-1] > 0)):
            found.append(_bisected(tree, index, z[place], z[place + 1]))
    return sorted(set(found))


def _bisected(tree: Tree, index: int, low: float, high: float) -> float:
    def positive(z: float) -> bool:
        seen: list[Array] = []
        run(tree, np.array([z]), seen)
        return bool(seen[index][0] > 0)

    before = positive(low)
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if positive(middle) == before else (low, middle)
    return (low + high) / 2


# --- strategies --------------------------------------------------------------------------

Z: Tree = ("name", "z")
numbers = st.one_of(st.integers(1, 5).map(float), st.integers(1, 30).map(lambda n: n / 10)).map(
    lambda value: ("number", value)
)
constants = st.one_of(numbers, numbers, st.sampled_from([("name", "a"), ("name", "b")]))
shifts = st.one_of(st.just(None), st.just(None), constants)


@st.composite
def linear(draw: Any) -> Tree:
    """slope * z + shift."""
    slope, shift = draw(shifts), draw(shifts)
    tree = Z if slope is None else ("*", slope, Z)
    tree = ("neg", tree) if draw(st.booleans()) and draw(st.booleans()) else tree
    return tree if shift is None else (draw(st.sampled_from("+-")), tree, shift)


lines = linear()
waves = st.tuples(st.sampled_from(["sin", "cos"]), lines)
normals = st.tuples(st.sampled_from(["erf", "Phi"]), lines)
bells = st.tuples(st.just("exp"), constants.map(lambda s: ("neg", ("*", s, ("power", Z, 2)))))
exponentials = st.tuples(st.just("exp"), lines)
"""Of small rates: E[f f] of large ones is beyond what a rule on a finite line can see."""


def _grown(parts: Any) -> Any:
    """One operation more, of those that rules know."""
    return st.one_of(
        st.tuples(st.sampled_from("+-*"), parts, parts),
        st.tuples(st.sampled_from("+-"), parts, parts),
        st.tuples(st.just("*"), constants, parts),
        st.tuples(st.just("/"), parts, constants),
        st.tuples(st.just("neg"), parts),
        st.tuples(st.just("power"), parts, st.integers(0, 3)),
        st.tuples(st.sampled_from(["relu", "abs", "step", "sign"]), parts),
        st.tuples(st.sampled_from(["max", "min"]), parts, st.one_of(parts, constants)),
        st.tuples(st.just("if"), st.sampled_from(COMPARISONS), lines, constants, parts, parts),
    )


def _anything(parts: Any) -> Any:
    """One operation more, of all that the language has."""
    return st.one_of(
        _grown(parts),
        st.tuples(st.just("/"), parts, parts),
        st.tuples(st.sampled_from([*_SMOOTH]), parts),
        st.tuples(st.just("if"), st.sampled_from(COMPARISONS), parts, parts, parts, parts),
    )


leaves = st.one_of(lines, lines, lines, constants, waves, normals, bells, exponentials)
by_rules = st.recursive(leaves, _grown, max_leaves=5).filter(lambda tree: "z" in names(tree))
"""Formulas for which rules have closed forms, most of them."""
formulas = st.recursive(st.one_of(leaves, constants), _anything, max_leaves=6).filter(
    lambda tree: "z" in names(tree)
)
"""Any formulas."""
