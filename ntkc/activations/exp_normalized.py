"""exp_normalized."""

from __future__ import annotations

from ntkc.activations.base import Homogeneous, number
from ntkc.ir.node import Node, function


class ExpNormalized(Homogeneous):
    """The kernel map sqrt(pq) exp(gamma (rho + shift)), which no finite network computes.

    Mairal, Koniusz, Harchaoui & Schmid 2014, "Convolutional kernel networks", use such maps.
    """

    parameters = (
        number("gamma", 1.0, 0.5, 2.0, low=0.0, reason="else the map is no kernel"),
        number("shift", -1.0, 0.3),
    )

    def function(self, z: Node, gamma: Node, shift: Node) -> Node | None:
        """None: there is no function behind the map."""
        return None

    def kappa(self, rho: Node, mu: Node, gamma: Node, shift: Node) -> Node:
        """exp(gamma (rho + shift))."""
        return function("exp", gamma * (rho + shift))
