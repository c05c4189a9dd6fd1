"""monomial."""

from __future__ import annotations

import math
from typing import Any

from ntkc.activations.base import Homogeneous, degree
from ntkc.ir.node import Node, function


class Monomial(Homogeneous):
    """z^degree."""

    parameters = (degree("degree", 0, 1, 2, 3, 8),)

    def homogeneity(self, degree: Any) -> int:
        """The degree."""
        return int(degree)

    def function(self, z: Node, degree: int) -> Node:
        """The activation applied to `z`."""
        return z**degree

    def kappa(self, rho: Node, mu: Node, degree: int) -> Node:
        """The sum of rho^k n!^2 / (k! ((n-k)/2)!^2 2^(n-k)) over k of n's parity.

        By Wick's theorem: k factors of u are paired with factors of v, the others among
        themselves.
        """
        coefficients = [0.0] * (degree + 1)
        for k in range(degree % 2, degree + 1, 2):
            half = (degree - k) // 2
            divisor = math.factorial(k) * math.factorial(half) ** 2 * 2 ** (degree - k)
            coefficients[k] = float(math.factorial(degree) ** 2 // divisor)
        return function("polynomial", rho, coefficients=tuple(coefficients))
