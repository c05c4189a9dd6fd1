"""How a layer declares its arguments: name, kind, default and allowed range.

The kinds say what the language may pass and what the layer finds in its arguments:

| declaration | in the program | in the layer |
| --- | --- | --- |
| `NumberParameter` | `1.5`, `sqrt(2)`, a `param` | a CONST `Node` |
| `WholeParameter` | `512`, or `none` where it is optional | `int` or None |
| `BooleanParameter` | `true`, `false` | `bool` |
| `WordParameter` | one of its words | `str` |
| `WordsParameter` | one of its words, or a list of them | a tuple of `str` |
| `SizeParameter` | `3x3`, or `3` for every axis | a tuple of `int`, or an `int` |
| `LayersParameter` | every positional argument: a layer each | the network's branches |
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high` that make sense, and why others do not."""

    low: float
    high: float
    reason: str
    below_high: bool = False
    """Whether `high` itself is excluded."""

    def __contains__(self, value: float) -> bool:
        if value < self.low:
            return False
        return value < self.high if self.below_high else value <= self.high


@dataclass(frozen=True)
class NumberParameter:
    """A number, which may depend on the network's `param`s. Without default it is required."""

    name: str
    default: float | None = None
    range: Range | None = None
    described = "a number"


@dataclass(frozen=True)
class WholeParameter:
    """A whole number known at compile time, at least `minimum`; `none` where `optional`."""

    name: str
    default: int | None = None
    minimum: int = 1
    optional: bool = True
    described = "a whole number"


@dataclass(frozen=True)
class BooleanParameter:
    """`true` or `false`."""

    name: str
    default: bool | None = None
    described = "`true` or `false`"


@dataclass(frozen=True)
class WordParameter:
    """One word of several."""

    name: str
    choices: tuple[str, ...]
    default: str | None = None
    described = "a word"


@dataclass(frozen=True)
class WordsParameter:
    """One word of several, or a list of them."""

    name: str
    choices: tuple[str, ...]
    default: tuple[str, ...] | None = None
    described = "a word or a list of words"


@dataclass(frozen=True)
class SizeParameter:
    """A size for every spatial axis, or one whole number for all of them."""

    name: str
    default: tuple[int, ...] | int | None = None
    minimum: int = 1
    optional: bool = False
    """Whether it may be left out without a default of its own: the layer knows what stands."""
    described = "a size"


@dataclass(frozen=True)
class LayersParameter:
    """The branches of a joining layer: every positional argument, at least `minimum`."""

    name: str
    minimum: int = 2
    default = None
    described = "layers"


Parameter = (
    NumberParameter
    | WholeParameter
    | BooleanParameter
    | WordParameter
    | WordsParameter
    | SizeParameter
    | LayersParameter
)

STANDARD_DEVIATION = Range(0.0, float("inf"), "a standard deviation is not negative")
FACTOR = Range(0.0, float("inf"), "a negative factor would not give a covariance")


def is_required(parameter: Parameter) -> bool:
    """Whether a call must give the argument."""
    if isinstance(parameter, WholeParameter | SizeParameter):
        return parameter.default is None and not parameter.optional
    return parameter.default is None
