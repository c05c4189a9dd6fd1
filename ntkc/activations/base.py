"""What an activation file declares, and what binding its arguments gives.

An activation maps jointly Gaussian pre-activations (u, v) with variances p, q and
covariance c to its dual E[f(u) f(v)]. A file states f itself, one closed form (`dual`, or
`kappa` for a homogeneous f) where there is one, and its parameters. Everything else (the
derivative's dual, diagonals, complements) is derived from that form by `ntkc.symbolic`.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from ntkc.ir.module import DualForms
from ntkc.ir.node import Node, as_node, function, is_const, sqrt, symbol, within

if TYPE_CHECKING:
    from ntkc.symbolic.series import Formula

MAX_DEGREE = 20
MAX_NUMBERS = 21


class ParameterKind(Enum):
    """What may be given for a parameter."""

    NUMBER = "number"  # a Node; may depend on the program's params
    DEGREE = "whole number"  # an int known when the program is compiled
    NUMBERS = "list of numbers"  # Nodes, as many as are given


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: its kind, default (None: required) and allowed range."""

    name: str
    kind: ParameterKind
    default: float | None = None
    low: float = -math.inf
    high: float = math.inf
    reason: str = ""
    samples: tuple[Any, ...] = ()
    """Values for the contract tests, besides the default."""


def number(
    name: str, default: float | None = None, *samples: float, low: float = -math.inf,
    high: float = math.inf, reason: str = "",
) -> Parameter:  # fmt: skip
    """A parameter that is a number, run-time or not."""
    return Parameter(name, ParameterKind.NUMBER, default, low, high, reason, samples)


def degree(name: str, *samples: int, low: int = 0) -> Parameter:
    """A whole number from `low` to `MAX_DEGREE`, known at compile time."""
    reason = "higher moments of a Gaussian leave the range of float32"
    return Parameter(name, ParameterKind.DEGREE, None, low, MAX_DEGREE, reason, samples)


def numbers(name: str, *samples: tuple[float, ...]) -> Parameter:
    """A list of 1 to `MAX_NUMBERS` numbers."""
    reason = "higher moments of a Gaussian leave the range of float32"
    return Parameter(name, ParameterKind.NUMBERS, None, 1, MAX_NUMBERS, reason, samples)


