"""p q - c^2 of a pair's variances and covariance, held to 0 from below.

It is never negative (Cauchy-Schwarz). In floats it is, by a rounding of p q, for pairs that
coincide in direction; and once that rounding is larger than the 1 + p + q beside it, from variances
of 1e16 on, a root of the sum, or a division by it, would be no number. Nothing moves where the
difference is known to a digit. What people are shown is the formula without it.
"""

from __future__ import annotations

from dataclasses import replace

from ntkc.ir.module import DualForms
from ntkc.ir.node import Node, Rewriter, function, symbol, topological

_C, _P, _Q = map(symbol, "cpq")
_COSINE = 1.0 - symbol("eta")


def held(forms: DualForms) -> DualForms:
    """The forms with every such difference at least 0."""
    hold = Rewriter(_hold)
    return replace(
        forms,
        dual=hold(forms.dual),
        dual_dot=hold(forms.dual_dot),
        complement=hold(forms.complement),
    )


def _hold(node: Node) -> Node:
    return function("max", node, 0.0) if is_difference(node) else node


def is_difference(node: Node) -> bool:
    """Whether a node is s p * s q - (s c)^2, for a factor s that may be 1 and for sqrt(p q) times a
    correlation in the place of c."""
    if node.op != "sub" or any(arg.op != "mul" for arg in node.args):
        return False
    (a, b), (c, d) = node.args[0].args, node.args[1].args
    if c is not d:
        return False
    for scale in {None, *_factors(a)}:
        p, q, pair = (_without(x, scale) for x in (a, b, c))
        if p is _P and q is _Q and pair is not None and (pair is _C or _is_covariance(pair)):
            return True
    return False


def _factors(node: Node) -> tuple[Node, ...]:
    return node.args if node.op == "mul" else ()


def _without(node: Node, scale: Node | None) -> Node | None:
    """The other factor of a product; the node itself for no scale."""
    if scale is None:
        return node
    if node.op != "mul" or scale not in node.args:
        return None
    one, other = node.args
    return other if one is scale else one


def _is_covariance(node: Node) -> bool:
    """sqrt(p) sqrt(q) (1 - eta), as complements have it."""
    leaves = {n.attr("name") for n in topological((node,)) if n.op == "symbol"}
    return node.op == "mul" and leaves == {"p", "q", "eta"} and _COSINE in node.args
