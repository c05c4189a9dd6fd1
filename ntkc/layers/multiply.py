"""`multiply`: the product of branches, feature by feature."""

from __future__ import annotations

from ntkc.layers.base import Covariance, Features, Shape
from ntkc.layers.base.joining import (
    BRANCHES,
    Joining,
    correlated,
    first_uncentred,
    refuse_raw,
    same_shape,
)
from ntkc.layers.base.values import NEVER


class Multiply(Joining):
    """Σ = Π Σᵢ and Θ = Σᵢ Θᵢ Πⱼ Σⱼ (j ≠ i), where all branches but one have own weights."""

    parameters = (BRANCHES,)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The shape that the branches share."""
        return same_shape(self, inputs)

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Not Gaussian; of mean zero where a factor is."""
        refuse_raw(self, inputs)
        shared = [i for i, branch in enumerate(inputs) if branch.own <= level]
        if len(shared) > 1:
            message = "the branches of `multiply` are not independent"
            raise correlated(self, message, inputs, (shared[0], shared[1]), level)
        centred = max(f.centred for f in inputs)
        return Features(
            gaussian=False,
            own=min(f.own for f in inputs),
            centred=centred,
            cause=self.origin("because this is a product, not an affine layer"),
            uncentred=first_uncentred(inputs) if centred == NEVER else None,
        ).within(level)

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """The product rule, by prefixes: linear in the number of branches."""
        nngp, ntk = inputs[0].nngp, inputs[0].ntk
        for branch in inputs[1:]:
            ntk = ntk * branch.nngp + nngp * branch.ntk
            nngp = nngp * branch.nngp
        return inputs[0].with_values(nngp, ntk)
