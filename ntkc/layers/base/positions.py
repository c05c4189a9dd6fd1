"""What layers on positions have in common: checks of shapes, and maps that leave zero alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ntkc.ir.node import Node, Varies, const, make, topological
from ntkc.layers.base.known import AXES, MAX_POSITIONS
from ntkc.layers.base.layer import Layer, LayerError
from ntkc.layers.base.parameters import SizeParameter
from ntkc.layers.base.values import Shape

Space = tuple[int | None, ...]


def needs_positions(layer: Layer, before: Shape, instead: str) -> None:
    """Raise `LayerError` where the input is a vector; `instead` is what to write then."""
    if before.space:
        return
    raise LayerError(
        "E0324",
        f"`{layer.name}` needs an input with positions",
        f"its input is a vector, {before}",
        because=() if before.channels_from is None else (before.channels_from,),
        help=f"{instead}, or declare an input such as `image[32, 32, 3]`",
    )


def extents(layer: Layer, parameter: SizeParameter, rank: int) -> tuple[int, ...]:
    """A size argument for every axis. Raises `LayerError` where it is for other axes."""
    value = layer.arguments[parameter.name]
    if isinstance(value, int):
        return (value,) * rank
    assert isinstance(value, tuple), parameter.name
    if len(value) != rank:
        written = "x".join(map(str, value))
        axes = " and ".join(f"`{name}`" for name in AXES[rank])
        raise LayerError(
            "E0325",
            f"`{parameter.name}` of `{layer.name}` is a size for {len(value)} axes: {written}",
            f"its input has {rank}: {axes}",
            help="give a number for every axis, or one whole number for all of them",
        )
    return tuple(int(str(extent)) for extent in value)


def axis_name(rank: int, axis: int) -> str:
    """What people call an axis: height."""
    return AXES[rank][axis]


def bounded(layer: Layer, space: Space) -> Space:
    """The space. Raises `LayerError` where it has too many positions."""
    if prod(size for size in space if size is not None) > MAX_POSITIONS:
        raise LayerError(
            "E0335",
            f"`{layer.name}` would give more than {MAX_POSITIONS:,} positions",
            "the limit is exceeded here",
            help="use a smaller stride",
        )
    return space


def known(space: Space) -> tuple[int, ...]:
    """The sizes of a space, none of which is open any more."""
    sizes = tuple(size for size in space if size is not None)
    if len(sizes) != len(space):
        raise ValueError(f"the space {space} has open sizes")
    return sizes


def positions(shape: Shape) -> int:
    """How many positions a shape of known sizes has; 1 for a vector."""
    return prod(known(shape.space))


def over_axis(layer: Layer, variances: tuple[Node, Node], shape: Shape) -> tuple[Node, Node]:
    """k11 and k22, as means over the positions where the argument `axis` has `space`."""
    axes = layer.arguments["axis"]
    assert isinstance(axes, tuple)
    if "space" not in axes or not shape.space:
        return variances
    k11, k22 = variances
    return mapped("mean_diagonal", k11), mapped("mean_diagonal", k22)


def weights(shapes: Sequence[Shape]) -> str:
    """The layer that makes features Gaussian, as help names it."""
    return "`conv`" if any(shape.space for shape in shapes) else "`dense`"


def mapped(op: str, value: Node, **attributes: bool | str | tuple[int, ...]) -> Node:
    """A linear map on positions, applied to Σ or Θ of an input that has positions.

    Σ depends on them, and so does Θ unless it is 0 because nothing is trained so far: then it stays
    0. (A map of a constant would not say whether it is one of pairs or of single inputs.)
    """
    if not value.space and not _is_formula(value):
        return const(0.0)
    return make(op, value, **attributes)


def scaled(ntk: Node, factor: Node) -> Node:
    """Θ times a factor. Where nothing is trained so far it is 0 and no value of pairs, and it stays
    so, as under `mapped`: 0 times the factor would be a value of pairs that is made of nothing.
    """
    untrained = ntk.varies is Varies.CONST and not _is_formula(ntk)
    return const(0.0) if untrained else ntk * factor


def _is_formula(value: Node) -> bool:
    """Whether symbols stand for covariances, as where a layer's formula is looked for."""
    return any(node.op == "symbol" for node in topological((value,)))
