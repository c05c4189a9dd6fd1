"""A loop over lanes while it is written."""

from __future__ import annotations

from ntkc.ir.loop import Offset, Statement
from ntkc.ir.node import Node, symbol


class Draft:
    """The statements before a loop and in it, what values are called there, and taken names.

    `used` are names that are taken already, and how many were made of each.
    """

    def __init__(self, used: dict[str, int] | None = None) -> None:
        self.before: list[Statement] = []
        self.body: list[Statement] = []
        self.names: dict[Node, Node] = {}
        self.used = {} if used is None else used

    def fresh(self, stem: str) -> str:
        """A name that nothing else has."""
        count = self.used.get(stem, 0) + 1
        unique = stem if count == 1 else f"{stem}_{count}"
        while unique in self.used:
            count += 1
            unique = f"{stem}_{count}"
        self.used[unique] = 1
        self.used[stem] = count
        return unique

    def bind(self, node: Node, stem: str) -> str:
        """A name of its own for a value."""
        found = self.fresh(stem)
        self.names[node] = symbol(found)
        return found

    def offset(self, stem: str, index: Node) -> Node:
        """A place that is computed before the loop."""
        name = self.fresh(stem)
        self.before.append(Offset(name, index))
        return symbol(name)
