"""What the scalar operations mean, in NumPy of any float type; in mpmath, see `ntkc.ir.exact`.

An `Arithmetic` is a table from operation to function. `evaluate` runs an expression
through one. It is slow and plain: passes and backends are tested against it.

`kink(degree)` of mu is K_n at the cosine rho = 1 - mu, where K_0 = arccos rho and
dK_n/dmu = n^2 K_{n-1}, K_n(0) = 0 (so K_1 = sin(theta) - rho theta; the J_n of Cho & Saul
2009, "Kernel Methods for Deep Learning", are K_n at pi - theta). Integrating the series of
arccos(1 - mu) term by term gives

    K_n = n!^2 sqrt(2) / (3/2)_n * mu^(n + 1/2) * 2F1(1/2, 1/2; n + 3/2; mu / 2),

a series of positive terms whose ratio is at most mu/2 <= 1/2: nothing cancels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from ntkc.ir.node import Node, topological
from ntkc.ir.octaves import numpy_octaves
from ntkc.ir.ops import SCALAR

Table = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Arithmetic:
    """How to compute: `number` makes a value of a constant, `table` says what an op does.

    Functions of `table` take the arguments in order and the attributes as keywords.
    """

    name: str
    number: Callable[[Any], Any]
    table: Table


def evaluate(
    roots: Iterable[Node],
    bindings: Mapping[str, Any],
    arithmetic: Arithmetic | None = None,
) -> tuple[Any, ...]:
    """The values of `roots`, with symbols and parameters bound by name.

    Without `arithmetic`, NumPy in the common type of the bindings. Raises `KeyError` for
    an unbound name and `ValueError` for an operation that is not scalar.
    """
    roots = tuple(roots)
    chosen = numpy_arithmetic(_common_dtype(bindings)) if arithmetic is None else arithmetic
    bound = {name: chosen.number(value) for name, value in bindings.items()}
    values: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for node in topological(roots):
            values[node] = _value(node, values, bound, chosen)
    return tuple(values[root] for root in roots)


def _value(
    node: Node, values: Mapping[Node, Any], bound: Mapping[str, Any], arithmetic: Arithmetic
) -> Any:
    if node.op == "const":
        return arithmetic.number(node.attr("value"))
    if node.op in ("symbol", "param"):
        return bound[node.attr("name")]
    if node.op not in SCALAR:
        raise ValueError(f"{node.op} is not a scalar operation")
    return arithmetic.table[node.op](*(values[a] for a in node.args), **dict(node.attrs))


def _common_dtype(bindings: Mapping[str, Any]) -> np.dtype[Any]:
    types = [v.dtype for v in bindings.values() if isinstance(v, np.ndarray | np.generic)]
    floats = [t for t in types if np.issubdtype(t, np.floating)]
    return np.result_type(*floats) if floats else np.dtype(np.float64)


# --- NumPy ---------------------------------------------------------------------------


@lru_cache(maxsize=8)
def numpy_arithmetic(dtype: Any = np.float64) -> Arithmetic:
    """Arithmetic on NumPy arrays of one float type; every result has that type."""
    kind = np.dtype(dtype)

    def number(value: Any) -> Any:
        array: Any = np.asarray(value, dtype=kind)
        return array if array.ndim else kind.type(array)

    return Arithmetic(f"numpy {kind.name}", number, _NUMPY)


def _where(condition: Any, x: Any, y: Any) -> Any:
    """`numpy.where`, and a scalar for scalars."""
    chosen: Any = np.where(condition, x, y)
    return chosen if chosen.ndim else chosen.dtype.type(chosen)


def _numpy_inv_sqrt(x: Any) -> Any:
    positive = x > 0
    return _where(positive, 1 / np.sqrt(_where(positive, x, x * 0 + 1)), x * 0)


def _numpy_polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    result = x * 0
    for coefficient in reversed(coefficients):
        result = result * x + x.dtype.type(coefficient)
    return result


def _numpy_chebyshev(x: Any, coefficients: tuple[float, ...]) -> Any:
    """Clenshaw's rule."""
    now, after = x * 0, x * 0
    for coefficient in reversed(coefficients[1:]):
        now, after = 2 * x * now - after + x.dtype.type(coefficient), now
    return x * now - after + x.dtype.type(coefficients[0])


def _numpy_kink(mu: Any, degree: int) -> Any:
    mu = np.maximum(mu, 0)
    if degree == 0:
        return 2 * np.arcsin(np.sqrt(np.minimum(mu / 2, 1)))
    result = mu * 0
    for coefficient in reversed(_kink_series(degree, mu.dtype)):
        result = result * mu + coefficient
    return result * mu**degree * np.sqrt(mu)


