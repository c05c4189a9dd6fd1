"""What the layers that join branches have in common: `add`, `multiply`, `concat`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from ntkc.layers.base.layer import Layer, LayerError
from ntkc.layers.base.parameters import LayersParameter
from ntkc.layers.base.values import NEVER, Features, Origin, Shape


class Joining(Layer):
    """A layer with branches: layers that all begin at its input, and end in it.

    The network resolves the branches; this layer sees their outputs as its inputs.
    `branch_origins` are the branches as the program wrote them.
    """

    branch_origins: tuple[Origin, ...] = ()

    def branch(self, index: int, text: str) -> Origin:
        """A branch as the reason for something."""
        return Origin(self.branch_origins[index].span, text)


BRANCHES = LayersParameter("branches")


def same_shape(layer: Joining, inputs: Sequence[Shape]) -> Shape:
    """The shape that all branches share. Raises `LayerError` where they differ."""
    same_space(layer, inputs)
    result, first = inputs[0], 0
    for i, shape in enumerate(inputs[1:], start=1):
        if _differ(shape.channels, result.channels):
            raise _different(
                layer, (first, result), (i, shape), "they are joined feature by feature",
                "give the last layers of the branches the same `units`",
            )  # fmt: skip
        if result.channels is None:
            result, first = shape, i
    return result


def same_space(layer: Joining, inputs: Sequence[Shape], but: int | None = None) -> None:
    """Raise `LayerError` where the spaces of branches differ, in other axes than `but`."""
    first = inputs[0]
    for i, shape in enumerate(inputs[1:], start=1):
        pairs = zip(shape.space, first.space, strict=False)
        differing = [axis for axis, (a, b) in enumerate(pairs) if _differ(a, b) and axis != but]
        if len(shape.space) != len(first.space) or differing:
            raise _different(
                layer, (0, first), (i, shape), "they are joined position by position",
                "give the branches the same strides, and `padding = same`",
            )  # fmt: skip


def _different(
    layer: Joining, first: tuple[int, Shape], other: tuple[int, Shape], label: str, help: str
) -> LayerError:
    return LayerError(
        "E0317",
        f"the branches of `{layer.name}` have different shapes",
        label,
        because=(
            layer.branch(first[0], f"this branch gives {first[1]}"),
            layer.branch(other[0], f"this one gives {other[1]}"),
        ),
        help=help,
    )


def refuse_raw(layer: Joining, inputs: Sequence[Features]) -> None:
    """Raise `LayerError` where a branch is the network's input itself."""
    for i, features in enumerate(inputs):
        if features.raw:
            raise LayerError(
                "E0405",
                f"a branch of `{layer.name}` is the network's input itself",
                "the input has a fixed number of features, which cannot grow",
                because=(layer.branch(i, "nothing but the input comes through here"),),
                help="put a `dense` layer before the branches, or into this one",
            )


def correlated(
    layer: Joining, message: str, inputs: Sequence[Features], pair: tuple[int, int], level: int
) -> LayerError:
    """The error for a pair of branches that are not independent enough."""
    return LayerError(
        "E0402",
        message,
        "the limit needs branches that are uncorrelated",
        because=tuple(layer.branch(i, _what_is_shared(inputs[i], level)) for i in pair),
        help="end all but one of the branches in a `dense` layer of its own",
    )


def refuse_correlated(layer: Joining, inputs: Sequence[Features], level: int) -> None:
    """Raise `LayerError` unless E[a b] = 0, feature by feature, for any two branches.

    So it is where one of them has mean zero over weights created inside of it (it ends in its own
    weights), or one is made independent and alike by its own weights while the other has mean zero.
    """
    for (i, a), (j, b) in combinations(enumerate(inputs), 2):
        if not _uncorrelated(a, b, level + 1):
            message = f"the branches of `{layer.name}` are correlated"
            raise correlated(layer, message, inputs, (i, j), level)


def _uncorrelated(a: Features, b: Features, inside: int) -> bool:
    if a.centred >= inside or b.centred >= inside:
        return True
    return (a.own >= inside and b.centred > NEVER) or (b.own >= inside and a.centred > NEVER)


def sum_features(inputs: Sequence[Features], level: int) -> Features:
    """What is known of uncorrelated branches together: as much as of all of them."""
    return Features(
        gaussian=all(f.gaussian for f in inputs),
        own=min(f.own for f in inputs),
        centred=min(f.centred for f in inputs),
        cause=first_cause(inputs),
        uncentred=first_uncentred(inputs),
    ).within(level)


def _what_is_shared(features: Features, level: int) -> str:
    if features.own > level:
        return "this branch ends in a nonlinearity, so it has a mean"
    return "this branch has no weights of its own"


def first_cause(inputs: Sequence[Features]) -> Origin | None:
    """What made the first branch that is not Gaussian so."""
    return next((f.cause for f in inputs if not f.gaussian), None)


def first_uncentred(inputs: Sequence[Features]) -> Origin | None:
    """What gave the first branch that has a mean its mean."""
    return next((f.uncentred for f in inputs if f.centred == NEVER), None)


def _differ(a: int | None, b: int | None) -> bool:
    return a is not None and b is not None and a != b
