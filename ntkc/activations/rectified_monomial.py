"""rectified_monomial."""

from __future__ import annotations

from typing import Any

from ntkc.activations._rectified import rectified
from ntkc.activations.base import Homogeneous, degree
from ntkc.ir.node import Node, function


class RectifiedMonomial(Homogeneous):
    """max(z, 0)^degree. Cho & Saul 2009: the arc-cosine kernels. Degree 0 is `step`."""

    parameters = (degree("degree", 1, 2, 3, 6, low=1),)

    def homogeneity(self, degree: Any) -> int:
        """The degree."""
        return int(degree)

    def function(self, z: Node, degree: int) -> Node:
        """The activation applied to `z`."""
        return function("max", z, 0.0) ** degree

    def kappa(self, rho: Node, mu: Node, degree: int) -> Node:
        """P_n(rho) = K_n(-rho) / 2 pi."""
        return rectified(degree, rho, mu)
