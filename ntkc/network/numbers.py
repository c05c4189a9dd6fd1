"""Arithmetic of the language: folded where it is constant, kept as nodes where it is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ntkc.activations._logistic import sigmoid, tanh
from ntkc.ir.node import Node, const, make
from ntkc.network.limits import MAX_EXPONENT
from ntkc.network.values import Number, constant


class NoValueError(Exception):
    """Arithmetic that has no finite value, or that cannot be kept symbolic."""

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


@dataclass(frozen=True)
class Function:
    """A function of numbers: its value, and its node where one of them is a `param`."""

    arity: int
    value: Callable[..., float]
    node: Callable[..., Node]


def _unary(op: str) -> Callable[[Node], Node]:
    return lambda x: make(op, x)


def _binary(op: str) -> Callable[[Node, Node], Node]:
    return lambda x, y: make(op, x, y)


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else math.exp(x)


FUNCTIONS: Final[dict[str, Function]] = {
    "abs": Function(1, abs, _unary("abs")),
    "cos": Function(1, math.cos, _unary("cos")),
    "erf": Function(1, math.erf, _unary("erf")),
    "exp": Function(1, math.exp, _unary("exp")),
    "log": Function(1, math.log, _unary("log")),
    "max": Function(2, max, _binary("max")),
    "min": Function(2, min, _binary("min")),
    "Phi": Function(1, _phi, _unary("normal_cdf")),
    "relu": Function(1, lambda x: max(x, 0.0), lambda x: make("max", x, const(0.0))),
    "sigmoid": Function(1, _logistic, sigmoid),
    "sign": Function(
        1,
        lambda x: float((x > 0) - (x < 0)),
        lambda x: make("select", x, const(1.0), make("select", -x, const(-1.0), const(0.0))),
    ),
    "sin": Function(1, math.sin, _unary("sin")),
    "sqrt": Function(1, math.sqrt, _unary("sqrt")),
    "step": Function(
        1, lambda x: float(x > 0), lambda x: make("select", x, const(1.0), const(0.0))
    ),
    "tanh": Function(1, math.tanh, tanh),
}

CONSTANTS: Final = {"pi": math.pi}

_OPERATIONS: Final[dict[str, tuple[str, Callable[[float, float], float]]]] = {
    "+": ("add", lambda x, y: x + y),
    "-": ("sub", lambda x, y: x - y),
    "*": ("mul", lambda x, y: x * y),
    "/": ("div", lambda x, y: x / y),
}

_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}


def call(name: str, arguments: list[Number]) -> Number:
    """A function's value. Raises `NoValueError`."""
    function = FUNCTIONS[name]
    shown = f"{name}({', '.join(f'{a.value:g}' for a in arguments)})"
    value = _finite(shown, lambda: function.value(*(a.value for a in arguments)))
    if all(a.is_constant for a in arguments):
        return constant(value)
    return Number(function.node(*(a.node for a in arguments)), value)


def negate(x: Number) -> Number:
    """-x."""
    return constant(-x.value) if x.is_constant else Number(-x.node, -x.value)


def binary(operator: str, x: Number, y: Number) -> Number:
    """`+ - * / ^`. Raises `NoValueError`."""
    if operator == "^":
        return _power(x, y)
    op, function = _OPERATIONS[operator]
    value = _finite(f"{x.value:g} {operator} {y.value:g}", lambda: function(x.value, y.value))
    if x.is_constant and y.is_constant:
        return constant(value)
    return Number(make(op, x.node, y.node), value)


def compare(operator: str, x: float, y: float) -> bool:
    """`< <= > >= == !=`."""
    return _COMPARISONS[operator](x, y)


def _power(x: Number, y: Number) -> Number:
    shown = f"{x.value:g} ^ {y.value:g}"
    value = _finite(shown, lambda: math.pow(x.value, y.value))
    if x.is_constant and y.is_constant:
        return constant(value)
    exponent = y.whole
    if exponent is None or abs(exponent) > MAX_EXPONENT:
        raise NoValueError(
            "E0311",
            "what depends on a `param` can only be raised to a whole power, "
            f"from -{MAX_EXPONENT} to {MAX_EXPONENT}",
            "use `sqrt`, or `exp(y * log(x))`",
        )
    if exponent >= 0:
        return Number(x.node**exponent, value)
    return Number(const(1.0) / x.node**-exponent, value)


def _finite(shown: str, compute: Callable[[], float]) -> float:
    try:
        value = float(compute())
    except (ZeroDivisionError, ValueError):
        raise NoValueError("E0310", f"`{shown}` has no value") from None
    except OverflowError:
        raise NoValueError("E0310", f"`{shown}` is too large for a number") from None
    if not math.isfinite(value):
        raise NoValueError("E0310", f"`{shown}` is too large for a number")
    return value
