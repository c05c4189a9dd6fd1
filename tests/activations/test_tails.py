"""Activations that are 0 around 0: their kernels are as small as e^(-threshold^2/variance), and
known relative to that.

The oracle is `tests/oracle/tails.py`, in 30 digits; errors are relative to sqrt(k(x, x) k(z, z)).
Inputs are known exactly, but their variances are sums of products, and a rounding of a variance
moves the exponential by threshold^2/variance roundings.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import cycle, islice, product
from typing import Any

import mpmath
import numpy as np
import pytest

from tests.backends.kernels import kernel, uncompiled
from tests.oracle.tails import Tail, expectation

mp = mpmath.mp.clone()
mp.dps = 30
T = 0.5
SHRINK = [(1, 1, T, 1), (-1, -1, T, 1)]
PROGRAMS = {
    "soft_shrink": ("", "soft_shrink(0.5)", SHRINK),
    "a param's": ("param t = 0.5\n", "soft_shrink(t)", SHRINK),
    "hard_shrink": (
        "activation f(z) = if abs(z) > 0.5 then z else 0\n",
        "f",
        [*SHRINK, (T, 1, T, 0), (-T, -1, T, 0)],
    ),
    "one side": ("activation f(z) = max(z - 0.5, 0)\n", "f", SHRINK[:1]),
    "two places": (
        "activation f(z) = 3 * max(z - 0.5, 0) + max(-z - 0.75, 0) - 2 * max(z - 1, 0)\n",
        "f",
        [(3, 1, T, 1), (1, -1, 0.75, 1), (-2, 1, 1.0, 1)],
    ),
    "a step": ("activation f(z) = if z > 0.5 then 1 else 0\n", "f", [(1, 1, T, 0)]),
}
"""What stands before the network, the layer, and (weight, sign, kink, degree) of every tail."""
HEIGHTS = (0.2, 2.4, 2.6, 7.0, 20.0, 33.0)
"""Of the threshold 0.5, in standard deviations."""
RATIOS = (1.0, 1.0 + 1e-9, 1.003, 1.1, 4.0)
ANGLES = (0.0, 1e-9, 1e-4, 0.03, 0.3, 1.5, 3.0, math.pi)


def source(name: str) -> str:
    before, layer, _ = PROGRAMS[name]
    return f"{before}network net {{ input vector[4]; dense -> {layer} }}\n"


def both(name: str, p: Any, q: Any, c: Any, theta: Any) -> tuple[Any, Any]:
    """E[f f] and E[f' f']; 0 for the slopes of what jumps."""
    found = [Tail(mp.mpf(w), sign, mp.mpf(kink), n) for w, sign, kink, n in PROGRAMS[name][2]]
    value = expectation(mp, mp.zero, found, p, q, c, theta)
    if any(tail.degree == 0 for tail in found):
        return value, mp.zero
    return value, expectation(mp, mp.zero, [t.slope() for t in found], p, q, c, theta)


@cache
def coincident(name: str, variance: Any) -> tuple[Any, Any]:
    return both(name, variance, variance, variance, mp.zero)


def check(made: Any, name: str, points: Any) -> None:
    for height, ratio, angle in points:
        a = T / height
        b = a * ratio
        x = (2.0 * a, 0.0)
        z = (2.0 * b * math.cos(angle), 2.0 * b * math.sin(angle))
        if angle == math.pi:
            z = (-2.0 * b, 0.0)
        (s, _), (t, u) = (tuple(map(mp.mpf, row)) for row in (x, z))
        p, q, c, theta = s * s / 4, (t * t + u * u) / 4, s * t / 4, mp.atan2(u, abs(t))
        got = made([[*x, 0.0, 0.0]], [[*z, 0.0, 0.0]], get=("nngp", "ntk"))
        tops = [coincident(name, v) for v in (p, q)]
        sizes = [mp.sqrt(tops[0][k] * tops[1][k]) for k in (0, 1)]
        exact = both(name, p, q, c, theta)
        bound = 1e-13 + 2 * height**2 * np.finfo(float).eps
        where = (name, height, ratio, angle)
        assert abs(got.nngp[0, 0] - exact[0]) <= bound * sizes[0], where
        assert abs(got.ntk[0, 0] - c * exact[1]) <= bound * mp.sqrt(p * q) * sizes[1], where


@pytest.mark.parametrize("name", PROGRAMS)
def test_tails_have_all_their_digits(name: str) -> None:
    points = zip(cycle(HEIGHTS), cycle(RATIOS), cycle(ANGLES), strict=False)
    count = 8 if name == "soft_shrink" else 3
    check(uncompiled(source(name)), name, islice(points, count))


def test_compiled_tails() -> None:
    check(
        kernel(source("soft_shrink")),
        "soft_shrink",
        product(HEIGHTS[2:4], RATIOS[2:3], ANGLES[2:4]),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_tails_on_the_whole_grid(name: str) -> None:
    check(kernel(source(name)), name, product(HEIGHTS, RATIOS, ANGLES))


def test_thresholds_of_every_sign() -> None:
    """A parameter may put the kink at the mean or before it."""
    text = (
        "activation f(z, b = 0) = max(z - b, 0)\nparam b = 0\n"
        "network net { input vector[4]; dense -> f(b) }\n"
    )
    made = uncompiled(text)
    for place in (-3.0, -0.4, 0.0, 0.4):
        for x, z in (
            ((1.2, 0.0), (1.6, 1.1)),
            ((1.0, 0.0), (-1.0, 1e-7)),
            ((1.0, 0.0), (1.0, 0.0)),
        ):
            (s, _), (t, u) = (tuple(map(mp.mpf, row)) for row in (x, z))
            p, q, c, theta = s * s / 4, (t * t + u * u) / 4, s * t / 4, mp.atan2(u, abs(t))
            tail = Tail(mp.one, 1, mp.mpf(place), 1)
            got = made([[*x, 0, 0]], [[*z, 0, 0]], get=("nngp", "ntk"), b=place)
            for value, tails, size in ((got.nngp, [tail], 1), (got.ntk, [tail.slope()], c)):
                exact = expectation(mp, mp.zero, tails, p, q, c, theta) * size
                assert abs(value[0, 0] - exact) <= 2e-15 * (1 + place * place), (place, x, z)
