"""From a value across a pair to the same value of one input."""

from __future__ import annotations

from ntkc.ir.node import Node, Varies, make, topological, with_args

MIXING = ("pool", "sum_positions")
"""Operations on pairs that bring different positions of one input together."""


class Projection:
    """Rebuilds values with both inputs equal to one: k12 becomes k11 (ROW) or k22 (COL).

    All a value knows about inputs is in its `gram` leaves, so this replaces those leaves;
    it turns ROW values into COL values (and back) just as well. Only where an operation mixes
    different positions of one input, k11 at one position does not follow from k11 at others: there
    the value across a pair is kept, to be evaluated for an input with `own` self.
    """

    def __init__(self, side: Varies) -> None:
        if side not in (Varies.ROW, Varies.COL):
            raise ValueError(f"a value is projected to ROW or COL, not {side!r}")
        self._side = str(side.name)
        self._done: dict[Node, Node] = {}

    def _rule(self, node: Node) -> Node:
        if node.op == "gram":
            return make("gram", **{**dict(node.attrs), "varies": self._side})
        if node.op == "product":
            return make("gram", varies=self._side) / make("inverse_size")
        if node.op in ("gram_complement", "gram_distance"):
            return make("const", value=0.0)
        if node.op == "same_position":
            return node.args[0]
        return node

    def __call__(self, node: Node) -> Node:
        """The value of one input."""
        for part in topological((node,), self._done):
            if part.op == "own":
                self._done[part] = make("own", part.args[0], varies=self._side)
            elif part.op in MIXING and part.varies is Varies.CROSS:
                self._done[part] = make("own", part, varies=self._side)
            else:
                args = tuple([self._done[a] for a in part.args])
                self._done[part] = self._rule(with_args(part, args))
        return self._done[node]


def project(node: Node, side: Varies) -> Node:
    """One projection; use a `Projection` where several values share subexpressions."""
    return Projection(side)(node)
