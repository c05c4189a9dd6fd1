"""Straight-line code: expressions that are computed once, not in a loop over pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ntkc.backends.numba_cpu.spell import Dialect
from ntkc.ir.node import Node

_LONGEST = 72


class StraightLine:
    """Writes assignments for the values below some roots, shared values once.

    `names` are values that stand ready under a name; nothing below them is computed.
    """

    def __init__(
        self, dialect: Dialect, roots: Sequence[Node], names: Mapping[Node, str] | None = None
    ) -> None:
        self._dialect = dialect
        self._names = dict(names or {})
        self.lines: list[str] = []
        order = self._order(roots)
        uses = _uses(order, roots)
        for node in order:
            text = dialect.write(node, self._names)
            if node.args and (uses[node] > 1 or len(text) > _LONGEST):
                name = f"v{len(self.lines)}"
                self.lines.append(f"{name} = {text}")
                self._names[node] = name
        self.results = [dialect.write(root, self._names) for root in roots]

    def _order(self, roots: Sequence[Node]) -> list[Node]:
        done: dict[Node, None] = {}
        stack = [(root, False) for root in reversed(roots)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                done[node] = None
            elif node not in done and node not in self._names:
                stack.append((node, True))
                stack.extend((a, False) for a in reversed(node.args))
        return list(done)


def _uses(order: Sequence[Node], roots: Sequence[Node]) -> dict[Node, int]:
    uses: dict[Node, int] = {}
    for node in (*roots, *(a for n in order for a in n.args)):
        uses[node] = uses.get(node, 0) + 1
    return uses
