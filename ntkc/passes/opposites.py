"""Keep the digits of pairs of nearly opposite inputs, where an activation asks for 2 − η.

Before and after, with η = 1 − ρ between two inputs (`gram_complement`):

    min(η, 2 − η)     becomes     min(select(−η, 2 + η, η), select(−η, −η, 2 − η))

Near ρ = −1 the angle to opposition depends on 2 − η, of which η has no digits left. So for
nearly opposite pairs the runtime gives η − 2 in the place of η, a negative number; whatever reads η
or 2 − η tells by the sign which one it was given. A module says that it can by a choice by the sign
of its `gram_complement` (`tells_opposites`).

Preserves the value of every root, for complements as they are: between 0 and 2.
"""

from __future__ import annotations

from collections.abc import Iterable

from ntkc.ir.module import Module
from ntkc.ir.node import Node, const, function, is_const, topological, with_args

_TWO = const(2.0)


def opposites(module: Module) -> Module:
    """The module with complements read by their sign, where 2 less one of them occurs."""
    order = list(topological(module.roots.values()))
    read = {n.args[1] for n in order if _is_opposition(n)}
    if not read:
        return module
    done: dict[Node, Node] = {}
    for node in order:
        if _is_opposition(node):
            eta = node.args[1]
            done[node] = function("select", -eta, -eta, node)
        elif _is_leaf(node):
            done[node] = function("select", -node, _TWO + node, node)
        else:
            done[node] = with_args(node, tuple(done[a] for a in node.args))
    roots = {name: done[root] for name, root in module.roots.items()}
    spans = {done[node]: span for node, span in module.spans.items() if node in done}
    return module.with_roots(roots, spans)


def tells_opposites(nodes: Iterable[Node]) -> bool:
    """Whether values of pairs take η − 2 for η."""
    return any(n.op == "select" and _is_sign(n.args[0]) for n in nodes)


def _is_sign(condition: Node) -> bool:
    return condition.op == "neg" and _is_leaf(condition.args[0])


def _is_leaf(node: Node) -> bool:
    while node.op == "carry":
        node = node.args[0]
    return node.op == "gram_complement"


def _is_opposition(node: Node) -> bool:
    return node.op == "sub" and is_const(node.args[0], 2.0) and _is_leaf(node.args[1])
