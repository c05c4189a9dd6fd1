"""The layer that applies an activation to every feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ntkc.activations.base import Bound
from ntkc.diagnostics import Span
from ntkc.ir.module import DualForms
from ntkc.ir.node import make
from ntkc.layers.base.layer import Layer, LayerError
from ntkc.layers.base.positions import weights
from ntkc.layers.base.values import NEVER, Covariance, Features, Shape


class ActivationLayer(Layer):
    """A nonlinearity f, applied to each feature: Σ' = E[f(u) f(v)], Θ' = Θ E[f'(u) f'(v)]."""

    def __init__(self, name: str, bound: Bound, span: Span, definition: Span | None = None) -> None:
        super().__init__(name, {}, span)
        self.bound = bound
        self._definition = definition

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """Unchanged."""
        return inputs[0]

    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """Not Gaussian any more, and with a mean; as independent as before."""
        (before,) = inputs
        if not before.gaussian:
            raise LayerError(
                "E0401",
                f"`{self.name}` needs Gaussian pre-activations",
                "its input is not Gaussian",
                because=() if before.cause is None else (before.cause,),
                help=f"put a {weights(shapes)} layer before it"
                if before.raw
                else f"put a {weights(shapes)} layer between the two",
            )
        made = self.origin("because this is a nonlinearity, not an affine layer")
        return Features(
            gaussian=False,
            own=min(before.own, level),
            centred=NEVER,
            cause=made,
            uncentred=self.origin("this nonlinearity gives the features a mean"),
        )

    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """The dual activation on Σ, the derivative's on Θ."""
        (before,) = inputs
        k11, k22 = before.variances
        operands = (before.nngp, k11, k22, *self.bound.checked_arguments)
        key = self.bound.key
        nngp = make("dual", *operands, activation=key)
        ntk = before.ntk * make("dual_dot", *operands, activation=key)
        return before.with_values(nngp, ntk)

    @property
    def jumps(self) -> bool:
        """Whether f itself jumps: then E[f'(u) f'(v)] is 0 by convention."""
        return self.bound.activation.distributional_derivative

    @property
    def definition(self) -> Span | None:
        """Where a program defines it."""
        return self._definition

    @property
    def activations(self) -> Mapping[str, Callable[[float], DualForms]]:
        """The one activation."""
        return {self.bound.key: self.bound.forms}
