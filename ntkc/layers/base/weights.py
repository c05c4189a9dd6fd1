"""What layers with weights have in common: `dense` and the convolutions."""

from __future__ import annotations

from abc import abstractmethod

from ntkc.ir.node import Node, const, is_const, make
from ntkc.layers.base.layer import Layer, LayerError
from ntkc.layers.base.parameters import (
    FACTOR,
    STANDARD_DEVIATION,
    BooleanParameter,
    NumberParameter,
    Parameter,
    WholeParameter,
    WordParameter,
)
from ntkc.layers.base.values import Covariance, Features, Shape

WEIGHTS: tuple[Parameter, ...] = (
    NumberParameter("w_std", 1.0, STANDARD_DEVIATION),
    NumberParameter("b_std", 0.0, STANDARD_DEVIATION),
    WholeParameter("units"),
    WordParameter("parameterization", ("ntk", "standard"), "ntk"),
    BooleanParameter("trainable", True),
    NumberParameter("learning_rate", 1.0, FACTOR),
)


class Weighted(Layer):
    """Outputs are sums of N inputs with weights, plus a bias.

    With A the mean of a covariance over a sum's inputs: Σ' = w² A(Σ) + b², and Θ' = Σ' + w² A(Θ),
    or with `parameterization = standard`, where the weights themselves have standard deviation
    w / √N, Θ' = N A(Σ) + [b > 0] + w² A(Θ).
    """

    @abstractmethod
    def inputs_of(self, before: Shape) -> int:
        """N, where the channels are known."""

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Independent Gaussian processes of mean zero, whatever came before."""
        return Features(gaussian=True, own=level, centred=level)

    def with_units(self, before: Shape, space: tuple[int | None, ...]) -> Shape:
        """A shape with as many channels as `units` says."""
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
        return Shape(space, units, self.origin(text))

    def weighed(self, before: Covariance, nngp: Node, ntk: Node, shape: Shape) -> Covariance:
        """Σ and Θ of the output, from A(Σ), A(Θ) and the input's shape."""
        w = self.number("w_std")
        carried = w * w * ntk
        b = self.number("b_std")
        result = w * w * nngp + b * b
        if not self.flag("trainable"):
            return before.with_values(result, carried)
        own = result
        if self._counts_inputs:
            own = self.inputs_of(shape) * nngp + _whether_positive(b)
        return before.with_values(result, self.number("learning_rate") * own + carried)

    @property
    def _counts_inputs(self) -> bool:
        return self.word("parameterization") == "standard" and self.flag("trainable")


def _whether_positive(value: Node) -> Node:
    """1 where the value is positive, else 0."""
    if is_const(value):
        return const(1.0 if value.attr("value") > 0 else 0.0)
    return make("select", value, const(1.0), const(0.0))
