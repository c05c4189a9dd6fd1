"""What the scalar operations mean, in NumPy (any float type) and in mpmath (the oracle).

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
from ntkc.ir.octaves import mpmath_octaves, numpy_octaves
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


# --- named constants -------------------------------------------------------------------

_DIGITS = 10**60
_PI = Fraction(3141592653589793238462643383279502884197169399375105820974944, _DIGITS)
NAMED_CONSTANTS: Mapping[str, Fraction] = {
    "pi": _PI,
    "1/pi": 1 / _PI,
    "sqrt(2)": Fraction(math.isqrt(2 * _DIGITS**2), _DIGITS),
    "sqrt(pi)": Fraction(math.isqrt(int(_PI * _DIGITS**2)), _DIGITS),
    "sqrt(2/pi)": Fraction(math.isqrt(int(2 / _PI * _DIGITS**2)), _DIGITS),
}


@lru_cache(maxsize=1024)
def recognise(value: float) -> tuple[Fraction, str] | None:
    """(r, name) where the float is the nearest one to r times a named constant, r = n/m with
    m <= 100; None for any other number. Ten thousand candidates among 2^52 mantissas: a
    number that is not meant as one is not taken for one.
    """
    if value == 0 or float(Fraction(value).limit_denominator(10_000)) == value:
        return None
    for name, constant in NAMED_CONSTANTS.items():
        factor = Fraction(value / float(constant)).limit_denominator(100)
        if 0 < abs(factor) <= 100 and float(factor * constant) == value:
            return factor, name
    return None


# --- mpmath --------------------------------------------------------------------------


@lru_cache(maxsize=8)
def mpmath_arithmetic(digits: int = 50) -> Arithmetic:
    """Arithmetic on mpmath numbers of that many digits, in a context of its own.

    A constant that is the float nearest to pi means pi, and so do its simple multiples:
    otherwise no formula would be exact beyond 16 digits.
    """
    import mpmath

    context = mpmath.mp.clone()
    context.dps = digits
    return Arithmetic(
        f"mpmath {digits} digits", lambda value: _exact(context, value), _mpmath_table(context)
    )


def _exact(m: Any, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    known = recognise(value) if isinstance(value, float) and math.isfinite(value) else None
    if known is None:
        return m.convert(value)
    factor, name = known
    unit = NAMED_CONSTANTS[name]
    if m.dps > 55:
        raise ValueError("the named constants are kept to 60 digits")
    return m.mpf((factor * unit).numerator) / (factor * unit).denominator


def _mpmath_table(m: Any) -> Table:
    return {
        **_mpmath_basic(m),
        "sqrt": lambda x: m.sqrt(max(x, m.zero)),
        "inv_sqrt": lambda x: 1 / m.sqrt(x) if x > 0 else m.zero,
        "power": lambda x, exponent: x**exponent,
        "exp": m.exp,
        "expm1": m.expm1,
        "log": lambda x: m.log(x) if x > 0 else (-m.inf if x == 0 else m.nan),
        "coincide": lambda x: max(x, m.zero),
        "round": m.nint,
        "pow2": lambda x: m.ldexp(m.one, int(x)),
        "sin": m.sin,
        "cos": m.cos,
        "asin": lambda x: m.asin(min(max(x, -m.one), m.one)),
        "atan2": m.atan2,
        "erf": m.erf,
        "normal_cdf": m.ncdf,
        "owen_t": lambda h, y, x: _mpmath_owen_t(m, h, y, x),
        "triangle": lambda h, y, x: _mpmath_triangle(m, h, y, x),
        "edge": lambda h, y, x, degree: _mpmath_edge(m, h, y, x, degree),
        "kink": lambda mu, degree: _mpmath_kink(m, mu, degree),
        "polynomial": lambda x, coefficients: m.polyval(
            [m.convert(a) for a in reversed(coefficients)] or [m.zero], x
        ),
        "octaves": lambda x, **table: mpmath_octaves(m, x, **table),
        "chebyshev": lambda x, coefficients: _mpmath_chebyshev(m, x, coefficients),
    }


def _mpmath_basic(m: Any) -> Table:
    return {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y if y != 0 else (m.sign(x) * m.inf if x != 0 else m.nan),
        "neg": lambda x: -x,
        "abs": abs,
        "min": min,
        "max": max,
        "select": lambda c, x, y: x if c > 0 else y,
    }


def _mpmath_owen_t(m: Any, h: Any, y: Any, x: Any) -> Any:
    """By quadrature between 0 and tangent 1; above that by T(h, a) in terms of T(ah, 1/a)."""
    h, size, adjacent = abs(h), abs(y), abs(x)
    if size == 0:
        return m.zero
    if size > adjacent:
        steep = h * size / adjacent if adjacent else (m.inf if h else m.zero)
        q1, q2 = m.ncdf(-h), (m.zero if steep == m.inf else m.ncdf(-steep))
        rest = m.zero if steep == m.inf else _mpmath_owen_t(m, steep, adjacent, size)
        value = (q1 + q2) / 2 - q1 * q2 - rest
    else:
        tangent = size / adjacent
        value = m.quad(
            lambda t: m.exp(-h * h * (1 + t * t) / 2) / (1 + t * t),
            m.linspace(0, tangent, 2 + int(min(h * tangent, 40)) // 4),
            method="gauss-legendre",
        ) / (2 * m.pi)
    return value if y > 0 else -value


def _mpmath_triangle(m: Any, h: Any, y: Any, x: Any) -> Any:
    """With more digits, by Owen's T."""
    if h == 0 or y == 0:
        return m.zero
    lost = -2 * m.mag(h) if abs(h) < 1 else 0
    with m.workprec(m.prec + 30 + int(lost)):
        return m.atan2(y, abs(x)) / (2 * m.pi) - _mpmath_owen_t(m, h, y, x)


def _mpmath_edge(m: Any, h: Any, y: Any, x: Any, degree: int) -> Any:
    """With more digits, by Owen's T and what it leaves of half a line."""
    if h < 0:
        value = _mpmath_edge(m, -h, -y, x, degree)
        return value if degree == 1 else -value
    s = m.zero if y == 0 or h == 0 else h * y / abs(x) if x else m.sign(y) * m.inf
    lost = min(h * h + (s * s if s > 0 else m.zero), m.mpf(2000)) / 4
    with m.workdps(m.dps + 10 + int(lost)):
        value = m.ncdf(-h) / 2 - _mpmath_owen_t(m, h, y, x)
        if degree == 0:
            return value
        first = m.npdf(h) * m.ncdf(-s) - h * value
        if degree == 1:
            return first
        square = h * h + s * s
        turned = h * s / square * m.exp(-square / 2) if m.isfinite(s) and square else m.zero
        return value - h * first + turned / (2 * m.pi)


def _mpmath_kink(m: Any, mu: Any, degree: int) -> Any:
    mu = min(max(mu, m.zero), m.mpf(2))
    scale = m.factorial(degree) ** 2 * m.sqrt(2) / m.rf(m.mpf(3) / 2, degree)
    half = m.mpf(1) / 2
    return scale * mu**degree * m.sqrt(mu) * m.hyp2f1(half, half, degree + 3 * half, mu / 2)


def _mpmath_chebyshev(m: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    now, after = m.zero, m.zero
    for coefficient in reversed(coefficients[1:]):
        now, after = 2 * x * now - after + m.convert(coefficient), now
    return x * now - after + m.convert(coefficients[0])


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