@lru_cache(maxsize=128)
def _kink_series(degree: int, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """Coefficients of K_n(mu) / mu^(n + 1/2) up to where the tail no longer counts at mu = 1."""
    precision = float(np.finfo(dtype).eps) / 8
    term = Fraction(math.factorial(degree) ** 2)
    for k in range(degree):
        term /= Fraction(3, 2) + k
    first, terms, k = term, [], 0
    while term > first * Fraction(precision):
        terms.append(_kink_coefficient(term, dtype))
        term *= Fraction(2 * k + 1, 2) ** 2 / ((degree + Fraction(3, 2) + k) * (k + 1) * 2)
        k += 1
    return tuple(terms)


def _kink_coefficient(term: Fraction, dtype: np.dtype[Any]) -> Any:
    """sqrt(2) * term to the precision of `dtype` (128 bits for the extended types)."""
    root = Fraction(math.isqrt(2 << 256), 1 << 128)
    exact = term * root
    high = float(exact)
    return dtype.type(high) + dtype.type(float(exact - Fraction(high)))


def _numpy_special(name: str) -> Callable[[Any], Any]:
    """A function of SciPy, imported when it is called."""

    def call(x: Any) -> Any:
        from scipy import special

        return getattr(special, name)(x)

    return call


def _numpy_owen_t(h: Any, y: Any, x: Any) -> Any:
    """SciPy's (Patefield & Tandy 2000), by the quotient y/|x|; 0 at the point (0, 0)."""
    from scipy import special

    size = np.abs(x)
    return special.owens_t(h, np.where(y == 0, y * 0, y / size)).astype(x.dtype)


def _numpy_triangle(h: Any, y: Any, x: Any) -> Any:
    from ntkc.runtime.triangle import triangle

    return triangle(h, y, x).astype(x.dtype)


def _numpy_edge(h: Any, y: Any, x: Any, degree: int) -> Any:
    from ntkc.runtime.edge import edge  # not to import Numba with the runtime where nothing runs

    return edge(h, y, x, degree).astype(x.dtype)


_NUMPY: Table = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
    "select": lambda c, x, y: _where(c > 0, x, y),
    "sqrt": lambda x: np.sqrt(np.maximum(x, 0)),
    "inv_sqrt": _numpy_inv_sqrt,
    "power": lambda x, exponent: x**exponent,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "coincide": lambda x: np.maximum(x, 0),
    "round": np.rint,
    "pow2": np.exp2,
    "sin": np.sin,
    "cos": np.cos,
    "asin": lambda x: np.arcsin(np.clip(x, -1, 1)),
    "atan2": np.arctan2,
    "erf": _numpy_special("erf"),
    "normal_cdf": _numpy_special("ndtr"),
    "owen_t": _numpy_owen_t,
    "triangle": _numpy_triangle,
    "edge": _numpy_edge,
    "kink": _numpy_kink,
    "polynomial": _numpy_polynomial,
    "octaves": numpy_octaves,
    "chebyshev": _numpy_chebyshev,
}


# --- the polynomials of K_n -----------------------------------------------------------


@lru_cache(maxsize=64)
def kink_polynomials(degree: int) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """(A, B) with K_n = A(rho) sin(theta) + B(rho) theta, as coefficients of rho^k.

    From K_n' = -n^2 K_{n-1} with theta' = -1/sin(theta) and sin(theta)' = -rho/sin(theta):
    B' = -n^2 B_{n-1} and (1 - rho^2) A' - rho A - B = -n^2 (1 - rho^2) A_{n-1}. The parity of
    B is n's, of A the other, so A is fixed by the second equation from its highest
    coefficient down, and then B's constant by the equation at rho = 0.
    """
    if degree == 0:
        return (Fraction(0),), (Fraction(1),)
    before_a, before_b = kink_polynomials(degree - 1)
    b = [Fraction(0), *(-(degree**2) * x / (k + 1) for k, x in enumerate(before_b))]
    a = _solve_sine_part(degree, before_a, b)
    b[0] = (a[1] if len(a) > 1 else Fraction(0)) + degree**2 * before_a[0]
    return tuple(a), tuple(b)


def _solve_sine_part(
    degree: int, before: tuple[Fraction, ...], b: list[Fraction]
) -> list[Fraction]:
    """A of degree n - 1 from -(k+1) a_k + (k+2) a_{k+2} = b_{k+1} + right_{k+1} (rho^(k+1))."""
    right = [Fraction(0)] * (degree + 2)
    for k, x in enumerate(before):
        right[k] -= degree**2 * x
        right[k + 2] += degree**2 * x
    a = [Fraction(0)] * (degree + 2)
    for k in range(degree - 1, -1, -1):
        a[k] = ((k + 2) * a[k + 2] - b[k + 1] - right[k + 1]) / (k + 1)
    return a[:degree]
