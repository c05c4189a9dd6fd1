"""Straight-line code: expressions that are computed once, not in a loop over pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ntkc.backends.spelling import Dialect
from ntkc.ir.node import Node

_LONGEST = 72
Matrix = tuple[tuple[float, ...], ...]


class StraightLine:
    """Writes assignments for the values below some roots, shared values once.

    `names` are values that stand ready under a name; nothing below them is computed. Chebyshev
    series of one value are one matrix product; their matrices get names in `series`.
    """

    def __init__(
        self,
        dialect: Dialect,
        roots: Sequence[Node],
        names: Mapping[Node, str] | None = None,
        series: dict[Matrix, str] | None = None,
    ) -> None:
        self._dialect = dialect
        self._names = dict(names or {})
        self._series = {} if series is None else series
        self.lines: list[str] = []
        order = self._order(roots)
        uses = _uses(order, roots)
        together = _together(order)
        for node in order:
            if node in self._names:
                continue
            if node.op == "chebyshev":
                self._expand(together[_shape(node)])
                continue
            text = dialect.write(node, self._names)
            if node.args and (uses[node] > 1 or len(text) > _LONGEST):
                name = f"v{len(self.lines)}"
                self.lines.append(f"{name} = {text}")
                self._names[node] = name
        self.results = [dialect.write(root, self._names) for root in roots]

    def _expand(self, nodes: Sequence[Node]) -> None:
        """All series of one value, from their matrix."""
        matrix = tuple(node.attr("coefficients") for node in nodes)
        name = self._series.setdefault(matrix, f"SERIES_{len(self._series)}")
        value = f"v{len(self.lines)}"
        x = self._dialect.write(nodes[0].args[0], self._names)
        self.lines.append(f"{value} = chebyshev({x}, {name})")
        self._names.update((node, f"{value}[{row}]") for row, node in enumerate(nodes))

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


def _shape(node: Node) -> tuple[Node, int]:
    return node.args[0], len(node.attr("coefficients"))


def _together(order: Sequence[Node]) -> Mapping[tuple[Node, int], list[Node]]:
    """The Chebyshev series of each value, by their lengths."""
    found: dict[tuple[Node, int], list[Node]] = {}
    for node in order:
        if node.op == "chebyshev":
            found.setdefault(_shape(node), []).append(node)
    return found


def _uses(order: Sequence[Node], roots: Sequence[Node]) -> dict[Node, int]:
    uses: dict[Node, int] = {}
    for node in (*roots, *(a for n in order for a in n.args)):
        uses[node] = uses.get(node, 0) + 1
    return uses
