"""From a value across a pair to the same value of one input."""

from __future__ import annotations

from ntkc.ir.node import Node, Rewriter, Varies, make


class Projection:
    """Rebuilds values with both inputs equal to one: k12 becomes k11 (ROW) or k22 (COL).

    All a value knows about inputs is in its `gram` leaves, so this replaces those leaves;
    it turns ROW values into COL values (and back) just as well.
    """

    def __init__(self, side: Varies) -> None:
        if side not in (Varies.ROW, Varies.COL):
            raise ValueError(f"a value is projected to ROW or COL, not {side!r}")
        self._leaf = make("gram", varies=str(side.name))
        self._rewriter = Rewriter(self._rule)

    def _rule(self, node: Node) -> Node:
        if node.op == "gram":
            return self._leaf
        if node.op == "product":
            return self._leaf / make("inverse_size")
        if node.op == "gram_complement":
            return make("const", value=0.0)
        return node

    def __call__(self, node: Node) -> Node:
        """The value of one input."""
        return self._rewriter(node)


def project(node: Node, side: Varies) -> Node:
    """One projection; use a `Projection` where several values share subexpressions."""
    return Projection(side)(node)
