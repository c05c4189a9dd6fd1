"""Activations whose forms are derived from their formula, by the rules of `ntkc.symbolic`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntkc.activations.base import Activation, Bound, Expanded, Parameter, ParameterKind
from ntkc.ir.module import DualForms
from ntkc.ir.node import Node, substitute, symbol
from ntkc.ir.rates import derivative

if TYPE_CHECKING:
    from ntkc.symbolic.decays import Slopes
    from ntkc.symbolic.routes import Dual, Expression, NoClosedForm


class Derived(Activation):
    """A file or a program states the function alone."""

    def derived_forms(self, bound: Bound) -> DualForms:
        """The closed form. Raises `ValueError` where no rule gives one."""
        from ntkc.symbolic.routes import NoClosedForm

        found = self.route(bound)
        if isinstance(found, NoClosedForm):
            raise ValueError(f"`{self.name}` has no closed form: {found.reason}")
        return found.forms

    def route(self, bound: Bound) -> Dual | NoClosedForm:
        """The closed form and how it was found, or why there is none."""
        from ntkc.symbolic.routes import closed_form

        return closed_form(self.expression(bound))

    def decays(self, bound: Bound) -> Slopes | None:
        """Its slope, where it is made of exponentials that fall away from a kink at 0."""
        from ntkc.symbolic.routes import decays

        return decays(self.expression(bound).body)

    def series(self, bound: Bound, tolerance: float) -> DualForms | None:
        """The forms by the series of decays, where it is such a one; None for any other."""
        from ntkc.symbolic.routes import decays_forms

        return decays_forms(self.expression(bound), tolerance)

    def expression(self, bound: Bound) -> Expression:
        """The formula over `z` and the parameters' symbols."""
        from ntkc.symbolic.routes import Expression

        body = self.function(symbol("z"), *bound.symbolic_values)
        assert body is not None
        samples = {
            name: value.attr("value") if value.op == "const" else 1.0
            for name, value in zip(bound.symbols, bound.arguments, strict=True)
        }
        return Expression(bound.key, body, bound.symbols, samples)


class Defined(Derived):
    """An activation that a program defines, with the arguments that are numbers put in.

    What depends on a `param` stays a parameter of it. `label` tells it from other uses.
    """

    def __init__(self, name: str, label: str, body: Node, parameters: tuple[str, ...]) -> None:
        super().__init__(name)
        self._label = label
        self._found: Dual | NoClosedForm | None = None
        self.body = body
        self.parameters = tuple(Parameter(p, ParameterKind.NUMBER) for p in parameters)  # type: ignore[misc]

    @property
    def label(self) -> str:
        """The name with the arguments."""
        return self._label

    @property
    def identity(self) -> object:
        """Equal for equal formulas under one label."""
        return (Defined, self.body)

    @property
    def documentation(self) -> str:
        """What the file says of it is its formula."""
        return "Defined by the program."

    def route(self, bound: Bound) -> Dual | NoClosedForm:
        """See `Derived`; derived once, and what jumps is known from then on."""
        if self._found is None:
            self._found = super().route(bound)
            self.distributional_derivative = getattr(self._found, "jumps", False)  # type: ignore[misc]
        return self._found

    def function(self, z: Node, /, *arguments: Any, **named: Any) -> Node:
        """The formula at `z`, its parameters replaced by the arguments."""
        names = (f"{self.name}_{p.name}" for p in self.parameters)
        return substitute(self.body, {"z": z, **dict(zip(names, arguments, strict=True))})


class DefinedSeries(Expanded):
    """An activation that a program defines, and for which no rule gives a closed form."""

    def __init__(self, name: str, label: str, body: Node) -> None:
        super().__init__(name)
        self._label = label
        self.body = body

    @property
    def label(self) -> str:
        """The name with the arguments."""
        return self._label

    @property
    def identity(self) -> object:
        """Equal for equal formulas under one label."""
        return (DefinedSeries, self.body)

    @property
    def documentation(self) -> str:
        """What the file says of it is its formula."""
        return "Defined by the program."

    def function(self, z: Node, /, *arguments: Any, **named: Any) -> Node:
        """The formula at `z`."""
        return substitute(self.body, {"z": z})

    written = True

    def slope(self, z: Node) -> Node:
        """By forward mode: a formula of a stranger is no expression to rearrange."""
        return derivative(self.function(z), z)
