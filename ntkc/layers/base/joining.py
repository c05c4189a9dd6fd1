"""What the layers that join branches have in common: `add`, `multiply`, `concat`."""

from __future__ import annotations

from collections.abc import Sequence

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
    result, first = inputs[0], 0
    for i, shape in enumerate(inputs[1:], start=1):
        if shape.space != result.space or _differ(shape.channels, result.channels):
            raise LayerError(
                "E0317",
                f"the branches of `{layer.name}` have different shapes",
                "they are joined feature by feature",
                because=(
                    layer.branch(first, f"this branch gives {result}"),
                    layer.branch(i, f"this one gives {shape}"),
                ),
                help="give the last layers of the branches the same `units`",
            )
        if result.channels is None:
            result, first = shape, i
    return result


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
