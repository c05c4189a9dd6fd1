"""What an expression comes to: a number, a word, a layer, ..."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ntkc.ir.node import Node, const
from ntkc.layers.base.layer import Layer


@dataclass(frozen=True)
class Number:
    """A number: a CONST node, and what it comes to at the parameters' default values."""

    node: Node
    value: float

    @property
    def is_constant(self) -> bool:
        """Whether it is known at compile time."""
        return self.node.op == "const"

    @property
    def whole(self) -> int | None:
        """The whole number that it is, if it is one and known at compile time."""
        return int(self.value) if self.is_constant and self.value.is_integer() else None


def constant(value: float) -> Number:
    """A number known at compile time."""
    return Number(const(value), float(value))


@dataclass(frozen=True)
class Boolean:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True)
class Extents:
    """A size: `3x3`."""

    extents: tuple[int, ...]


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class Word:
    """A word that only means something to a layer: `same`."""

    word: str


@dataclass(frozen=True)
class Poison:
    """Stands in for what could not be made out and was reported; nothing more is said."""

    size: int = 0


POISON: Final = Poison()


@dataclass(frozen=True, eq=False)
class Single:
    """One layer, with the branches that are its arguments."""

    layer: Layer = field(repr=False)
    branches: tuple[Plan, ...]
    size: int


@dataclass(frozen=True, eq=False)
class Sequence:
    """Layers one after the other; none at all leave their input as it is."""

    parts: tuple[Plan, ...]
    size: int


@dataclass(frozen=True, eq=False)
class Repeat:
    """A layer repeated, each time with weights of its own."""

    body: Plan
    count: int
    size: int


Plan = Single | Sequence | Repeat | Poison
"""A layer as a value: nothing is built before it gets an input.

`size` is how many layers it will be.
"""


@dataclass(frozen=True, eq=False)
class Either:
    """A call such as `exp(1)`, which is a number or a layer; the place decides."""

    number: Number
    layer: Plan


@dataclass(frozen=True)
class FunctionName:
    """The bare name of a function of numbers: `sqrt`; some layers take it as a word."""

    name: str


Value = Number | Boolean | Extents | Items | Word | Plan | Either | FunctionName


def single(layer: Layer, branches: tuple[Plan, ...] = ()) -> Single:
    """A plan of one layer."""
    size = 1 + sum(branch.size for branch in branches)
    return Single(layer, branches, size)


def sequence(parts: tuple[Plan, ...]) -> Plan:
    """A plan of parts in sequence."""
    if len(parts) == 1:
        return parts[0]
    return Sequence(parts, sum(part.size for part in parts))


def repeat(body: Plan, count: int) -> Plan:
    """A plan repeated."""
    if count == 1 or isinstance(body, Poison):
        return body
    if count == 0:
        return sequence(())
    if body.size == 0:
        return body
    return Repeat(body, count, body.size * count)


def as_number(value: Value) -> Value:
    """The number, of what is a number or a layer."""
    return value.number if isinstance(value, Either) else value


def as_layer(value: Value) -> Value:
    """The layer, of what is a number or a layer."""
    return value.layer if isinstance(value, Either) else value


def is_layer(value: Value) -> bool:
    """Whether the value can stand where a layer can."""
    return isinstance(as_layer(value), Single | Sequence | Repeat | Poison)


def describe(value: Value) -> str:
    """What a value is, for a message: "the number 3"."""
    match value:
        case Number():
            return f"the number {value.value:g}" if value.is_constant else "a number"
        case Boolean(value=flag):
            return f"`{str(flag).lower()}`"
        case Extents(extents=extents):
            return f"the size {'x'.join(map(str, extents))}"
        case Items():
            return "a list"
        case Word(word=word):
            return f"the word `{word}`"
        case FunctionName(name=name):
            return f"the function `{name}`"
        case _:
            return "a layer"
