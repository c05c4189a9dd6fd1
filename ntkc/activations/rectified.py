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
from ntkc.ir.node import Node, function


def rectified(n: int, rho: Node, mu: Node) -> Node:
    """E[u_+^n v_+^n] at unit variances and correlation rho, with mu = 1 - |rho|."""
    kink = function("kink", mu, degree=n)
    if n % 2 == 1:
        reflected = _PI * _reflected(n, function("max", rho, 0.0))
        return (reflected + kink) / (2.0 * _PI)
    reflected = _PI * _reflected(n, rho)
    return function("select", rho, reflected - kink, kink) / (2.0 * _PI)


_PI = function("const", value=math.pi)


def _reflected(n: int, rho: Node) -> Node:
    """(-1)^n B_n(rho): every coefficient is >= 0."""
    sign = (-1) ** n
    coefficients = tuple(float(sign * x) for x in kink_polynomials(n)[1])
    if n == 0:
        return function("const", value=1.0)
    if n == 1:
        return rho
    return function("polynomial", rho, coefficients=coefficients)
