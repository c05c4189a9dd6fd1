"""polynomial."""

from __future__ import annotations

import math
from functools import reduce

from ntkc.activations.base import Closed, numbers
from ntkc.ir.node import Node


class Polynomial(Closed):
    """c0 + c1 z + c2 z^2 + ..., from its list of coefficients."""

    parameters = (numbers("coefficients", (0.5, 1.0, -0.3, 0.2), (0.0, 0.0, 1.0), (0.7,)),)

    def function(self, z: Node, coefficients: tuple[Node, ...]) -> Node:
        """The activation applied to `z`."""
        return _horner(coefficients, z)

    def dual(self, c: Node, p: Node, q: Node, coefficients: tuple[Node, ...]) -> Node:
        """The sum over l of r_l(p) r_l(q) c^l / l!, where
        r_l(p) = sum over i of a_{l+2i} (l+2i)!/(2^i i!) p^i.

        The Hermite series of the polynomial at either variance (Mehler's formula).
        """
        weights = []
        for rank in range(len(coefficients)):
            at_p, at_q = (_hermite_coefficient(coefficients, rank, x) for x in (p, q))
            weight = at_p * at_q
            weights.append(weight / float(math.factorial(rank)) if rank > 1 else weight)
        return _horner(weights, c)


def _hermite_coefficient(coefficients: tuple[Node, ...], rank: int, variance: Node) -> Node:
    terms = []
    for k in range(rank, len(coefficients), 2):
        i = (k - rank) // 2
        moment = math.factorial(k) // (2**i * math.factorial(i))
        terms.append(coefficients[k] * float(moment) if moment > 1 else coefficients[k])
    return _horner(terms, variance)


def _horner(coefficients: list[Node] | tuple[Node, ...], x: Node) -> Node:
    """The polynomial's value, without a multiplication by 0."""
    return reduce(lambda value, a: value * x + a, reversed(coefficients[:-1]), coefficients[-1])