class ArgumentError(ValueError):
    """Wrong arguments: a message, and the parameter's name or the position it is about."""

    def __init__(self, message: str, where: str | int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where


class Activation(ABC):
    """An activation function of the language. The class's docstring is its documentation."""

    parameters: ClassVar[tuple[Parameter, ...]] = ()
    distributional_derivative: ClassVar[bool] = False
    """f' has point masses (a jump of f), so dual_dot is infinite where c = sqrt(pq). By
    convention dual_dot is 0: the user is told."""
    folds_numbers: ClassVar[bool] = False
    """Numbers known at compile time are part of the forms (and of their key), not parameters of
    them: what they decide, such as whether the slope jumps, decides which form is best."""
    variances: ClassVar[tuple[float, float]] = (1e-6, 1e2)
    """The variances at which the contract tests hold the forms to quadrature."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def label(self) -> str:
        """What names its forms, before arguments that are known at compile time."""
        return self.name

    @property
    def identity(self) -> object:
        """What its forms depend on, besides the label."""
        return type(self)

    @property
    def documentation(self) -> str:
        """The docstring of the activation."""
        return (type(self).__doc__ or "").strip()

    @abstractmethod
    def function(self, z: Node, /, *arguments: Any, **named: Any) -> Node | None:
        """The activation applied to `z`; None for a kernel map with no function behind it.

        `arguments` follow `parameters`: a Node for a number, an int for a degree, a tuple
        of Nodes for a list.
        """

    def stated(self, bound: Bound, /) -> tuple[Node | int | bool, ...]:
        """All that its file says about its forms with these arguments; empty for no closed form."""
        return ()

    def bind(self, positional: Sequence[Any] = (), named: Mapping[str, Any] | None = None) -> Bound:
        """The activation with its arguments. Raises `ArgumentError`."""
        given = _match(self, positional, dict(named or {}))
        return Bound(self, tuple(_convert(p, given.get(p.name)) for p in self.parameters))


class Closed(Activation):
    """An activation whose file states the closed form of its dual."""

    @abstractmethod
    def dual(self, c: Node, p: Node, q: Node, /, *arguments: Any, **named: Any) -> Node:
        """The closed form of E[f(u) f(v)] for variances p, q and covariance c."""

    def end(self, *arguments: Any) -> Node | None:
        """The variance from which on E[f^2] is infinite; None where it is finite for all."""
        return None

    def stated(self, bound: Bound, /) -> tuple[Node | int | bool, ...]:
        """The closed form."""
        return (self.dual(*map(symbol, ("c", "p", "q")), *bound.symbolic_values),)


class Homogeneous(Closed):
    """f(t z) = t^n f(z) for t > 0: dual = (pq)^(n/2) kappa(rho), one function of the cosine."""

    def homogeneity(self, *arguments: Any, **named: Any) -> int:
        """The degree n."""
        return 1

    @abstractmethod
    def kappa(self, rho: Node, mu: Node, /, *arguments: Any, **named: Any) -> Node:
        """E[f(u) f(v)] at variances 1 and correlation rho; mu is 1 - |rho|, for `kink`."""

    def dual(self, c: Node, p: Node, q: Node, /, *arguments: Any, **named: Any) -> Node:
        """(pq)^(n/2) kappa(rho)."""
        rho = correlation(c, p, q)
        kappa = self.kappa(rho, 1.0 - function("abs", rho), *arguments)
        return root_power(p * q, self.homogeneity(*arguments)) * kappa

    def stated(self, bound: Bound, /) -> tuple[Node | int | bool, ...]:
        """kappa, the degree, and whether the derivative has point masses."""
        arguments = bound.symbolic_values
        kappa = self.kappa(symbol("rho"), symbol("mu"), *arguments)
        return kappa, self.homogeneity(*arguments), self.distributional_derivative


class Expanded(Activation):
    """An activation whose dual has no known closed form: its series stands for it.

    See `ntkc.symbolic.series`. A file states the activation, and its derivative in a form that
    keeps its digits.
    """

    written = False
    """Whether its formula stands in a program."""

    def slope(self, z: Node) -> Node:
        """The derivative of `function` at the symbol `z`."""
        from ntkc.symbolic.derive import derivative

        function = self.function(z)
        assert function is not None
        return derivative(function, "z")

    def bells(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """The derivative as a mixture of Gaussian bells, the sum of weights * exp(-rates z^2):
        (rates, weights), for one that has a kink; None for one that has none.
        """
        return None


def correlation(c: Node, p: Node, q: Node) -> Node:
    """c / sqrt(pq), at most 1 in size whatever rounding says; 0 for a zero variance.

    A division by the root, not a product with its inverse: it is exactly 1 for c = p = q.
    """
    root = sqrt(p * q)
    rho = function("select", root, c / root, 0.0)
    return function("max", function("min", rho, 1.0), -1.0)


def root_power(x: Node, n: int) -> Node:
    """x^(n/2) for n >= -1, by whole powers and one square root."""
    if n == -1:
        return function("inv_sqrt", x)
    if n == 0:
        return as_node(1.0)
    whole = x ** (n // 2) if n > 3 else x
    if n % 2 == 0:
        return whole
    return sqrt(x) if n == 1 else whole * sqrt(x)


@dataclass(frozen=True)
class Bound:
    """An activation with its arguments."""

    activation: Activation
    values: tuple[Any, ...]

    @property
    def key(self) -> str:
        """Names the forms: the activation and its compile-time arguments, `monomial(3)`."""
        static = []
        for value in self.values:
            if self._folds(value):
                static.append(repr(value.attr("value")))
            elif not isinstance(value, Node):
                static.append(str(len(value) if isinstance(value, tuple) else value))
        return self.activation.label + (f"({', '.join(static)})" if static else "")

    def _folds(self, value: Any) -> bool:
        return self.activation.folds_numbers and isinstance(value, Node) and is_const(value)

    @property
    def arguments(self) -> tuple[Node, ...]:
        """The number parameters' values, in the order of `symbols`."""
        return tuple(_flatten([v for v in self.values if not self._folds(v)]))

    @property
    def checked_arguments(self) -> tuple[Node, ...]:
        """`arguments`, held to their ranges where they depend on run-time parameters."""
        checked: list[Any] = []
        for declared, value in zip(self.activation.parameters, self.values, strict=True):
            if self._folds(value):
                continue
            if declared.kind is ParameterKind.NUMBER:
                what = f"{declared.name} of {self.activation.name}"
                checked.append(within(value, declared.low, declared.high, what))
            else:
                checked.append(value)
        return tuple(_flatten(checked))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names that stand for `arguments` in the forms, `erf_a`: they clash with nothing."""
        return tuple(s for s in _flatten(self._symbols()) if isinstance(s, str))

    @property
    def symbolic_values(self) -> tuple[Any, ...]:
        """The arguments with a symbol in place of every number."""
        return tuple(
            tuple(map(symbol, s)) if isinstance(s, tuple) else symbol(s) if type(s) is str else s
            for s in self._symbols()
        )

    def _symbols(self) -> list[Any]:
        result: list[Any] = []
        for declared, value in zip(self.activation.parameters, self.values, strict=True):
            name = f"{self.activation.name}_{declared.name}"
            if isinstance(value, tuple):
                result.append(tuple(f"{name}{k}" for k in range(len(value))))
            else:
                free = isinstance(value, Node) and not self._folds(value)
                result.append(name if free else value)
        return result

    def function(self, z: Node) -> Node | None:
        """The activation applied to `z`."""
        return self.activation.function(z, *self.values)

    @property
    def formula(self) -> Formula:
        """What the series of an activation without closed form is made of."""
        from ntkc.symbolic.series import Formula

        activation, z = self.activation, symbol("z")
        assert isinstance(activation, Expanded)
        function = activation.function(z)
        assert function is not None
        slope = activation.slope(z)
        return Formula(self.key, function, slope, activation.bells, activation.written)

    def forms(self, tolerance: float = 1e-10) -> DualForms:
        """The closed forms, derived at first use and kept per key; or, where there are none,
        those of a series within the tolerance. Raises `NotCertifiedError` if none is.
        """
        if isinstance(self.activation, Expanded):
            from ntkc.symbolic.series import series_forms

            return series_forms(self.formula, tolerance)
        from ntkc.activations._derived import Derived

        if isinstance(self.activation, Derived):
            series = self.activation.series(self, tolerance)
            if series is not None:
                return series
        from ntkc.symbolic.held import held
        from ntkc.symbolic.kept import kept_forms

        key = (self.activation.identity, self.key)
        with _forms_lock:
            found = _forms.get(key)
            if found is None:
                found = held(kept_forms(self) or self._derived())
                if isinstance(self.activation, Closed):
                    found = replace(found, end=self.activation.end(*self.symbolic_values))
                _forms[key] = found
        return found

    def _derived(self) -> DualForms:
        from ntkc.symbolic.derive import dual_forms  # and SymPy with it

        return dual_forms(self)


_forms: dict[tuple[object, str], DualForms] = {}
_forms_lock = threading.RLock()


def _flatten(values: Sequence[Any]) -> list[Any]:
    result: list[Any] = []
    for value in values:
        if isinstance(value, tuple):
            result.extend(value)
        elif isinstance(value, Node | str):
            result.append(value)
    return result


def _match(
    activation: Activation, positional: Sequence[Any], named: dict[str, Any]
) -> dict[str, Any]:
    """Arguments by parameter name."""
    declared = [p.name for p in activation.parameters]
    if len(positional) > len(declared):
        many = f"at most {len(declared)}" if declared else "no"
        raise ArgumentError(
            f"`{activation.name}` takes {many} arguments, not {len(positional)}", len(declared)
        )
    given = dict(zip(declared, positional, strict=False))
    for name, value in named.items():
        if name not in declared:
            listed = ", ".join(f"`{d}`" for d in declared) or "none"
            raise ArgumentError(
                f"`{activation.name}` has no parameter `{name}` (its parameters: {listed})", name
            )
        if name in given:
            raise ArgumentError(f"`{name}` is given twice", name)
        given[name] = value
    return given


def _convert(declared: Parameter, value: Any) -> Any:
    """The argument in the form that the parameter's kind asks for."""
    if value is None:
        if declared.default is None:
            raise ArgumentError(f"`{declared.name}` is missing", declared.name)
        value = declared.default
    if declared.kind is ParameterKind.NUMBER:
        return _number(declared, value)
    if declared.kind is ParameterKind.DEGREE:
        return _whole_number(declared, value)
    return _number_list(declared, value)


def _number(declared: Parameter, value: Any) -> Node:
    if isinstance(value, bool) or not isinstance(value, Node | int | float):
        raise ArgumentError(f"`{declared.name}` must be a number", declared.name)
    try:
        node = as_node(value)
    except (ValueError, OverflowError):
        raise ArgumentError(f"`{declared.name}` must be finite", declared.name) from None
    if node.op == "const":
        _check_range(declared, node.attr("value"))
    return node


def _whole_number(declared: Parameter, value: Any) -> int:
    if isinstance(value, Node) and is_const(value):
        value = value.attr("value")
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    if not whole or not math.isfinite(value) or value != int(value):
        raise ArgumentError(
            f"`{declared.name}` must be a whole number known at compile time", declared.name
        )
    _check_range(declared, value)
    return int(value)


def _number_list(declared: Parameter, value: Any) -> tuple[Node, ...]:
    if not isinstance(value, list | tuple):
        raise ArgumentError(f"`{declared.name}` must be a list of numbers", declared.name)
    if not declared.low <= len(value) <= declared.high:
        raise ArgumentError(
            f"`{declared.name}` must have {declared.low} to {declared.high} numbers, "
            f"not {len(value)}: {declared.reason}",
            declared.name,
        )
    plain = Parameter(declared.name, ParameterKind.NUMBER)
    return tuple(_number(plain, item) for item in value)


def _check_range(declared: Parameter, value: float) -> None:
    if declared.low <= value <= declared.high:
        return
    low, high = declared.low, declared.high
    if high == math.inf:
        bound = f"at least {low:g}"
    elif low == -math.inf:
        bound = f"at most {high:g}"
    else:
        bound = f"from {low:g} to {high:g}"
    because = f": {declared.reason}" if declared.reason else ""
    raise ArgumentError(f"`{declared.name}` must be {bound}, not {value:g}{because}", declared.name)
