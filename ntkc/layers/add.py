"""`add`: the sum of branches."""

from __future__ import annotations

from itertools import combinations

from ntkc.ir.node import total
from ntkc.layers.base import Covariance, Features, Shape
from ntkc.layers.base.joining import (
    BRANCHES,
    Joining,
    correlated,
    first_cause,
    first_uncentred,
    refuse_raw,
    same_shape,
)
from ntkc.layers.base.values import NEVER


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

    def features(self, inputs: tuple[Features, ...], level: int) -> Features:
        """Gaussian where all branches are; as fresh as the least fresh of them."""
        refuse_raw(self, inputs)
        for (i, a), (j, b) in combinations(enumerate(inputs), 2):
            if not _uncorrelated(a, b, level + 1):
                message = "the branches of `add` are correlated"
                raise correlated(self, message, inputs, (i, j), level)
        return Features(
            gaussian=all(f.gaussian for f in inputs),
            own=min(f.own for f in inputs),
            centred=min(f.centred for f in inputs),
            cause=first_cause(inputs),
            uncentred=first_uncentred(inputs),
        ).within(level)

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Sums."""
        return inputs[0].with_values(
            total(branch.nngp for branch in inputs), total(branch.ntk for branch in inputs)
        )


def _uncorrelated(a: Features, b: Features, inside: int) -> bool:
    if a.centred >= inside or b.centred >= inside:
        return True
    return (a.own >= inside and b.centred > NEVER) or (b.own >= inside and a.centred > NEVER)
