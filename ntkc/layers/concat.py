"""`concat`: branches side by side."""

from __future__ import annotations

from ntkc.ir.node import Node, total
from ntkc.layers.base import Covariance, Features, LayerError, Shape, WordParameter
from ntkc.layers.base.joining import (
    BRANCHES,
    Joining,
    first_uncentred,
    refuse_correlated,
    refuse_raw,
    same_shape,
    same_space,
    sum_features,
)
from ntkc.layers.base.known import AXES
from ntkc.layers.base.positions import bounded, known, mapped
from ntkc.layers.base.values import NEVER

_WORDS = ("channel", "space", *dict.fromkeys(name for names in AXES.values() for name in names))


class Concat(Joining):
    """Over channels: Σ and Θ are the branches' means, weighted by their channels.

    Over a spatial axis (`space` where there is one, else its name, such as `height`) positions are
    joined: Σ and Θ are those of a branch where p and p' are both in it, and 0 between branches,
    which must be uncorrelated for that.
    """

    parameters = (BRANCHES, WordParameter("axis", _WORDS, "channel"))

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """All the channels, or all the positions."""
        axis = self._axis(inputs[0])
        if axis is not None:
            return self._longer(inputs, axis)
        same_space(self, inputs)
        channels = 0
        for i, shape in enumerate(inputs):
            if shape.channels is None:
                origin = shape.channels_from
                raise LayerError(
                    "E0318",
                    "`concat` needs the number of channels of every branch",
                    "it weighs the branches by their channels",
                    because=(
                        self.branch(i, "how many channels this has is not known")
                        if origin is None
                        else origin,
                    ),
                    help="give `units` to the last layer with weights of every branch",
                )
            channels += shape.channels
        return Shape(inputs[0].space, channels, self.origin(f"{channels} channels together"))

    def _axis(self, before: Shape) -> int | None:
        """The number of the spatial axis, None for channels."""
        word, rank = self.word("axis"), len(before.space)
        if word == "channel":
            return None
        if rank == 0:
            raise LayerError(
                "E0307", f"a vector has no axis `{word}`", "`concat` can only join channels here"
            )
        names = AXES[rank]
        if word == "space" and rank == 1:
            return 0
        if word in names:
            return names.index(word)
        choices = " or ".join(f"`{name}`" for name in names)
        several = f"there are {rank} spatial axes here"
        raise LayerError(
            "E0307",
            f"`axis` cannot be `{word}` here",
            several if word == "space" else f"the branches have no axis `{word}`",
            help=f"write `channel`, {choices}",
        )

    def _longer(self, inputs: tuple[Shape, ...], axis: int) -> Shape:
        same_space(self, inputs, but=axis)
        aligned = tuple(Shape((), shape.channels, shape.channels_from) for shape in inputs)
        channels = same_shape(self, aligned)
        size: int | None = 0
        for shape in inputs:
            here = shape.space[axis]
            size = None if size is None or here is None else size + here
        space = (*inputs[0].space[:axis], size, *inputs[0].space[axis + 1 :])
        return Shape(bounded(self, space), channels.channels, channels.channels_from)

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Over channels not Gaussian, for the channels of different branches are not alike.

        No independence is asked for: different branches are different channels. Over an axis, the
        branches meet in one channel, as those of `add` do.
        """
        if self.word("axis") != "channel":
            refuse_raw(self, inputs)
            refuse_correlated(self, inputs, level)
            return sum_features(inputs, level)
        return Features(
            gaussian=False,
            own=NEVER,
            centred=min(f.centred for f in inputs),
            raw=all(f.raw for f in inputs),
            cause=self.origin("because this mixes features of different distributions"),
            uncentred=first_uncentred(inputs),
        ).within(level)

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Weighted means, or blocks."""
        axis = self._axis(shapes[0])
        if axis is not None:
            return self._blocks(inputs, shapes, axis)
        channels = [shape.channels or 0 for shape in shapes]
        weights = [count / sum(channels) for count in channels]

        def mean(values: list[Node]) -> Node:
            return total(w * value for w, value in zip(weights, values, strict=True))

        return inputs[0].with_values(
            mean([branch.nngp for branch in inputs]), mean([branch.ntk for branch in inputs])
        )

    def _blocks(
        self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...], axis: int
    ) -> Covariance:
        out = known(self._longer(shapes, axis).space)
        nngp, ntk, start = [], [], 0
        for branch, shape in zip(inputs, shapes, strict=True):
            begin = tuple(start if i == axis else 0 for i in range(len(out)))
            nngp.append(mapped("embed", branch.nngp, out=out, start=begin))
            ntk.append(mapped("embed", branch.ntk, out=out, start=begin))
            start += known(shape.space)[axis]
        return inputs[0].with_values(total(nngp), total(ntk))
