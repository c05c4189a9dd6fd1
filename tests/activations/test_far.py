"""Piecewise polynomials at large variances, and where the variances of two inputs differ much:
kernels and complements to 1e-13 of sqrt(k(x, x) k(z, z)), where moments are differences of terms of
the size of the variances.

The oracle is `tests/oracle/tails.py`, in 40 digits: f as a number and tails from its kinks.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest

from ntkc.ir.arithmetic import evaluate
from tests.backends.kernels import understood
from tests.oracle.tails import Tail, expectation

mp = mpmath.mp.clone()
mp.dps = 40
SIXTH = mp.mpf(1) / 6
PROGRAMS: dict[str, tuple[str, str, Any, list[Any]]] = {
    "hard_tanh": ("", "hard_tanh", -1, [(1, 1, -1, 1), (-1, 1, 1, 1)]),
    "relu6": ("", "relu6", 0, [(1, 1, 0, 1), (-1, 1, 6, 1)]),
    "hard_swish": (
        "",
        "hard_swish",
        0,
        [(SIXTH, 1, -3, 2), (-SIXTH * 3, 1, -3, 1), (-SIXTH, 1, 3, 2), (-SIXTH * 3, 1, 3, 1)],
    ),
    "a param's": ("param low = -0.5\n", "clip(low, 2)", -0.5, [(1, 1, -0.5, 1), (-1, 1, 2, 1)]),
    "soft_shrink": ("", "soft_shrink(0.5)", 0, [(1, 1, 0.5, 1), (-1, -1, 0.5, 1)]),
    "a hat": (
        "activation f(z) = max(0, 1 - abs(z))\n",
        "f",
        0,
        [(1, 1, -1, 1), (-2, 1, 0, 1), (1, 1, 1, 1)],
    ),
    "a jump": (
        "activation f(z) = if z > 2 then 1 else if z > 0.5 then z else 0\n",
        "f",
        0,
        [(1, 1, 0.5, 1), (0.5, 1, 0.5, 0), (-1, 1, 2, 1), (-1, 1, 2, 0)],
    ),
    "curved": (
        "activation f(z) = max(z, 0)^2 - max(z - 1, 0)^2\n",
        "f",
        0,
        [(1, 1, 0, 2), (-1, 1, 1, 2)],
    ),
}
"""What stands before the network, the layer, a number and (weight, sign, kink, degree) of tails."""
VARIANCES = (1e-6, 0.01, 0.7, 30.0, 1e4)
ETAS = (0.0, 1e-12, 0.045, 1.5, 2.0)
HARD = [
    (1e4, 1e4, 0.045),
    (1e-6, 30.0, 0.0),
    (1e4, 30.0, 1e-12),
    (1e4, 1e-6, 1.999),
    (0.7, 1e4, 2.0),
]
SLACK = {"a hat": 30.0}
"""A bump's own kernel is as small as 1/sd: there its two sides are told from one another."""


def forms(name: str) -> Any:
    before, layer, _, _ = PROGRAMS[name]
    module = understood(f"{before}network net {{ input vector[5]; dense -> {layer} }}\n").module
    (key,) = module.activations
    numbers = {"clip_low": -0.5, "clip_high": 2.0, "soft_shrink_threshold": 0.5}
    found = module.activations[key]
    return found, {n: numbers[n] for n in found.parameters}


def exact(name: str, slopes: bool, p: float, q: float, eta: float) -> Any:
    _, _, number, tails = PROGRAMS[name]
    found = [Tail(mp.mpf(w), sign, mp.mpf(kink), n) for w, sign, kink, n in tails]
    if slopes:
        number, found = 0, [t.slope() for t in found if t.degree]
    a, b, lack = mp.mpf(p), mp.mpf(q), mp.mpf(eta)
    theta = 2 * mp.asin(mp.sqrt(min(lack, 2 - lack) / 2))
    return expectation(mp, mp.mpf(number), found, a, b, mp.sqrt(a * b) * (1 - lack), theta)


@cache
def coincident(name: str, slopes: bool, variance: float) -> Any:
    return exact(name, slopes, variance, variance, 0.0)


def check(name: str, points: Any) -> None:
    found, numbers = forms(name)
    jumps = name == "a jump"
    for p, q, eta in points:
        for slopes, form in ((False, found.near), (True, found.near_dot)):
            if slopes and jumps:
                continue
            tops = coincident(name, slopes, p) * coincident(name, slopes, q)
            if tops < 1e-200:  # nothing of soft_shrink is left
                continue
            size, value = mp.sqrt(tops), exact(name, slopes, p, q, eta)
            for kind, bound in ((np.float64, 1e-13), (np.float32, 3e-5)):
                at = {"eta": eta, "p": p, "q": q, **numbers}
                (got,) = evaluate([form], {n: kind(v) for n, v in at.items()})
                error = abs(mp.mpf(float(got)) - value) / size
                if kind is np.float64 or min(p, q) > 0.5:  # e^(-1/p) is a matter of p's roundings
                    assert error <= bound * SLACK.get(name, 1.0), (p, q, eta, slopes, kind)


@pytest.mark.parametrize("name", PROGRAMS)
def test_far_variances(name: str) -> None:
    check(name, HARD if name == "hard_tanh" else HARD[:2])


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_far_variances_on_the_whole_grid(name: str) -> None:
    check(name, product(VARIANCES, VARIANCES, ETAS))
