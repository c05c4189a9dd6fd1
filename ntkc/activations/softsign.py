"""softsign."""

from __future__ import annotations

import math

import numpy as np

from ntkc.activations.base import Expanded
from ntkc.ir.node import Node, function

_STEP = 0.35
"""Of the trapezoidal rule in log s: its error falls as exp(-pi^2 / step)."""
_LOW, _HIGH = math.log(1e-13), math.log(1e16)


class Softsign(Expanded):
    """z / (1 + |z|). Its second derivative jumps at 0, so its Hermite series never ends; its
    derivative is a mixture of Gaussian bells, whose coefficients are known in every degree.
    """

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return z / (1.0 + function("abs", z))

    def slope(self, z: Node) -> Node:
        """1 / (1 + |z|)^2."""
        root = 1.0 / (1.0 + function("abs", z))
        return root * root

    def bells(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """1/(1 + |z|)^2 is the integral over t of t e^-t e^(-t|z|), and e^(-t|z|) that over s of
        t (4 pi s^3)^(-1/2) exp(-t^2/4s) exp(-s z^2): both by the trapezoidal rule in logarithms.
        """
        logs = np.arange(_LOW, _HIGH, _STEP)
        rates = np.exp(logs)
        t = np.exp(np.arange(math.log(1e-14), math.log(90.0), 0.05))
        inner = np.exp(-t - t * t / (4.0 * rates[:, None])) @ (0.05 * t**3)
        weights = _STEP * rates * inner / np.sqrt(4.0 * np.pi * rates**3)
        return tuple(map(float, rates)), tuple(map(float, weights))
