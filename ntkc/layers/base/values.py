"""What is known of a layer's output: its shape, its features' distribution, its covariance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ntkc.diagnostics import Span
from ntkc.ir.node import Node, Varies, const, make
from ntkc.ir.project import Projection


@dataclass(frozen=True)
class Origin:
    """The part of the program that made something so, and what to say beside it."""

    span: Span
    text: str


@dataclass(frozen=True)
class Shape:
    """The sizes of one example: spatial axes and channels; None where a size is open.

    A vector has no spatial axes. `channels` is None for an open input and for a layer
    whose `units` are not given; `channels_from` is what decided on the channels.
    """

    space: tuple[int | None, ...]
    channels: int | None
    channels_from: Origin | None = field(default=None, compare=False)
    broken: bool = False
    """Stands in for the shape after a mistake that was reported."""

    def __str__(self) -> str:
        if self.broken:
            return "error"
        sizes = ", ".join(
            "?" if size is None else str(size) for size in (*self.space, self.channels)
        )
        return f"[{sizes}]"


NEVER = -1
"""The level of features that no weights make random, or that have no zero mean."""


@dataclass(frozen=True)
class Features:
    """How a layer's features are distributed in the limit of infinite width.

    `gaussian`: the channels are independent draws of a Gaussian process of mean zero.
    `raw`: no weights yet, these are the numbers of the network's input.

    Levels count the joining layers (`add`, ...) around the weights: 0 outside of any, 1 in
    a branch, 2 in a branch of a branch. With everything created outside of a join at that
    level held fixed, over the weights inside of the branch,

    - `own`: the channels are independent and alike;
    - `centred`: they have mean zero.

    `NEVER` says that it holds at no level. `cause` is what made them not Gaussian, and
    `uncentred` what gave them a mean.
    """

    gaussian: bool
    own: int
    centred: int
    raw: bool = False
    cause: Origin | None = None
    uncentred: Origin | None = None
    broken: bool = False
    """Stands in for the features after a mistake that was reported."""

    def within(self, level: int) -> Features:
        """The same features seen from `level`: what is fresher than that is fresh there."""
        return replace(self, own=min(self.own, level), centred=min(self.centred, level))

    def __str__(self) -> str:
        if self.broken:
            return "error"
        if self.raw:
            return "input"
        if self.gaussian:
            return "gaussian"
        return "centred" if self.centred > NEVER else "uncentred"


BROKEN_SHAPE = Shape((), None, broken=True)
BROKEN_FEATURES = Features(gaussian=True, own=0, centred=0, broken=True)


@dataclass(frozen=True)
class Covariance:
    """Σ (`nngp`) and Θ (`ntk`) of a layer's output between two inputs: CROSS nodes.

    Layers that need the variances k11 and k22 take them by projection, with memory that
    all covariances of a network share.
    """

    nngp: Node
    ntk: Node
    _row: Projection = field(default_factory=lambda: Projection(Varies.ROW), repr=False)
    _column: Projection = field(default_factory=lambda: Projection(Varies.COL), repr=False)

    @classmethod
    def of_input(cls, space: tuple[int, ...] = ()) -> Covariance:
        """The covariance of the network's input of this space, which nothing trains."""
        attributes = {"space": space} if space else {}
        return cls(make("gram", varies="CROSS", **attributes), const(0.0))

    def with_values(self, nngp: Node, ntk: Node) -> Covariance:
        """Another layer's covariance in the same network."""
        return replace(self, nngp=nngp, ntk=ntk)

    @property
    def variances(self) -> tuple[Node, Node]:
        """k11 and k22: Σ of the first input with itself, and of the second."""
        return self._row(self.nngp), self._column(self.nngp)
