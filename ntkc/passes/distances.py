"""Replace every dual activation by its closed form, over squared distances between positions.

Before and after, for a window and a ReLU (k = the inner product of two positions):

    dual{relu}(window(k), window(k11), window(k22))
    √(window(k11) window(k22)) κ(η),   η = (window(d) − h)/√(window(k11) window(k22))

with d = |x₁ − x₂|²/2 divided by the size, and h = (√window(k11) − √window(k22))²/2.

It is `expand` for inputs on positions that nearly coincide. There, at p = p', a covariance Σ
goes as D = (Σ₁₁ + Σ₂₂)/2 − Σ, half the squared distance of two Gaussian features. D starts from
differences of the inputs, and nearly equal numbers are never subtracted:

- what is linear in Σ and in its variances alike (sums, multiples, windows, embeddings) is the
  same on D;
- activations and products go by the complement, η = (D − (√Σ₁₁ − √Σ₂₂)²/2)/√(Σ₁₁ Σ₂₂), and
  D = (√Σ₁₁ − √Σ₂₂)²/2 + √(Σ₁₁ Σ₂₂) η;
- pools bring different positions of one input together, whose values are far apart: behind
  them η is 1 − ρ, with what that loses.

At p ≠ p' nearly coincident inputs are as far apart as one input's own positions, and values are
Σ as in `expand`. So what is carried is one value, `where_same(D, Σ)`, and maps that keep
displacements take it as it is. An entry costs more than in `expand`: this is a program of its
own, in float64, which runs for nearly coincident inputs alone (`ntkc.runtime.near_images`).

Preserves the value of every root.
"""

from __future__ import annotations

from ntkc.ir.module import Module
from ntkc.ir.node import Node, Varies, const, function, inv_sqrt, make, sqrt, substitute, with_args
from ntkc.passes.expand import (
    DUALS,
    Expansion,
    Scaled,
    checked,
    complements_demanded,
    on_positions,
)

_ONE, _HALF, _ZERO = const(1.0), const(0.5), const(0.0)
_LINEAR = ("window", "spread", "mean_diagonal", "same_position", "embed")
_MIXING = ("pool", "sum_positions", "dropout")


def expand_distances(module: Module) -> Module:
    """The module without `dual` and `dual_dot` operations, distances being carried."""
    expansion = _Distances(module)
    roots = {name: expansion.value(root) for name, root in module.roots.items()}
    spans = {part: span for node, span in module.spans.items() for part in expansion.parts(node)}
    return module.with_roots(roots, spans)


def has_distances(module: Module) -> bool:
    """Whether a network on positions gains by it: something in it depends on complements."""
    return on_positions(module) and bool(complements_demanded(module))


class _Distances(Expansion):
    def __init__(self, module: Module) -> None:
        super().__init__(module)
        self.carried: dict[Node, Node] = {}

    def _demanded(self) -> set[Node]:
        return complements_demanded(self.module)

    def _scaled(self, node: Node) -> Scaled:
        if node not in self.demanded or not _is_linear(node):
            return super()._scaled_by_rule(node)
        own = self._own(node)
        middle = _HALF * own + _HALF * self.col(own)
        carried = self._carried(node)
        return Scaled(_ONE, _where_same(node, middle - carried, carried))

    def _own(self, node: Node) -> Node:
        """The variance of the first input that a covariance goes with."""
        return self.value(self.row(node))

    def _argument_complement(self, node: Node) -> Node:
        return self._eta(node.args[0])

    def _covariance(self, k12: Node) -> Node:
        return self.values[k12]

    # --- what is carried, and complements, each by the other where it has no rule of its own ----

    def _carried(self, node: Node) -> Node:
        """D at p = p', Σ elsewhere; D alone for values without positions."""
        found = self.carried.get(node)
        if found is None:
            rule = self._linear if _is_linear(node) else self._from_complement
            found = self.carried[node] = rule(node)
        return found

    def _linear(self, node: Node) -> Node:
        if node.op == "gram":
            return _where_same(node, make("gram_distance", space=node.space), node)
        if node.op == "add":
            return self._sum_of_carried(node)
        if node.op in _LINEAR:
            return with_args(node, (self._carried(node.args[0]),))
        left, right = (
            self._carried(a) if a.varies is Varies.CROSS else self.values[a] for a in node.args
        )
        return make(node.op, left, right)

    def _sum_of_carried(self, node: Node) -> Node:
        """Terms that are no pair's, such as biases, are no distance."""
        pairs = [self._carried(a) for a in node.args if a.varies is Varies.CROSS]
        if len(pairs) == 2:
            return pairs[0] + pairs[1]
        (term,) = (self.values[a] for a in node.args if a.varies is not Varies.CROSS)
        return _where_same(node, pairs[0], pairs[0] + term)

    def _from_complement(self, node: Node) -> Node:
        root = sqrt(self._own(node))
        norm = root * self.col(root)
        return _where_same(node, self._apart(root) + norm * self._eta(node), self.value(node))

    def _apart(self, root: Node) -> Node:
        """(√Σ₁₁ − √Σ₂₂)²/2: what the variances alone put between two values."""
        return _HALF * make("power", root - self.col(root), exponent=2)

    def _eta(self, node: Node) -> Node:
        """1 − ρ, between 0 and 2."""
        found = self.complements.get(node)
        if found is None:
            found = self.complements[node] = self._eta_by_rule(node)
        return found

    def _eta_by_rule(self, node: Node) -> Node:
        if _is_linear(node):
            return self._eta_of_linear(node)
        if node.op in _MIXING:
            return self._textbook(self.value(node), node)
        if node.op in DUALS:
            return self._eta_of_dual(node)
        if node.op in ("mul", "div"):
            for factor in node.args:
                if factor.varies is Varies.CROSS:
                    self._eta(factor)
            return self._complement_of_product(node)
        raise AssertionError(f"no rule for the complement of {node.op}")

    def _eta_of_linear(self, node: Node) -> Node:
        """From D at p = p', where it may be as small as it likes, up to 2; 1 at variance 0."""
        inverse = inv_sqrt(self._own(node))
        size = inverse * self.col(inverse)
        carried = self._carried(node)
        eta = function("max", (carried - self._apart(sqrt(self._own(node)))) * size, 0.0)
        opposite = const(2.0) - make("coincide", const(2.0) - eta)
        eta = function("select", size, function("select", eta - 1.0, opposite, eta), 1.0)
        return _where_same(node, eta, self._textbook(carried, node))

    def _textbook(self, covariance: Node, node: Node) -> Node:
        inverse = inv_sqrt(self._own(node))
        return make("coincide", 1.0 - covariance * (inverse * self.col(inverse)))

    def _eta_of_dual(self, node: Node) -> Node:
        forms = self.module.activations[node.attr("activation")]
        parameters = self._parameters(node, forms)
        k11, k22 = (checked(self.values[a], forms, parameters) for a in node.args[1:3])
        bindings = {"eta": self._eta(node.args[0]), "p": k11, "q": k22}
        return substitute(forms.complement, {**bindings, **parameters})


def _is_linear(node: Node) -> bool:
    """Whether a covariance is to its arguments as its variances are to theirs."""
    if node.op in ("mul", "div"):
        return sum(a.varies is not Varies.CONST for a in node.args) == 1
    return node.op in ("gram", "add", *_LINEAR)


def _where_same(node: Node, same: Node, displaced: Node) -> Node:
    """The first at p = p', the second elsewhere; a node without positions has the first alone."""
    return make("where_same", same, displaced) if node.space else same
