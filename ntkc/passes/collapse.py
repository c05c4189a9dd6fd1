"""Replace the recursion through a network's depth by one function of the angle, fitted once.

    ntk = (sqrt(k11) sqrt(k22)) * f(gram_complement)
        becomes
    ntk = (sqrt(k11) sqrt(k22)) * (f(0) - u * chebyshev(2u - 1)),   u = u(theta)

Where every variance is a number (normalized inputs), or a factor that stands outside of the
whole (homogeneous activations without bias), what is left of a root depends on one number, the
angle theta between the inputs: 1 - cos(theta) is the complement they begin with. However many
layers there are, that function is fitted by one Chebyshev series. It is analytic in theta on
[0, pi], and the deeper the network the closer to coincidence it bends, so the series runs in

    u = (1 + k) t / (t + k),   t = tan(theta/4) = sin(theta/2) / (1 + cos(theta/2)),

two roots and a quotient, with the k of a few that needs the fewest terms. The difference from
the value at coincidence is fitted, over u: what is 0 there is exactly 0, and small distances
keep their digits. The error is certified in extended precision on points of its own; a function
that is not met to a few roundings stays as it was, and so does one that is cheaper than its fit.
Preserves every root to within the certificate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, reduce
from typing import Any

import numpy as np

from ntkc.ir.arithmetic import (
    NAMED_CONSTANTS,
    Arithmetic,
    evaluate,
    numpy_arithmetic,
    recognise,
)
from ntkc.ir.cost import work
from ntkc.ir.module import Module
from ntkc.ir.node import (
    Node,
    Rewriter,
    Varies,
    const,
    is_const,
    make,
    sqrt,
    symbol,
    topological,
    with_args,
)

_NODES = 192
_SCALES = (8.0, 2.0, 0.7, 0.25, 0.1, 0.04, 0.016)
"""k: the smaller, the denser the points near coincidence."""
_LENGTHS = (8, 10, 12, 14, 16, 19, 22, 26, 30, 35, 40, 46, 53, 60, 70, 80, 95, 110)
_SHORTEST = {"float64": 114, "float32": 66}
"""Flops of the shortest fit that was ever seen: below, none is tried."""
_WANTED = {"float64": 2e-16, "float32": 6e-8}
_CERTIFIED = {"float64": 4e-16, "float32": 2.4e-7}
"""A rounding or two of the number type, relative to the largest value."""
_GAIN = 0.7
"""Of the flops at most: for less, a recursion that can be read is worth more."""
_EXTRA_WORK = 24
"""Flops from the complement to s and x."""


@dataclass(frozen=True)
class Fit:
    """f(0) - u * series(2u - 1): see above.

    `error` is relative to the largest value, beside what half a rounding of the complement makes.
    """

    scale: float
    coincident: float
    series: tuple[float, ...]
    error: float


@dataclass(frozen=True)
class Collapsed:
    """A root whose depth is gone: its fit, and the flops of a pair before and after."""

    root: str
    fit: Fit
    before: int
    after: int


def collapse(module: Module, dtype: str) -> Module:
    """The module with every root that depends on the angle alone as one series of it."""
    roots = dict(module.roots)
    for found in collapsible(module, dtype):
        roots[found.root] = _replaced(module.roots[found.root], found.fit)
    return module.with_roots(roots, module.spans)


def collapsible(module: Module, dtype: str) -> Iterable[Collapsed]:
    """The roots of pairs that a fit serves better than the recursion."""
    for name, root in module.roots.items():
        _, core = _split(root)
        if core is None:
            continue
        before = work(topological((core,))).flops
        if _GAIN * before <= _SHORTEST[dtype]:
            continue
        fitted = fit(core, dtype)
        after = 3 * len(fitted.series) + _EXTRA_WORK
        if fitted.error <= _CERTIFIED[dtype] and after <= _GAIN * before:
            yield Collapsed(name, fitted, before, after)


def reason(module: Module, name: str) -> str:
    """Why a root depends on more than the angle, for a person; "" where it does not."""
    single, core = _split(module.roots[name])
    if core is not None:
        return ""
    nodes = list(topological((module.roots[name],)))
    parameters = [n.attr("name") for n in nodes if n.op == "param" and n not in single]
    if parameters:
        return f"the parameter `{parameters[0]}` is known when the kernel is called"
    if any(node.op == "product" for node in nodes):
        return "it is shallow and smooth, and starts from covariances"
    return "the variances of its layers differ from input to input"


Factored = tuple[tuple[Node, ...], Node]
"""What varies over one input or none, in the order of identities, and what it multiplies."""


def _split(root: Node) -> tuple[tuple[Node, ...], Node | None]:
    """The factors of a root that do not depend on the angle, and the rest, which depends on the
    complement alone; None for that where the root is no such product.
    """
    known: dict[Node, Factored | None] = {}
    for node in topological((root,)):
        known[node] = _factored(node, [known[a] for a in node.args])
    found = known[root]
    return ((), None) if found is None else found


def _factored(node: Node, args: list[Factored | None]) -> Factored | None:
    """Factors are gathered from products, and stand before sums whose terms share them all."""
    if is_const(node) or node.op == "gram_complement":
        return (), node
    found = [arg for arg in args if arg is not None]
    if node.op == "mul" and len(found) == 2:
        (left, x), (right, y) = found
        return tuple(sorted((*left, *right), key=id)), _times(x, y)
    if node.varies is not Varies.CROSS:
        return (node,), _ONE
    if not args or len(found) < len(args):
        return None
    singles = {factors for factors, _ in found}
    if len(singles) > 1 or (singles != {()} and node.op not in ("add", "sub", "neg", "carry")):
        return None
    return singles.pop(), with_args(node, tuple(core for _, core in found))


_ONE = const(1.0)


def _times(x: Node, y: Node) -> Node:
    return y if x is _ONE else x if y is _ONE else x * y


def _replaced(root: Node, fitted: Fit) -> Node:
    single, _ = _split(root)
    ordered = sorted(single, key=lambda node: (node.varies is Varies.COL, node.varies))
    return reduce(_times, [*ordered, _series(make("gram_complement"), fitted)], _ONE)


def _series(eta: Node, fitted: Fit) -> Node:
    half = eta * 0.5
    s = sqrt(half)
    u = s * (1.0 + fitted.scale) / (s + (1.0 + sqrt(1.0 - half)) * fitted.scale)
    series = make("chebyshev", 2.0 * u - 1.0, coefficients=fitted.series)
    return const(fitted.coincident) - u * series


# --- the fit ---------------------------------------------------------------------------


def fit(core: Node, dtype: str) -> Fit:
    """The shortest series of a function of `gram_complement`, with its error."""
    function = _function(core)
    top = function(np.zeros(1, np.longdouble))[0]
    angles = np.pi * (np.arange(_NODES, dtype=np.longdouble) + np.longdouble(0.5)) / _NODES
    x = np.cos(angles)
    u = (x + 1) / 2
    values = function(np.concatenate([_complement(u, k) for k in _SCALES]))
    values = values.reshape(len(_SCALES), -1)
    scale, found = min(
        zip(_SCALES, values, strict=True),
        key=lambda candidate: _length(angles, (top - candidate[1]) / u),
    )
    largest = np.abs(values).max()
    checks = np.cos(np.linspace(0, np.pi, 3 * _NODES + 1).astype(np.longdouble))
    at = (checks + 1) / 2
    eta = _complement(at, scale)
    exact = function(eta)
    felt = np.abs(function(eta * (1 + np.finfo(dtype).eps / 2)) - exact)
    best = Fit(scale, float(top), (0.0,), np.inf)
    for terms in _LENGTHS:
        series = _least_squares(x, u, top - found, terms).astype(dtype).astype(np.longdouble)
        coincident = np.longdouble(np.dtype(dtype).type(top))
        gap = coincident - at * np.polynomial.chebyshev.chebval(checks, series) - exact
        error = float(np.maximum(np.abs(gap) - felt, 0).max() / largest)
        if error < best.error:
            best = Fit(scale, float(coincident), tuple(map(float, series)), error)
        if error <= _WANTED[dtype]:
            break
    return best


def _length(angles: Any, values: Any) -> int:
    """How many terms stand out of what rounding leaves: it is large where u is small."""
    basis = np.cos(np.outer(np.arange(_NODES), angles))
    series = np.abs(basis @ values)
    return int(np.count_nonzero(series > 1e-12 * series.max()))


def _least_squares(x: Any, u: Any, values: Any, terms: int) -> Any:
    """The series for which u * series(x) is closest to the values: solved in float64, and
    refined by residuals in extended precision.
    """
    basis = np.cos(np.outer(np.arccos(x), np.arange(terms)))
    matrix = (u[:, None] * basis).astype(float)
    series = np.zeros(terms, np.longdouble)
    for _ in range(3):
        residual = values - u * (basis @ series)
        series += np.linalg.lstsq(matrix, residual.astype(float), rcond=None)[0]
    return series


def _complement(u: Any, scale: float) -> Any:
    """1 - cos(theta) = 2 sin^2(theta/2) at u."""
    t = scale * u / (1 + scale - u)
    s = 2 * t / (1 + t * t)
    return 2 * s * s


def _function(core: Node) -> Any:
    """The core as a function of arrays of complements, in extended precision."""
    eta = symbol("eta")

    def rule(node: Node) -> Node:
        if node.op == "gram_complement":
            return eta
        return node.args[0] if node.op in ("carry", "within") else node

    form, arithmetic = Rewriter(rule)(core), _extended()
    return lambda values: np.broadcast_to(
        evaluate([form], {"eta": values}, arithmetic)[0], values.shape
    )


@cache
def _extended() -> Arithmetic:
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
