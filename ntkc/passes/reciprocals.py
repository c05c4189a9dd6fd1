"""Divide by each value of a pair once.

    a / (r c s) + b / s + d / (x s)          with s = sqrt(x)
        becomes, with w = 1 / s,
    (1/r) (1/c) (a w) + b w + d w w w

A vector unit takes as long for a division as for eight to sixteen products, and closed forms of
smooth activations divide several numbers by one root. Divisions all of whose divisors are shared
become products with reciprocals; those of single inputs are then computed once per input. Products
go from the numerator outward, so that nothing leaves the range that the quotient stays in. Each
reciprocal is one more rounding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce

from ntkc.ir.cost import work
from ntkc.ir.module import Module
from ntkc.ir.node import Node, Varies, const, is_const, make, topological, with_args


def share_reciprocals(module: Module) -> Module:
    """The module with the divisions that values of pairs share made one, where that is less work.

    Preserves every root up to rounding.
    """
    order = list(topological(module.roots.values()))
    divisors = _shared(order)
    if not divisors:
        return module
    done: dict[Node, Node] = {}
    for node in order:
        if node in divisors:
            done[node] = _times_reciprocals(done[node.args[0]], divisors[node], done)
        else:
            done[node] = with_args(node, tuple(done[arg] for arg in node.args))
    roots = {name: done[root] for name, root in module.roots.items()}
    if _flops(topological(roots.values())) >= _flops(order):
        return module
    return module.with_roots(
        roots, {done.get(node, node): span for node, span in module.spans.items()}
    )


def _flops(nodes: Iterable[Node]) -> int:
    return work(node for node in nodes if node.varies is Varies.CROSS).flops


def _shared(order: Iterable[Node]) -> Mapping[Node, list[Node]]:
    """The divisors, factor by factor, of each division whose divisors by pairs others have too."""
    found = {
        node: _divisors(node.args[1])
        for node in order
        if node.op == "div" and node.args[1].varies is Varies.CROSS
    }
    while True:
        uses = Counter(factor for factors in found.values() for factor in set(factors))
        kept = {
            node: factors
            for node, factors in found.items()
            if all(uses[f] > 1 for f in factors if f.varies is Varies.CROSS)
        }
        if len(kept) == len(found):
            return kept
        found = kept


def _divisors(divisor: Node) -> list[Node]:
    """The factors of a divisor; beside its root, a value is the root's square."""
    stack, factors = [divisor], []
    while stack:
        factor = stack.pop()
        if factor.op == "mul":
            stack.extend(reversed(factor.args))
        else:
            factors.append(factor)
    roots = {factor.args[0]: factor for factor in factors if factor.op == "sqrt"}
    return [part for f in factors for part in ([roots[f], roots[f]] if f in roots else [f])]


def _times_reciprocals(top: Node, factors: Iterable[Node], done: Mapping[Node, Node]) -> Node:
    reciprocals = [
        const(1.0 / factor.attr("value")) if is_const(factor) else make("div", _ONE, done[factor])
        for factor in factors
    ]
    if is_const(top, 1.0):
        return reduce(_times, reciprocals)
    return reduce(_times, reciprocals, top)


_ONE = const(1.0)


def _times(x: Node, y: Node) -> Node:
    return make("mul", x, y)
