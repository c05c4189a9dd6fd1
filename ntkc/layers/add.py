"""`add`: the sum of branches."""

from __future__ import annotations

from ntkc.ir.node import total
from ntkc.layers.base import Covariance, Features, Shape
from ntkc.layers.base.joining import (
    BRANCHES,
    Joining,
    refuse_correlated,
    refuse_raw,
    same_shape,
    sum_features,
)


class Add(Joining):
    """Σ and Θ are the branches' sums, where no two branches are correlated.

    Two branches a, b are uncorrelated where E[a b] = 0 feature by feature: one of them has
    mean zero over weights created inside of it (it ends in its own `dense`), or one is made
    independent and alike by its own weights while the other has mean zero.
    """

    parameters = (BRANCHES,)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The shape that the branches share."""
        return same_shape(self, inputs)

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Gaussian where all branches are; as fresh as the least fresh of them."""
        refuse_raw(self, inputs)
        refuse_correlated(self, inputs, level)
        return sum_features(inputs, level)

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Sums."""
        return inputs[0].with_values(
            total(branch.nngp for branch in inputs), total(branch.ntk for branch in inputs)
        )
