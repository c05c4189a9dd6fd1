"""Gradients by inputs of networks on positions: the recursion, run backward.

A slice program makes entries of one displacement at a time and keeps none, so it has nothing to
go back through. The kernel IR has: `ntkc.ir.reverse` evaluates it over whole arrays, all pairs
of positions at once, and pulls a cotangent back to the inputs. It takes as many pairs of inputs
at a time as the memory budget allows.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from ntkc.driver import FrontEnd
from ntkc.ir.reverse import bytes_of_pair, pull_back, pull_back_own
from ntkc.passes.pipeline import SHARED, run
from ntkc.runtime.errors import MemoryBudgetError
from ntkc.runtime.gradients import Request

Array = NDArray[np.float64]


class ImageGradients:
    """What pulls cotangents of one network back to its inputs."""

    def __init__(self, front: FrontEnd) -> None:
        self._module = run(front.module, SHARED)

    def __call__(self, request: Request, cotangent: NDArray[np.generic]) -> dict[str, Array]:
        """The gradients by `x1` and `x2`; by `x1` in both places where there is one batch.

        Raises `MemoryBudgetError` where one pair of inputs does not fit.
        """
        inputs = [np.asarray(x, np.float64) for x in request.inputs]
        weights = np.asarray(cotangent, np.float64)
        if len(inputs) == 2:
            first, second = self._of_pairs(request, inputs[0], inputs[1], weights)
            return {"x1": first, "x2": second}
        (x,) = inputs
        own = weights.diagonal().copy()
        others = weights - np.diag(own)
        first, second = self._of_pairs(request, x, x, others)
        root = self._module.roots[request.root]
        return {"x1": first + second + pull_back_own(self._module, root, x, own, request.values)}

    def _of_pairs(
        self, request: Request, x1: Array, x2: Array, cotangent: Array
    ) -> tuple[Array, Array]:
        root = self._module.roots[request.root]
        gradients = np.zeros(x1.shape), np.zeros(x2.shape)
        side = self._side(request)
        starts = range(0, len(x1), side), range(0, len(x2), side)
        for i, j in product(*starts):
            rows, columns = slice(i, i + side), slice(j, j + side)
            part = cotangent[rows, columns]
            if not part.any():
                continue
            found = pull_back(self._module, root, x1[rows], x2[columns], part, request.values)
            gradients[0][rows] += found[0]
            gradients[1][columns] += found[1]
        return gradients

    def _side(self, request: Request) -> int:
        """Of the square of pairs that is taken at a time."""
        least = bytes_of_pair(self._module.roots[request.root])
        if least > request.memory:
            raise MemoryBudgetError(
                f"memory: a gradient by inputs on positions holds all pairs of positions, here "
                f"{least} bytes for one pair of inputs, and the budget is {request.memory}"
            )
        return max(1, int((request.memory / least) ** 0.5))
