"""The base of all layers.

A layer's file, named as the word in the language, holds one subclass of `Layer`: its
arguments and three answers, how a layer changes an input's shape, what becomes of the
distribution of its features, and what it does to Σ and Θ. Nothing else lists layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from math import inf
from typing import ClassVar

from ntkc.diagnostics import Span
from ntkc.ir.module import DualForms
from ntkc.ir.node import Node, within
from ntkc.layers.base.parameters import NumberParameter, Parameter
from ntkc.layers.base.values import Covariance, Features, Origin, Shape

Argument = Node | int | bool | str | tuple[object, ...] | None


class LayerError(Exception):
    """Why a layer cannot stand where it stands; the network reports it at the layer."""

    def __init__(
        self,
        code: str,
        message: str,
        label: str = "",
        *,
        because: tuple[Origin, ...] = (),
        help: tuple[str, ...] | str = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.label = label
        self.because = because
        self.help = (help,) if isinstance(help, str) else help


class Layer(ABC):
    """One layer as the program wrote it: its arguments, and the span of its call."""

    parameters: ClassVar[tuple[Parameter, ...]] = ()

    def __init__(self, name: str, arguments: Mapping[str, Argument], span: Span) -> None:
        self.name = name
        self.arguments = dict(arguments)
        self.span = span

    @abstractmethod
    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The output's shape. Raises `LayerError` for inputs that do not fit."""

    @abstractmethod
    def features(
        self, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
    ) -> Features:
        """The output's features, for a layer inside `level` joins.

        The branches of a joining layer are at `level + 1`. Raises `LayerError` where the
        limit does not exist or has no such form.
        """

    @abstractmethod
    def propagate(self, inputs: tuple[Covariance, ...], shapes: tuple[Shape, ...]) -> Covariance:
        """Σ and Θ of the output, from those of the inputs and the inputs' shapes."""

    @property
    def activations(self) -> Mapping[str, Callable[[float], DualForms]]:
        """What derives the forms of the activations that `propagate` uses, to a tolerance, by their
        keys."""
        return {}

    @property
    def definition(self) -> Span | None:
        """Where the program defines it, if the language does not."""
        return None

    def origin(self, text: str) -> Origin:
        """This layer as the reason for something."""
        return Origin(self.span, text)

    def number(self, name: str) -> Node:
        """A number argument: a CONST node, held to its range where it is known at run time only."""
        value = self.arguments[name]
        assert isinstance(value, Node), name
        (declared,) = (p for p in self.parameters if p.name == name)
        allowed = declared.range if isinstance(declared, NumberParameter) else None
        low, high = (-inf, inf) if allowed is None else (allowed.low, allowed.high)
        strict = allowed is not None and allowed.below_high
        return within(value, low, high, f"{name} of {self.name}", strict=strict)

    def whole(self, name: str) -> int | None:
        """A whole-number argument, None where it was left out."""
        value = self.arguments[name]
        assert value is None or (isinstance(value, int) and not isinstance(value, bool)), name
        return value

    def flag(self, name: str) -> bool:
        """A `true` or `false` argument."""
        value = self.arguments[name]
        assert isinstance(value, bool), name
        return value

    def word(self, name: str) -> str:
        """A word argument."""
        value = self.arguments[name]
        assert isinstance(value, str), name
        return value

    def __repr__(self) -> str:
        return f"<layer {self.name}>"
