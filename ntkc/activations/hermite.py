"""hermite."""

from __future__ import annotations

import math
from functools import reduce

from ntkc.activations.base import Closed, degree
from ntkc.ir.node import Node, const, total


class Hermite(Closed):
    """The probabilists' Hermite polynomial He_n of the degree, divided by sqrt(n!)."""

    parameters = (degree("degree", 0, 1, 2, 3, 6),)

    def function(self, z: Node, degree: int) -> Node:
        """The activation applied to `z`, by h_{k+1} sqrt(k+1) = z h_k - sqrt(k) h_{k-1}."""
        before, now = const(0.0), const(1.0)
        for k in range(degree):
            before, now = now, (z * now - math.sqrt(k) * before) / math.sqrt(k + 1)
        return now

    def dual(self, c: Node, p: Node, q: Node, degree: int) -> Node:
        """The sum over n = l + 2k of n!/(l! k!^2 4^k) ((p-1)(q-1))^k c^l.

        From He_n(s z) = sum of n!/(2^k k! l!) (s^2 - 1)^k s^l He_l(z), s^2 the variance. At
        unit variances only c^n stays.
        """
        excess = (p - 1.0) * (q - 1.0)
        terms = []
        for k in range(degree // 2 + 1):
            rest = degree - 2 * k
            weight = math.factorial(degree) / math.factorial(rest)
            weight /= math.factorial(k) ** 2 * 4.0**k
            factors = [const(weight)] if weight != 1.0 or degree == 0 else []
            factors += [excess if k == 1 else excess**k] * (k > 0)
            factors += [c if rest == 1 else c**rest] * (rest > 0)
            terms.append(reduce(lambda x, y: x * y, factors))
        return total(reversed(terms))
