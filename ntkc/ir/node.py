"""Interned expression nodes: the one data structure of the compiler's mathematics.

A `Node` is an operation on other nodes. Nodes are interned (hash-consed): two nodes
with the same operation, arguments and attributes are the same object, so equality is
identity, common subexpressions are shared by construction, and a traversal that
remembers visited objects costs what the graph has nodes, however many paths run
through them.

What a node *varies over* follows from its leaves:

- `CONST`: nothing but the network's parameters;
- `ROW`: the first input x₁ alone; `COL`: the second input x₂ alone;
- `CROSS`: the pair.

Every kernel value exists in these three forms: k12 (CROSS), k11 (ROW), k22 (COL).

And it has a *space*, the sizes of the spatial axes whose positions it depends on; none for the
values of vectors. A CROSS value of a space depends on two positions, others on one.
"""

from __future__ import annotations

import math
import struct
import sys
import threading
import weakref
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from enum import IntFlag
from typing import Any, NoReturn, Self, TypeVar

from ntkc.ir.ops import OPERATIONS

Value = TypeVar("Value")
Attribute = bool | int | float | str | tuple["Attribute", ...]
Space = tuple[int, ...]


class Varies(IntFlag):
    """What a value varies over; the join of two is their bitwise or."""

    CONST = 0
    ROW = 1
    COL = 2
    CROSS = 3


class Node:
    """One interned operation. Make nodes with `make` or by arithmetic on nodes."""

    __slots__ = ("__weakref__", "args", "attrs", "op", "pairs", "space", "varies")

    op: str
    args: tuple[Node, ...]
    attrs: tuple[tuple[str, Attribute], ...]
    varies: Varies
    space: Space
    pairs: bool
    """Whether it is a value of pairs, or made of one (what an input has with its `own` self)."""

    def __new__(cls, *_: object, **__: object) -> Self:
        """Refused: a node made past `make` would not be interned."""
        raise TypeError("nodes are interned: use ntkc.ir.node.make")

    def attr(self, name: str) -> Any:
        """The attribute's value. Raises `KeyError` where the node has none of that name."""
        for key, value in self.attrs:
            if key == name:
                return value
        raise KeyError(f"{self.op} has no attribute {name!r}")

    def __reduce__(self) -> NoReturn:
        raise TypeError("nodes do not pickle; use the textual form (ntkc.ir.text)")

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: object) -> Node:
        return self

    def __repr__(self) -> str:
        parts = [f"{key}={value!r}" for key, value in self.attrs]
        parts += [a.op if a.args else repr(a) for a in self.args]
        return f"{self.op}({', '.join(parts)})"

    def __add__(self, other: Operand) -> Node:
        return make("add", self, as_node(other))

    def __radd__(self, other: Operand) -> Node:
        return make("add", as_node(other), self)

    def __sub__(self, other: Operand) -> Node:
        return make("sub", self, as_node(other))

    def __rsub__(self, other: Operand) -> Node:
        return make("sub", as_node(other), self)

    def __mul__(self, other: Operand) -> Node:
        return make("mul", self, as_node(other))

    def __rmul__(self, other: Operand) -> Node:
        return make("mul", as_node(other), self)

    def __truediv__(self, other: Operand) -> Node:
        return make("div", self, as_node(other))

    def __rtruediv__(self, other: Operand) -> Node:
        return make("div", as_node(other), self)

    def __neg__(self) -> Node:
        return make("neg", self)

    def __pow__(self, exponent: int) -> Node:
        return make("power", self, exponent=exponent)


Operand = Node | float | int

_table: weakref.WeakValueDictionary[object, Node] = weakref.WeakValueDictionary()
_lock = threading.Lock()


_VARIES = tuple(map(Varies, range(4)))


def _identity(value: Attribute) -> object:
    """A key that tells 0.0 from −0.0 and 1 from 1.0 and True, and makes NaN equal itself."""
    if isinstance(value, float):
        return (float, value if value and value == value else struct.pack("<d", value))
    if isinstance(value, tuple):
        return (tuple, *map(_identity, value))
    return (type(value), value)


def make(op: str, *args: Node, **attrs: Attribute) -> Node:
    """The node for `op` with these arguments and attributes.

    Raises `ValueError` for an operation that is not in `OPERATIONS`, or a wrong number of
    arguments or attributes.
    """
    return _intern(op, args, tuple(sorted(attrs.items())) if attrs else ())


def _intern(op: str, args: tuple[Node, ...], items: tuple[tuple[str, Attribute], ...]) -> Node:
    key: tuple[object, ...] = op, args
    if items:
        key = (op, args, *[(name, _identity(value)) for name, value in items])
    with _lock:
        found = _table.get(key)
        if found is not None:
            return found
        operation = OPERATIONS.get(op)
        if operation is None:
            raise ValueError(f"unknown operation {op!r}")
        attrs = dict(items)
        operation.check(len(args), attrs)
        node = object.__new__(Node)
        node.op, node.args, node.attrs = op, args, items
        joined, pairs, placed = 0, False, False
        for arg in args:
            joined |= arg.varies._value_
            pairs = pairs or arg.pairs
            placed = placed or bool(arg.space)
        node.varies = varies = _varies(op, attrs, joined)
        node.space = _space(op, args, attrs) if placed or attrs else ()
        node.pairs = pairs or varies is Varies.CROSS
        _table[key] = node
        return node


