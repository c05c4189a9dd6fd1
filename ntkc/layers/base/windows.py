"""Windows on spatial axes: what convolutions and pools have in common."""

from __future__ import annotations

from dataclasses import dataclass

from ntkc.layers.base.layer import Layer, LayerError
from ntkc.layers.base.parameters import SizeParameter, WordParameter
from ntkc.layers.base.positions import Space, axis_name, bounded, extents, known

SIZE = SizeParameter("k")
STRIDE = SizeParameter("stride", 1)
PADDING = WordParameter("padding", ("valid", "same", "circular"), "valid")
DILATION = SizeParameter("dilation", 1)


@dataclass(frozen=True)
class Windows:
    """Windows that lie in a space: number p of an axis covers stride p - before + dilation o.

    o counts from 0 to size - 1. Under `valid` padding all windows lie inside; `same` lays as
    many as there are strides, with the cells that are missing before (half of them, rounded
    down) and after; `circular` lays as many, and they go around.
    """

    layer: Layer
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str

    def reach(self, axis: int) -> int:
        """The cells from a window's first to its last."""
        return (self.size[axis] - 1) * self.dilation[axis] + 1

    def count(self, space: Space) -> Space:
        """How many windows lie in the space. Raises `LayerError` where they do not fit."""
        found = (None if n is None else self._count(axis, n) for axis, n in enumerate(space))
        return bounded(self.layer, tuple(found))

    def _count(self, axis: int, size: int) -> int:
        name, stride = axis_name(len(self.size), axis), self.stride[axis]
        if self.padding == "valid":
            if size < self.reach(axis):
                left = "is 1" if size == 1 else f"are {size}"
                raise LayerError(
                    "E0326",
                    f"the window of `{self.layer.name}` is larger than its input",
                    f"along the {name} it covers {self.reach(axis)} cells, and there {left}",
                    help="use a smaller window, or `padding = same`",
                )
            return (size - self.reach(axis)) // stride + 1
        if self.padding == "circular" and size % stride:
            raise LayerError(
                "E0327",
                f"a stride of {stride} does not go around a {name} of {size}",
                "the last step around would be shorter than the others",
                help=f"use a stride that divides {size}, or `padding = same`",
            )
        return -(-size // stride)

    def covered(self, space: Space) -> Space:
        """The space that one window for each position of `space` lies in, as `count`'s inverse."""
        found = []
        for axis, size in enumerate(space):
            extra = max(self.reach(axis) - self.stride[axis], 0) if self.padding == "valid" else 0
            found.append(None if size is None else size * self.stride[axis] + extra)
        return bounded(self.layer, tuple(found))

    def attributes(self, inside: Space, count: Space) -> dict[str, bool | tuple[int, ...]]:
        """What operations of kernel IR know of `count` windows inside of a space."""
        before = []
        for axis, (n, windows) in enumerate(zip(known(inside), known(count), strict=True)):
            missing = (windows - 1) * self.stride[axis] + self.reach(axis) - n
            before.append(0 if self.padding == "valid" else max(missing, 0) // 2)
        return {
            "before": tuple(before),
            "circular": self.padding == "circular",
            "size": self.size,
            "stride": self.stride,
        }


def windows(layer: Layer, rank: int) -> Windows:
    """The windows that a layer's arguments describe; a stride left out is the size."""
    size = extents(layer, SIZE, rank)
    stride = size if layer.arguments["stride"] is None else extents(layer, STRIDE, rank)
    dilation = extents(layer, DILATION, rank) if "dilation" in layer.arguments else (1,) * rank
    return Windows(layer, size, stride, dilation, layer.word("padding"))
