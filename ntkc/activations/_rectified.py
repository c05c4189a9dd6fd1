"""What the homogeneous activations with a kink or a jump at 0 have in common.

For unit variances and correlation rho, with x_+ = max(x, 0) and x_+^0 = [x > 0],

    P_n(rho) = E[u_+^n v_+^n] = K_n(-rho) / 2 pi,

K_n as in `ntkc.ir.arithmetic` (Cho & Saul 2009: their J_n(theta) is K_n(-rho)). Since
K_n(rho) = A_n sin(theta) + B_n theta with A_n of parity n - 1 and B_n of parity n,

    K_n(-rho) = (-1)^n pi B_n(rho) - (-1)^n K_n(rho),

so that `kink` is only ever taken at mu = 1 - |rho|, where it is accurate.
"""

from __future__ import annotations

import math

from ntkc.ir.arithmetic import kink_polynomials
from ntkc.ir.node import Node, const, function

_PI = const(math.pi)


def rectified(n: int, rho: Node, mu: Node) -> Node:
    """E[u_+^n v_+^n] at unit variances and correlation rho, with mu = 1 - |rho|."""
    kink = function("kink", mu, degree=n)
    if n % 2 == 1:
        return (_PI * _reflected(n, function("max", rho, 0.0)) + kink) / (2.0 * _PI)
    return function("select", rho, _PI * _reflected(n, rho) - kink, kink) / (2.0 * _PI)


def two_slopes(negative: Node, positive: Node, rho: Node, mu: Node) -> Node:
    """kappa of negative min(z, 0) + positive max(z, 0).

    (negative^2 + positive^2) P_1(rho) - 2 negative positive P_1(-rho), gathered: u and v on
    one side of 0, or on different sides, where min(v, 0) = -(-v)_+.
    """
    gap = positive - negative
    mean = (negative * negative + positive * positive) * 0.5
    slope = function("select", rho, mean, negative * positive)
    return rho * slope + gap * gap * function("kink", mu, degree=1) / (2.0 * _PI)


def _reflected(n: int, rho: Node) -> Node:
    """(-1)^n B_n(rho): every coefficient is >= 0."""
    if n == 0:
        return const(1.0)
    if n == 1:
        return rho
    coefficients = tuple(float((-1) ** n * x) for x in kink_polynomials(n)[1])
    return function("polynomial", rho, coefficients=coefficients)