def _varies(op: str, attrs: Mapping[str, Attribute], joined: int) -> Varies:
    if attrs and "varies" in attrs:
        return Varies[str(attrs["varies"])]
    if op in ("gram_complement", "gram_distance", "product"):
        return Varies.CROSS
    return _VARIES[joined]


def _space(op: str, args: Sequence[Node], attrs: Mapping[str, Any]) -> Space:
    if "out" in attrs:
        return _sizes(op, attrs["out"])
    if op in ("sum_positions", "mean_diagonal"):
        return ()
    found = _sizes(op, attrs["space"]) if "space" in attrs else ()
    for arg in args:
        if arg.space and found and arg.space != found:
            raise ValueError(f"{op} of values of different spaces: {found} and {arg.space}")
        found = found or arg.space
    return found


def _sizes(op: str, value: object) -> Space:
    if not isinstance(value, tuple) or not all(type(size) is int and size > 0 for size in value):
        raise ValueError(f"{op} has a space of whole numbers, not {value!r}")
    return value


def const(value: float) -> Node:
    """A number. Raises `ValueError` for NaN or an infinity: neither is a constant of ours."""
    if not math.isfinite(value):
        raise ValueError(f"a constant must be finite, not {value}")
    return _intern("const", (), (("value", float(value)),))


def param(name: str) -> Node:
    """A run-time parameter of the network."""
    return make("param", name=name)


def symbol(name: str) -> Node:
    """A free variable of a scalar formula, bound by `substitute`."""
    return make("symbol", name=name)


def as_node(value: Operand) -> Node:
    """The node itself, or the constant for a number."""
    return value if isinstance(value, Node) else const(value)


def is_const(node: Node, value: float | None = None) -> bool:
    """Whether the node is a literal number (equal to `value`, where that is given)."""
    return node.op == "const" and (value is None or node.attr("value") == value)


def topological(roots: Iterable[Node], known: Container[Node] = ()) -> Iterator[Node]:
    """Every node below `roots`, each once, arguments first; none in or below `known`.

    Not recursive: graphs are deep.
    """
    seen: set[Node] = set()
    done: set[Node] = set()
    for root in roots:
        stack = [root]
        while stack:
            node = stack[-1]
            if node in seen or node in known:
                stack.pop()
                if node in seen and node not in done:
                    done.add(node)
                    yield node
                continue
            seen.add(node)
            for arg in reversed(node.args):
                if arg not in seen:
                    stack.append(arg)


Rewrite = Callable[[Node], Node]


class Rewriter:
    """Rebuilds graphs bottom-up with a rule, each distinct node once.

    The rule sees a node whose arguments are already rewritten and returns its replacement
    (or the node itself). The memory of what became of what lasts as long as the rewriter.
    With `pairs_only`, values of single inputs and constants stay as they are, unvisited.
    """

    def __init__(self, rule: Rewrite, *, pairs_only: bool = False) -> None:
        self._rule = rule
        self._pairs_only = pairs_only
        self._done: dict[Node, Node] = {}

    def known(self, nodes: Mapping[Node, Value]) -> dict[Node, Value]:
        """Facts about nodes as facts about what they became, where they were met at all: where
        several became one, the first one's.
        """
        kept = self._pairs_only
        found: dict[Node, Value] = {}
        for node, fact in nodes.items():
            if node in self._done or (kept and not node.pairs):
                found.setdefault(self._done.get(node, node), fact)
        return found

    def __call__(self, root: Node) -> Node:
        """What `root` becomes."""
        done, rule, pairs_only = self._done, self._rule, self._pairs_only
        stack = [root]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            if pairs_only and not node.pairs:
                done[stack.pop()] = node
                continue
            ready = True
            for arg in reversed(node.args):
                if arg not in done:
                    stack.append(arg)
                    ready = False
            if ready:
                stack.pop()
                done[node] = rule(with_args(node, tuple([done[arg] for arg in node.args])))
        return done[root]


def with_args(node: Node, args: tuple[Node, ...]) -> Node:
    """The same operation and attributes on other arguments."""
    if args == node.args:  # equality of nodes is identity
        return node
    return _intern(node.op, args, node.attrs)


def substitute(root: Node, bindings: Mapping[str, Node]) -> Node:
    """Replace the symbols named in `bindings`; others stay."""
    return Rewriter(lambda n: bindings.get(n.attr("name"), n) if n.op == "symbol" else n)(root)


def function(name: str, *args: Operand, **attrs: Attribute) -> Node:
    """`make` that takes numbers as arguments too: `function("max", x, 0)`."""
    return make(name, *map(as_node, args), **attrs)


def sqrt(x: Operand) -> Node:
    """√x."""
    return function("sqrt", x)


def within(x: Node, low: float, high: float, what: str, *, strict: bool = False) -> Node:
    """The value with a check of its range where it depends on run-time parameters.

    Bounds beyond the range of float64 stand for its ends: infinities are refused as well.
    """
    if is_const(x):
        return x
    limit = sys.float_info.max
    low, high = max(low, -limit), min(high, limit)
    return make("within", x, low=low, high=high, strict=strict, what=what)


def inv_sqrt(x: Operand) -> Node:
    """1/√x, and 0 for x = 0: the scale of an all-zero input is never divided by."""
    return function("inv_sqrt", x)


def total(terms: Iterable[Node]) -> Node:
    """The sum of the terms; 0 for none."""
    result: Node | None = None
    for term in terms:
        result = term if result is None else result + term
    return const(0.0) if result is None else result
