"""Loop IR: functions as trees of loops, loads, lets and stores.

What a schedule decided is said here once, and every backend prints it. Values are scalar
`Node` expressions whose symbols are names bound by `Load` or `Let`; indices are `Node`
expressions of whole numbers over names bound by loops, `Offset` and the arguments.

What it deliberately cannot say: allocation (buffers are the caller's), control flow that
depends on data (a value is chosen by `select`), matrix products (a library's), aliasing
(two buffers never overlap), and calls between functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ntkc.ir.node import Node


class LoopKind(Enum):
    """How the iterations of a loop may run."""

    SERIAL = "serial"  # in order
    LANES = "lanes"  # independent of each other: vector lanes
    GRID = "grid"  # independent: blocks or threads of a device


@dataclass(frozen=True)
class Load:
    """`name = buffer[index]`."""

    name: str
    buffer: str
    index: Node


@dataclass(frozen=True)
class Shared:
    """`name = buffer[index + v]`, one number for all lanes: v counts the vectors of the loop over
    lanes that this is in."""

    name: str
    buffer: str
    index: Node


@dataclass(frozen=True)
class Let:
    """`name = value`."""

    name: str
    value: Node


@dataclass(frozen=True)
class Store:
    """`buffer[index] = value`."""

    buffer: str
    index: Node
    value: Node


@dataclass(frozen=True)
class Offset:
    """`name = index`, a whole number, or its remainder by `modulus` where there is one."""

    name: str
    index: Node
    modulus: int = 0


@dataclass(frozen=True)
class Lookup:
    """`name = table[position]`, a whole number from a constant `Table`."""

    name: str
    table: str
    position: str


@dataclass(frozen=True)
class Loop:
    """`for variable in 0 .. count - 1`.

    A loop over lanes may carry values from each vector to the next: `first` binds them before the
    first vector, as if at its place, and `body` binds them anew at its end.
    """

    kind: LoopKind
    variable: str
    count: Node
    body: tuple[Statement, ...]
    first: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Choice:
    """`body` where `low <= name < high`, else `otherwise`: of whole numbers, never of data."""

    name: str
    low: Node
    high: Node
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True)
class Remark:
    """A comment for the reader of the generated source."""

    text: str


Statement = Load | Shared | Let | Store | Offset | Lookup | Loop | Choice | Remark


@dataclass(frozen=True)
class Table:
    """Constant whole numbers that indices look up: `name[position]`."""

    name: str
    entries: tuple[int, ...]


@dataclass(frozen=True)
class Function:
    """One generated function over the caller's buffers."""

    name: str
    doc: str
    tables: tuple[Table, ...]
    body: tuple[Statement, ...]
