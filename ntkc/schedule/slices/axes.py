"""The form of a module that slices are scheduled from.

Every space gets two axes at least: a sequence is an image of height 1. What goes around a ring in a
way of its own is spelled by what the schedule knows: a circular `spread` is a circular window on
values that were moved apart, and a circular pool of three axes is three pools of one. `carry` goes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ntkc.ir.module import Module
from ntkc.ir.node import Node, Rewriter, make
from ntkc.ir.ops import SPATIAL

_PLANE = 2
_FILL = {"before": 0, "start": 0, "out": 1, "size": 1, "stride": 1, "dilation": 1, "space": 1}


def two_axes(module: Module) -> Module:
    """The module with a first axis of length 1 in every space of one axis."""
    rewriter = Rewriter(_padded)
    roots = {name: rewriter(root) for name, root in module.roots.items()}
    return replace(module, roots=roots, spans=rewriter.known(module.spans))


def _padded(node: Node) -> Node:
    if node.op == "carry":  # levels are cut at windows here
        return node.args[0]
    if node.op not in ("gram", "gram_distance") and node.op not in SPATIAL:
        return node
    attrs = {name: _attribute(name, value) for name, value in node.attrs}
    if attrs.get("circular") and node.op == "spread":
        return _gathered(node.args[0], attrs)
    if attrs.get("circular") and node.op == "pool" and len(attrs["out"]) > _PLANE:
        return _pooled_by_axes(node.args[0], attrs)
    return node if attrs == dict(node.attrs) else make(node.op, *node.args, **attrs)


def _gathered(value: Node, attrs: dict[str, Any]) -> Node:
    """A circular `spread`: position p gathers from p + before - dilation o, the window reversed."""
    out, size, dilation = attrs["out"], attrs["size"], attrs["dilation"]
    rank = range(len(out))
    zeros, ones = tuple(0 for _ in rank), tuple(1 for _ in rank)
    apart = {**attrs, "before": zeros, "size": ones, "dilation": ones, "circular": False}
    return make(
        "window",
        make("spread", value, **apart),
        before=tuple(dilation[a] * (size[a] - 1) - attrs["before"][a] for a in rank),
        circular=True,
        out=out,
        size=size,
        stride=ones,
        dilation=dilation,
    )


def _pooled_by_axes(value: Node, attrs: dict[str, Any]) -> Node:
    """A circular pool as pools along one axis each, so that no code is nested too deeply."""
    for axis in range(len(attrs["out"])):
        space = list(value.space)
        space[axis] = attrs["out"][axis]
        alone: dict[str, Any] = {"out": tuple(space)}
        for name, fill in (("before", 0), ("size", 1), ("stride", 1)):
            alone[name] = tuple(n if a == axis else fill for a, n in enumerate(attrs[name]))
        value = make("pool", value, circular=True, divide=attrs["divide"], **alone)
    return value


def _attribute(name: str, value: Any) -> Any:
    if name in _FILL and isinstance(value, tuple) and len(value) == 1:
        return (_FILL[name], *value)
    return value


def padded(space: tuple[int, ...]) -> tuple[int, ...]:
    """A space with two axes at least."""
    return (1, *space) if len(space) == 1 else space
