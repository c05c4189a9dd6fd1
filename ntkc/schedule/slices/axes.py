"""Give every space two axes at least: a sequence is an image of height 1. And drop `carry`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ntkc.ir.module import Module
from ntkc.ir.node import Node, Rewriter, make
from ntkc.ir.ops import SPATIAL

_FILL = {"before": 0, "start": 0, "out": 1, "size": 1, "stride": 1, "dilation": 1, "space": 1}


def two_axes(module: Module) -> Module:
    """The module with a first axis of length 1 in every space of one axis."""
    rewriter = Rewriter(_padded)
    roots = {name: rewriter(root) for name, root in module.roots.items()}
    return replace(module, roots=roots, spans=rewriter.known(module.spans))


def _padded(node: Node) -> Node:
    if node.op == "carry":  # levels are cut at windows here
        return node.args[0]
    if node.op != "gram" and node.op not in SPATIAL:
        return node
    attrs = {name: _attribute(name, value) for name, value in node.attrs}
    return node if attrs == dict(node.attrs) else make(node.op, *node.args, **attrs)


def _attribute(name: str, value: Any) -> Any:
    if name in _FILL and isinstance(value, tuple) and len(value) == 1:
        return (_FILL[name], *value)
    return value


def padded(space: tuple[int, ...]) -> tuple[int, ...]:
    """A space with two axes at least."""
    return (1, *space) if len(space) == 1 else space
