"""What became of a network's depth, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ntkc.explain.layout import wrapped
from ntkc.ir.module import Module
from ntkc.ir.node import topological
from ntkc.passes.collapse import collapsible, reason

_DEEP = 4
"""Layers from which on a reader would expect depth to collapse."""


def collapse_lines(module: Module, dtype: str) -> Iterator[str]:
    """Of each kernel that became one function of the angle; or why the depth stays."""
    found = {collapsed.root: collapsed for collapsed in collapsible(module, dtype)}
    for name, collapsed in found.items():
        fitted = collapsed.fit
        yield from wrapped(
            f"The {name} depends on the angle between two inputs alone: {fitted.words} "
            f"stands for the recursion through its layers "
            f"(certified to {fitted.error:.1e} of the largest value; {collapsed.after} flops "
            f"in place of {collapsed.before}).",
            2,
            4,
        )
    carried = sum(node.op == "carry" for node in topological((module.roots["ntk"],)))
    if "ntk" not in found and carried >= _DEEP:
        why = reason(module, "ntk") or "no fit that is certified is cheaper"
        yield from wrapped(f"The depth does not collapse: {why}.", 2, 4)
