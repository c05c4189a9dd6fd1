"""A network as text, one node a line: `--emit network`.

Lines read `%number = layer(arguments) inputs : shape, features`; arguments are shown where
they are not the default.
"""

from __future__ import annotations

import math
from fractions import Fraction

from ntkc.activations.base import Bound
from ntkc.ir.module import Input
from ntkc.ir.node import Node, const, topological
from ntkc.layers.base import Layer
from ntkc.layers.base.activation import ActivationLayer
from ntkc.layers.base.parameters import (
    LayersParameter,
    NumberParameter,
    SizeParameter,
    is_required,
)
from ntkc.network.graph import LayerNode, Network

_LONG = 40
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def show(network: Network) -> str:
    """The whole network."""
    taken = ", ".join(f"{p.name} = {show_value(p.default)}" for p in network.parameters)
    lines = [f"network {network.name}({taken})"]
    numbers: dict[LayerNode, int] = {}
    for node in network.nodes():
        numbers[node] = len(numbers)
        inputs = "".join(f" %{numbers[before]}" for before in node.inputs)
        what = show_input(network.input) if node.layer is None else show_layer(node.layer)
        lines.append(f"  %{numbers[node]} = {what}{inputs} : {node.shape}, {node.features}")
    lines.append(f"  output %{numbers[network.output]}")
    return "\n".join(lines) + "\n"


def show_input(declared: Input) -> str:
    """The input's declaration."""
    sizes = ", ".join("?" if size is None else str(size) for size in declared.sizes)
    return f"input {declared.kind}[{sizes}]" + (" normalized" if declared.normalized else "")


def show_layer(layer: Layer) -> str:
    """A layer's name and its arguments."""
    if isinstance(layer, ActivationLayer):
        return show_activation(layer.bound)
    shown = []
    for parameter in layer.parameters:
        if isinstance(parameter, LayersParameter):
            continue
        value = layer.arguments[parameter.name]
        default: object = parameter.default
        if isinstance(parameter, NumberParameter) and parameter.default is not None:
            default = const(parameter.default)
        if isinstance(parameter, SizeParameter) and value is not None:
            value = show_size(value)
            default = None if default is None else show_size(default)
        if value == default:
            continue
        required = isinstance(parameter, SizeParameter) and is_required(parameter)
        shown.append(str(value) if required else f"{parameter.name} = {show_value(value)}")
    return f"{layer.name}({', '.join(shown)})" if shown else layer.name


def show_activation(bound: Bound) -> str:
    """An activation and its arguments."""
    given = zip(bound.activation.parameters, bound.values, strict=True)
    shown = [
        f"{parameter.name} = {show_value(value)}"
        for parameter, value in given
        if parameter.default is None or value is not const(parameter.default)
    ]
    return f"{bound.activation.name}({', '.join(shown)})" if shown else bound.activation.name


def show_size(value: object) -> str:
    """A size as the language writes it: `3x3`."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def show_value(value: object) -> str:
    """An argument's value."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return show_float(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(show_value, value))}]"
    if isinstance(value, int | str):
        return str(value)
    assert isinstance(value, Node)
    return show_number(value)


_READ_AT_ONCE = 9
"""Characters of a number that need no shorter way to say it."""


def show_float(value: float) -> str:
    """A number as one would write it, `sqrt(2)` or `1/3`, where that is the same float."""
    text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if len(text) <= _READ_AT_ONCE or not math.isfinite(value):
        return text
    simple = Fraction(value).limit_denominator(9999)
    if simple.numerator / simple.denominator == value:
        return str(simple)
    square = Fraction(value * value).limit_denominator(100)
    root = math.sqrt(square.numerator / square.denominator)
    return ("-" if value < 0 else "") + f"sqrt({square})" if root == abs(value) else text


def show_number(root: Node) -> str:
    """A number that may depend on parameters; cut short where it is long."""
    if sum(1 for _ in topological((root,))) > _LONG:
        return "..."
    shown: dict[Node, str] = {}
    for node in topological((root,)):
        parts = [shown[arg] for arg in node.args]
        shown[node] = text = _show_operation(node, parts)
        if len(text) > 8 * _LONG:
            return "..."
    return shown[root].removeprefix("(").removesuffix(")") if root.op in _SIGNS else shown[root]


def _show_operation(node: Node, parts: list[str]) -> str:
    if node.op == "const":
        return show_value(node.attr("value"))
    if node.op == "param":
        return str(node.attr("name"))
    if node.op in _SIGNS:
        return f"({parts[0]} {_SIGNS[node.op]} {parts[1]})"
    if node.op == "power":
        return f"{parts[0]}^{node.attr('exponent')}"
    if node.op == "neg":
        return f"-{parts[0]}"
    return f"{node.op}({', '.join(parts)})"
