"""Add derivatives of a kernel: forward mode on the recursion, one direction a variable.

For a layer's weights, and with complements (eta = 1 - rho) for a kinked activation:

    ntk = w * w * k              gains     rate_w_of_ntk = w * k + w * k
    ntk = kappa(carry(eta))      gains     rate_w_of_ntk = kappa'(eta) * carry(rate of eta)

The pass follows `expand`, so what it differentiates are the forms that lose no digits near
coincident inputs. Their derivatives lose none either: a complement's rate is a sum of terms of
the complement's own order, and where the slope of a kinked activation grows like 1/sqrt(eta)
it meets such a rate. Derivatives of the textbook recursion would subtract numbers that grow
without bound as two inputs approach one another.

Preserves the roots that are there. The roots added are derivatives by parameters (`rate_..`)
and by the values that inputs enter through (`slope_..`), of the pair and of single inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ntkc.ir.module import Module
from ntkc.ir.node import Node, const, make, topological
from ntkc.ir.rates import RULES, Rate
from ntkc.ir.verify import COMPLEMENT_ROOT

PAIR, ROW = "pair", "row"
"""The values that a first input enters through: a product or a complement of the pair, and its
own mean square."""


@dataclass(frozen=True)
class Variable:
    """What a kernel is differentiated by: a parameter, or (`leaf`) PAIR or ROW."""

    name: str
    leaf: bool = False

    def root(self, name: str) -> str:
        """The name of the derivative of the root `name`."""
        return f"{'slope' if self.leaf else 'rate'}_{self.name}_of_{name}"

    def moves(self, node: Node) -> bool:
        """Whether the node is the variable."""
        if not self.leaf:
            return node.op == "param" and node.attr("name") == self.name
        if self.name == PAIR:
            return node.op in ("product", "gram_complement")
        return node.op == "gram" and node.attr("varies") == "ROW"


def differentiate(module: Module, roots: Sequence[str], variables: Sequence[Variable]) -> Module:
    """The module with the derivatives of `roots` and of their diagonals by each variable.

    The slope by PAIR is by the inner product of two inputs, not divided by their size, or by the
    complement of their correlation, whichever the module starts from; the latter is then a root
    of its own. Raises `ValueError` for an operation without a rule.
    """
    found = dict(module.roots)
    leaf = make("gram_complement")
    if any(v.leaf for v in variables) and leaf in set(topological(module.roots.values())):
        found[COMPLEMENT_ROOT] = leaf
    spans = dict(module.spans)
    for variable in variables:
        rates = _Rates(variable)
        for root in roots:
            for name in (root, f"{root}_diagonal"):
                rate = rates(module.roots[name])
                found[variable.root(name)] = const(0.0) if rate is None else rate
        for node, span in module.spans.items():
            rate = rates.known(node)
            if rate is not None:
                spans.setdefault(rate, span)
    return module.with_roots(found, spans)


class _Rates:
    """Derivatives by one variable, each node's once."""

    def __init__(self, variable: Variable) -> None:
        self._variable = variable
        self._rates: dict[Node, Rate] = {}

    def known(self, node: Node) -> Rate:
        """The derivative of a node that was met on the way, where it moves."""
        return self._rates.get(node)

    def __call__(self, root: Node) -> Rate:
        """The derivative of a value; None where it does not depend on the variable."""
        for node in topological((root,), self._rates):
            self._rates[node] = self._rate(node)
        return self._rates[root]

    def _rate(self, node: Node) -> Rate:
        if self._variable.moves(node):
            return make("const", value=1.0)
        rates = [self._rates[a] for a in node.args]
        if not any(rate is not None for rate in rates):
            return None
        rule = RULES.get(node.op)
        if rule is None:
            raise ValueError(f"there is no rule for the derivative of {node.op!r}")
        found: Rate = rule(node, *rates)
        return found
