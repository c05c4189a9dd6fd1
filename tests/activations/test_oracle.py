"""Every activation in a network, as generated code, against values of 23 digits and more.

`tests/oracle` made the values, by formulas of the literature in 50 digits, by one integral over a
line (piecewise polynomials) or an angle (exponentials that a kink cuts off), and by quadrature of
the plane (those without closed form), for variances from 1e-6 to 100 and correlations up to +-1
and +-(1 - 1e-12). Errors are relative to sqrt(k(x, x) k(z, z)), which is what a kernel's entries
are sums of: entries pass through zero.

A network `dense -> activation` has the kernels nngp = E[f(u) f(v)] and ntk = c E[f'(u) f'(v)].
"""

from __future__ import annotations

import csv
from functools import cache
from itertools import islice
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.backends.kernels import kernel, uncompiled
from tests.oracle import decays
from tests.oracle.build import ALL, VALUES, label, rows
from tests.oracle.functions import DECAYS, PIECEWISE, SMOOTH, WITNESSES, decay
from tests.oracle.grid import PAIRS, POINTS, Point
from tests.oracle.plane import plane

CLOSED = 1e-13
CERTIFIED = 1e-10  # the default tolerance in float64
SINGLE = 4e-6
SINGLE_PIECEWISE = 1.2e-5
"""Float32: some twenty roundings of 6e-8, and what variances near 100 cost where products of
variances cancel against squared covariances. Between kinks, terms that grow with the variance
cancel in what stays bounded: three times as much at variance 100."""
SAMPLE = ("relu", "gelu", "tanh", "hard_swish")


@cache
def values() -> dict[tuple[str, str], dict[tuple[str, str], tuple[Any, Any]]]:
    """E[f(u) f(v)] and E[f'(u) f'(v)] by activation and point."""
    found: dict[Any, dict[Any, Any]] = {}
    with VALUES.open(newline="") as file:
        for name, arguments, pair, rho, dual, dual_dot in csv.reader(file):
            at = found.setdefault((name, arguments), {})
            at[pair, rho] = mpmath.mpf(dual), mpmath.mpf(dual_dot)
    return found


def call(name: str, arguments: Any) -> str:
    """The activation as a program writes it."""
    written = [list(a) if isinstance(a, tuple) else a for a in arguments]
    return name + (f"({', '.join(map(repr, written))})" if written else "")


def text(name: str, arguments: Any) -> str:
    """The program."""
    layers = f"dense -> {call(name, arguments)}"
    return f"network net {{\n    input vector[4]\n    {layers}\n}}\n"


def errors(made: Any, name: str, arguments: Any, dtype: Any) -> list[tuple[Point, str, float]]:
    """The relative errors of both kernels at every point."""
    known = values()[name, label(arguments)]
    found = []
    for point in POINTS:
        (x, _), (y, z) = point.rows
        p, q, c, _ = point.exact(mpmath.mp)
        dual, dual_dot = known[str(point.pair), point.rho]
        first, second = (known["diagonal", str(k)] for k in PAIRS[point.pair])
        if max(first[0], second[0]) > np.finfo(dtype).max:
            continue  # the kernel says so: tests/runtime
        left, right = np.array([[x, 0, 0, 0]], dtype), np.array([[y, z, 0, 0]], dtype)
        got = made(left, right, get=("nngp", "ntk"))
        least = float(np.finfo(dtype).tiny / np.finfo(dtype).eps)  # below it digits are lost
        signed = -c if point.negative else c
        for root, exact, size in (
            ("nngp", dual, mpmath.sqrt(abs(first[0] * second[0]))),
            ("ntk", signed * dual_dot, mpmath.sqrt(abs(p * q * first[1] * second[1]))),
        ):
            wrong = abs(mpmath.mpf(float(getattr(got, root)[0, 0])) - exact)
            found.append((point, root, float(wrong / max(size, least))))
    return found


def check(made: Any, name: str, arguments: Any) -> None:
    """Closed forms to 1e-13, series to their certificate."""
    for point, root, wrong in errors(made, name, arguments, np.float64):
        bound = CERTIFIED if name in SMOOTH or name in DECAYS else CLOSED
        assert wrong <= bound, (point, root, wrong)


def identify(case: Any) -> str:
    """A name for a test."""
    return f"{case[0]}[{label(case[1])}]"


def test_values_are_there_for_every_activation() -> None:
    assert {(name, label(arguments)) for name, arguments in ALL} == set(values())


@pytest.mark.parametrize("case", ALL, ids=identify)
def test_generated_code(case: Any) -> None:
    check(uncompiled(text(*case)), *case)


@pytest.mark.parametrize("case", ALL, ids=identify)
def test_generated_code_in_float32(case: Any) -> None:
    for point, root, wrong in errors(uncompiled(text(*case), "float32"), *case, np.float32):
        limit = SINGLE_PIECEWISE if case[0] in PIECEWISE else SINGLE
        assert wrong <= limit, (point, root, wrong)


@pytest.mark.parametrize("case", [c for c in ALL if c[0] in SAMPLE], ids=identify)
def test_machine_code(case: Any) -> None:
    check(kernel(text(*case)), *case)


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=identify)
def test_all_machine_code(case: Any) -> None:
    check(kernel(text(*case)), *case)


# --- the oracle itself -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu6", "hermite", "abs", "softsign", "selu"])
def test_values_are_those_of_the_script(name: str) -> None:
    arguments = next(a for n, a in ALL if n == name)
    same(name, arguments, 4)


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=identify)
def test_all_values_are_those_of_the_script(case: Any) -> None:
    same(*case)


def same(name: str, arguments: Any, count: int | None = None) -> None:
    """The first values, or all, made again."""
    known = values()[name, label(arguments)]
    for _, _, pair, rho, *both in islice(rows(name, arguments), count):
        for value, kept in zip(both, known[pair, rho], strict=True):
            assert abs(mpmath.mpf(value) - kept) <= mpmath.mpf(10) ** -14 * abs(kept)


@pytest.mark.parametrize("rho", ["0.5", "1-1e-12"])
def test_quadrature_of_the_plane(rho: str) -> None:
    """By an activation whose closed form is elementary."""
    from tests.activations.conftest import ORACLES
    from tests.activations.conftest import mp as formulas

    mp = mpmath.mp.clone()
    mp.dps = 40
    p, q, c, theta = Point(1, rho).exact(mp)
    found = plane(mp, WITNESSES["relu"](mp), p, q, theta)
    formula = ORACLES["relu"]
    for k, form in ((0, formula.dual), (2, formula.dual_dot)):
        scale = mp.sqrt(p * q) if k == 0 else 1
        for sign in (1, -1):
            exact = form(*(formulas.mpf(v) for v in (sign * c, p, q)))
            assert abs(found[k + (sign < 0)] - exact) <= mp.mpf(10) ** -29 * scale


def test_the_integral_over_the_angle() -> None:
    """By that of the plane, which knows nothing of radii."""
    mp = mpmath.mp.clone()
    mp.dps = 40
    p, q, _, theta = Point(3, "0.5").exact(mp)
    found = plane(mp, WITNESSES["selu"](mp), p, q, theta)
    for k, angle in ((0, theta), (1, mp.pi - theta)):
        exact = decays.expectation(mp, decay(mp, "selu"), p, q, angle)
        for value, other in zip(found[k::2], exact, strict=True):
            assert abs(value - other) <= mp.mpf(10) ** -23 * mp.sqrt(p * q)
