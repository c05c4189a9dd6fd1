"""`dense`: a fully connected layer."""

from __future__ import annotations

from ntkc.ir.node import Node, const, is_const, make
from ntkc.layers.base import (
    BooleanParameter,
    Covariance,
    Features,
    Layer,
    LayerError,
    NumberParameter,
    Shape,
    WholeParameter,
    WordParameter,
)
from ntkc.layers.base.parameters import FACTOR, STANDARD_DEVIATION


class Dense(Layer):
    """Every output is a weighted sum of all inputs, plus a bias.

    Σ' = w² Σ + b²; Θ' = Σ' + w² Θ, or with `parameterization = standard`, where the weights
    themselves have standard deviation w / √N for N inputs, Θ' = N Σ + [b > 0] + w² Θ.
    """

    parameters = (
        NumberParameter("w_std", 1.0, STANDARD_DEVIATION),
        NumberParameter("b_std", 0.0, STANDARD_DEVIATION),
        WholeParameter("units"),
        WordParameter("parameterization", ("ntk", "standard"), "ntk"),
        BooleanParameter("trainable", True),
        NumberParameter("learning_rate", 1.0, FACTOR),
    )

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """As many channels as `units` says."""
        (before,) = inputs
        if before.channels is None and self._counts_inputs:
            raise LayerError(
                "E0318",
                "`parameterization = standard` needs the number of inputs",
                "how many inputs it has is not known",
                because=() if before.channels_from is None else (before.channels_from,),
                help="give `units` to the layer before it, or a size to the input",
            )
        units = self.whole("units")
        text = "this layer has no `units`" if units is None else f"this layer has {units} units"
        return Shape(before.space, units, self.origin(text))

    def features(self, inputs: tuple[Features, ...], level: int) -> Features:
        """Independent Gaussian processes of mean zero, whatever came before."""
        return Features(gaussian=True, own=level, centred=level)

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Σ and Θ of the output."""
        (before,) = inputs
        w = self.number("w_std")
        carried = w * w * before.ntk
        b = self.number("b_std")
        nngp = w * w * before.nngp + b * b
        if not self.flag("trainable"):
            return before.with_values(nngp, carried)
        if self._counts_inputs:
            channels = shapes[0].channels
            assert channels is not None
            own = channels * before.nngp + _whether_positive(b)
        else:
            own = nngp
        return before.with_values(nngp, self.number("learning_rate") * own + carried)

    @property
    def _counts_inputs(self) -> bool:
        return self.word("parameterization") == "standard" and self.flag("trainable")


def _whether_positive(value: Node) -> Node:
    """1 where the value is positive, else 0."""
    if is_const(value):
        return const(1.0 if value.attr("value") > 0 else 0.0)
    return make("select", value, const(1.0), const(0.0))
