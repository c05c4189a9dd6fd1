"""The rules of values that have positions: see `ntkc.ir.verify`."""

from __future__ import annotations

from collections.abc import Iterator

from ntkc.ir.node import Node, Space, Varies
from ntkc.ir.ops import SPATIAL
from ntkc.ir.project import MIXING

DIVISORS = ("none", "size", "inside")
_OF_PAIRS = (*MIXING, "same_position", "own")
_NUMBERS = {"before": 0, "out": 1, "size": 1, "start": 0, "stride": 1, "dilation": 1}
"""Attributes that hold a whole number for every axis, and the smallest that is allowed."""


def position_rules(node: Node, declared: tuple[int | None, ...]) -> Iterator[str]:
    """The rules about spaces that an operation breaks; `declared` is the input's space."""
    if node.op in ("gram", "gram_distance") and node.space != declared:
        yield f"{node.op} has the space {declared} of the module's input, not {node.space}"
    if node.op not in SPATIAL:
        spaces = {argument.space for argument in node.args} - {()}
        if len(spaces) > 1:
            yield f"arguments of {node.op} have one space, not {sorted(spaces)}"
        if node.op == "where_same" and not (node.space and node.varies is Varies.CROSS):
            yield "where_same is of pairs that have positions"
        return
    (argument,) = node.args
    if argument.varies is Varies.CONST:
        yield f"the argument of {node.op} depends on inputs: a constant does not say on which"
    elif node.op in _OF_PAIRS and argument.varies is not Varies.CROSS:
        yield f"the argument of {node.op} is a value of pairs"
    if node.op == "own":
        if node.attr("varies") not in ("ROW", "COL"):
            yield f"own varies over ROW or COL, not {node.attr('varies')!r}"
        return
    if not argument.space:
        yield f"the argument of {node.op} has positions"
        return
    wrong = list(_numbers(node, len(argument.space)))
    yield from wrong or _geometry(node, argument.space)


def _numbers(node: Node, rank: int) -> Iterator[str]:
    for name, value in node.attrs:
        if name == "circular" and type(value) is not bool:
            yield f"circular of {node.op} is true or false, not {value!r}"
        if name == "divide" and value not in DIVISORS:
            yield f"divide of {node.op} is one of {', '.join(DIVISORS)}, not {value!r}"
        if name not in _NUMBERS:
            continue
        low = _NUMBERS[name]
        if not isinstance(value, tuple) or len(value) != rank:
            yield f"{name} of {node.op} has a number for each of {rank} axes, not {value!r}"
        elif not all(type(item) is int and item >= low for item in value):
            yield f"{name} of {node.op} holds whole numbers, at least {low}, not {value!r}"


def _geometry(node: Node, space: Space) -> Iterator[str]:
    if node.op == "embed":
        for axis, (start, size, out) in enumerate(
            zip(node.attr("start"), space, node.attr("out"), strict=True)
        ):
            if start + size > out:
                yield f"what is embedded lies inside: {start} + {size} > {out} on axis {axis}"
    elif node.op in ("window", "spread", "pool"):
        inside, count = space, node.attr("out")
        if node.op == "spread":
            inside, count = count, inside
        for axis in range(len(space)):
            yield from _windows(node, axis, inside[axis], count[axis])


def _windows(node: Node, axis: int, size: int, count: int) -> Iterator[str]:
    """All windows meet the axis, and go around one that is a ring."""
    stride, before = node.attr("stride")[axis], node.attr("before")[axis]
    dilation = node.attr("dilation")[axis] if node.op != "pool" else 1
    reach = (node.attr("size")[axis] - 1) * dilation + 1
    last = (count - 1) * stride - before
    if node.attr("circular"):
        if count * stride != size:
            yield f"{node.op}: {count} windows {stride} apart do not go around axis {axis}, {size}"
    elif last >= size or before >= reach:
        yield f"{node.op}: windows from {-before} to {last} lie outside of axis {axis}, {size}"
