"""Replace every dual activation by its closed form, in the form that is accurate.

Before and after, for one hidden ReLU layer without bias (k = x₁ᵀx₂/size):

    nngp = dual{relu}(k, k11, k22)
    nngp = sqrt(k11) * sqrt(k22) * kappa(carry(gram_complement))

The covariance is enough where a dual activation is smooth in it. A kinked activation has a
branch point at coincident inputs: there 1 − ρ cancels, and half the digits of the kernel go
with it. And where many activations follow one another, each magnifies the roundings of those
before it. So where a kinked dual lies downstream, or the network is deep, the *complement*
η = 1 − ρ is propagated instead, by rules that never subtract nearly equal numbers:

- input: `gram_complement`, which the runtime computes from x₁ − x₂ where that is accurate;
- scaling (constants, values of one input): η itself;
- sums of independent terms tᵢ: with the unit vectors αᵢ = √(tᵢ(x,x)/k(x,x)) of both inputs,
  η = Σᵢ αᵢα′ᵢ ηᵢ + ½ Σᵢ (αᵢ − α′ᵢ)²   (a bias is a term with ηᵢ = 0);
- products: 1 − Π(1 − ηᵢ), expanded;
- dropout at rate r: r + (1 − r) η;
- dual activations: the form's own `complement`.

A float32 program takes at least its first covariances from complements: it is those that tell the
runtime which pairs of inputs nearly coincide, and are float64's work. p q - c^2 of two large
variances has no digits left there.

Preserves the value of every root; k12 itself becomes √k11 √k22 (1 − η) where η is carried.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import ENDLESS, DualForms, Module
from ntkc.ir.node import (
    Node,
    Varies,
    const,
    function,
    inv_sqrt,
    is_const,
    make,
    sqrt,
    substitute,
    topological,
    total,
    with_args,
    within,
)
from ntkc.ir.project import Projection
from ntkc.passes.parity import is_odd
from ntkc.symbolic.held import is_difference

DUALS = ("dual", "dual_dot")


def expand(module: Module, dtype: str = "float64") -> Module:
    """The module without `dual`, `dual_dot` and `dropout` operations, for a number type."""
    expansion = Expansion(module, dtype)
    roots = {name: expansion.root(root) for name, root in module.roots.items()}
    spans = {part: span for node, span in module.spans.items() for part in expansion.parts(node)}
    return module.with_roots(roots, spans)


SHALLOW = 4
"""Smooth activations in a row that may read covariances. Each can magnify a rounding, as it does
the angle between two inputs: `erf` after w_std = 3 by 2, after w_std = 10 by 6."""


def complements_demanded(module: Module, dtype: str = "float64") -> set[Node]:
    """The CROSS values whose complement an activation needs, through all layers.

    A kinked activation does, every activation of a deep network, and in float32 the first.
    """
    order = [n for n in topological(module.roots.values()) if n.varies is Varies.CROSS]
    depths = _depths(order)
    deep = max(depths.values(), default=0) > SHALLOW
    demanded: set[Node] = set()
    for node in reversed(order):
        if node.op in DUALS and (
            deep
            or node in demanded
            or module.activations[node.attr("activation")].kinked
            or (dtype == "float32" and depths[node] == 1)
        ):
            demanded.add(node.args[0])
        elif node in demanded:
            demanded.update(a for a in node.args if a.varies is Varies.CROSS)
    return demanded


def on_positions(module: Module) -> bool:
    """Whether the network's values have positions."""
    return module.input.kind != "vector"


def _depths(order: Iterable[Node]) -> dict[Node, int]:
    """The most activations in a row that end in each value."""
    depths: dict[Node, int] = {}
    for node in order:
        below = max((depths.get(a, 0) for a in node.args), default=0)
        depths[node] = below + (node.op in DUALS)
    return depths


@dataclass(frozen=True)
class Scaled:
    """A CROSS value as √(v(x₁) v(x₂)) · relative: `variance` is v of the first input (ROW).

    Norms grow and shrink from layer to layer; what is left without them is the same
    recursion in every layer, and one that needs no norms before the last.
    """

    variance: Node
    relative: Node


_ONE = const(1.0)


class Expansion:
    """Rebuilds a module's values, and keeps every form in which one was needed."""

    def __init__(self, module: Module, dtype: str = "float64") -> None:
        self.module, self.dtype = module, dtype
        self.positions = on_positions(module)
        self.demanded = self._demanded()
        self.odd = bool(self.demanded) and is_odd(module)
        self.read = {n.args[0] for n in topological(module.roots.values()) if n.op in DUALS}
        self.row = Projection(Varies.ROW)
        self.col = Projection(Varies.COL)
        self.values: dict[Node, Node] = {}
        self.scaled: dict[Node, Scaled] = {}
        self.complements: dict[Node, Node] = {}

    def _demanded(self) -> set[Node]:
        """The CROSS values whose complement is carried.

        Networks on positions keep to correlations: each of their many entries would pay. Entries
        that coincide are told apart (see `coincide`), and inputs that nearly do have a program of
        their own (`ntkc.passes.distances`).
        """
        return set() if self.positions else complements_demanded(self.module, self.dtype)

    def root(self, root: Node) -> Node:
        """The expanded form of a root: of an odd network, minus that of the opposite input where
        that is the nearer one.
        """
        value = self.value(root)
        if not self.odd or root.varies is not Varies.CROSS:
            return value
        return function("select", _ONE - make("gram_complement"), value, -value)

    def value(self, root: Node) -> Node:
        """The expanded form of a node; all nodes below it are expanded on the way."""
        for node in topological([root], self.values):
            if node not in self.values:  # a complement may have asked for it meanwhile
                self.values[node] = self._placed(node, self._value(node))
        return self.values[root]

    def _placed(self, node: Node, value: Node) -> Node:
        """The value, with the node's positions: a closed form may be a number, such as the slope
        of `step`, and a map of a number does not say over which positions it goes.
        """
        if not node.space or value.space:
            return value
        return value + const(0.0) * next(self.values[a] for a in node.args if a.space)

    def parts(self, node: Node) -> Iterator[Node]:
        """What became of a node, in each form in which it was needed."""
        if node in self.complements:
            yield self.complements[node]
        if node in self.scaled:
            yield self.scaled[node].relative
        if node in self.values:
            yield self.values[node]

    def _value(self, node: Node) -> Node:
        if node.varies is not Varies.CROSS:
            return self._single(node)
        scaled = self.scaled[node] = self._scaled(node)
        if scaled.variance is _ONE:
            return scaled.relative
        return self._norm(scaled.variance) * scaled.relative

    def _norm(self, variance: Node) -> Node:
        """√(v(x₁) v(x₂)) for an expanded ROW value v."""
        return sqrt(variance) * sqrt(self.col(variance))

    def _single(self, node: Node) -> Node:
        """A value of one input, or of none."""
        args = tuple(self.values[a] for a in node.args)
        if node.op == "gram" and self.module.input.normalized and not self.positions:
            return _ONE
        if node.op == "dropout":
            return args[0] / (_ONE - args[1])
        if node.op not in DUALS:
            return with_args(node, args)
        forms = self.module.activations[node.attr("activation")]
        diagonal = forms.diagonal_dot if node.op == "dual_dot" else forms.diagonal
        parameters = self._parameters(node, forms)
        variance = within_squares(checked(args[1], forms, parameters), forms, self.dtype)
        return substitute(diagonal, {"p": variance, **parameters})

    def _scaled(self, node: Node) -> Scaled:
        if node in self.demanded:
            complement = self.complements[node] = self._complement(node)
            return Scaled(self.value(self.row(node)), _ONE - complement)
        return self._scaled_by_rule(node)

    def _scaled_by_rule(self, node: Node) -> Scaled:
        if node.op == "gram":
            pairs = make("product") * make("inverse_size")
            return Scaled(_ONE, node if self.positions else pairs)
        if node.op in DUALS:
            return self._dual(node)
        if node.op == "dropout" and not self.positions:
            return self._of(node.args[0])
        if node.op == "mul":
            left, right = map(self._of, node.args)
            variance = _product(left.variance, right.variance)
            return Scaled(variance, _product(left.relative, right.relative))
        if node.op == "add":
            return self._sum(node)
        return Scaled(_ONE, with_args(node, tuple(self.values[a] for a in node.args)))

    def _of(self, node: Node) -> Scaled:
        return self.scaled.get(node, Scaled(_ONE, self.values[node]))

    def _sum(self, node: Node) -> Scaled:
        """The first term's scale; the second is brought to it."""
        left, right = map(self._of, node.args)
        if _is_zero(right.relative):  # the tangent kernel of what no parameter precedes
            return left
        if right.variance is _ONE or not _vanishes_only_with(left.variance, right):
            return Scaled(_ONE, self.values[node.args[0]] + self.values[node.args[1]])
        scale = _root_of_quotient(right.variance, left.variance)
        ratio = scale * self.col(scale)
        return Scaled(left.variance, left.relative + ratio * right.relative)

    def _dual(self, node: Node) -> Scaled:
        forms = self.module.activations[node.attr("activation")]
        bindings = self._parameters(node, forms)
        k11, k22 = (checked(self.values[a], forms, bindings) for a in node.args[1:3])
        dot = node.op == "dual_dot"
        normalised = forms.normalised
        if forms.near is not None and forms.near_dot is not None:
            form = forms.near_dot if dot else forms.near
            eta = self._argument_complement(node)
            bound = substitute(form, {"eta": eta, "p": k11, "q": k22, **bindings})
            return Scaled(_ONE, self._met(node, bound, eta) if self.positions else bound)
        if normalised is None:
            form = forms.dual_dot if dot else forms.dual
            covariance = self._covariance(node.args[0])
            bound = substitute(form, {"c": covariance, "p": k11, "q": k22, **bindings})
            return Scaled(_ONE, bound)
        eta = self._argument_complement(node)
        kappa = normalised.kappa_dot if dot else normalised.kappa
        degree = max(normalised.degree - dot, 0)
        variance = make("power", k11, exponent=degree) if degree > 1 else k11
        return Scaled(variance if degree else _ONE, substitute(kappa, {"eta": eta, **bindings}))

    def _met(self, node: Node, value: Node, eta: Node) -> Node:
        """A dual that is its own limit where entries coincide.

        Its terms are of the size of its argument, and so are their roundings; where little of it
        is left, as between the kinks of `soft_shrink`, the next 1 − ρ would not know coincidence.
        """
        k11, k22 = (self.values[a] for a in node.args[1:3])
        unequal = make("coincide", function("abs", sqrt(k11) * inv_sqrt(k22) - _ONE))
        limit = self._norm(self.value(self.row(node)))
        return function("select", eta + unequal, value, limit)

    def _argument_complement(self, node: Node) -> Node:
        """1 − ρ of what a dual is taken of: carried, or from the covariance on positions."""
        if not self.positions:
            return self._carried_complement(node.args[0])
        k12, k11, k22 = (self.values[a] for a in node.args[:3])
        rho = k12 * (inv_sqrt(k11) * inv_sqrt(k22))
        return make("coincide", _ONE - rho)

    def _carried_complement(self, k12: Node) -> Node:
        return make("carry", self.complements[k12])

    def _covariance(self, k12: Node) -> Node:
        """The covariance that a smooth dual reads; one of η and k12 is carried, not both."""
        if k12 in self.demanded:
            return self._norm(self.scaled[k12].variance) * (_ONE - self._carried_complement(k12))
        return make("carry", self.values[k12])

    def _parameters(self, node: Node, forms: DualForms) -> dict[str, Node]:
        values = (self.values[a] for a in node.args[3:])
        return dict(zip(forms.parameters, values, strict=True))

    def _complement(self, node: Node) -> Node:
        if node.op == "gram":
            eta = make("gram_complement")
            return function("min", eta, const(2.0) - eta) if self.odd else eta
        if node.op == "add":
            return self._complement_of_sum(node)
        if node.op in ("mul", "div"):
            return self._complement_of_product(node)
        if node.op == "dropout":
            rate = self.values[node.args[1]]
            return rate + (_ONE - rate) * self.complements[node.args[0]]
        if node.op == "dual":
            forms = self.module.activations[node.attr("activation")]
            parameters = self._parameters(node, forms)
            k11, k22 = (checked(self.values[a], forms, parameters) for a in node.args[1:3])
            eta = self._carried_complement(node.args[0])
            bindings = {"eta": eta, "p": k11, "q": k22, **parameters}
            return substitute(forms.complement, bindings)
        raise AssertionError(f"no rule for the complement of {node.op}")

    def _complement_of_sum(self, node: Node) -> Node:
        terms = [term for term in self._terms(node) if not _is_zero(term)]
        if len(terms) == 1 and terms[0].varies is Varies.CROSS:
            return self.complements[terms[0]]
        row_scale = inv_sqrt(self.value(self.row(node)))
        col_scale = inv_sqrt(self.value(self.col(node)))
        joint, mismatch = [], []
        for term in terms:
            alpha = sqrt(self.value(self.row(term))) * row_scale
            alpha_ = sqrt(self.value(self.col(term))) * col_scale
            mismatch.append(make("power", alpha - alpha_, exponent=2))
            if term.varies is Varies.CROSS:
                joint.append(alpha * alpha_ * self.complements[term])
        return total(joint) + const(0.5) * total(mismatch)

    def _terms(self, node: Node) -> Iterator[Node]:
        """The terms of a nested sum; a sum that an activation reads is one term elsewhere."""
        stack = list(reversed(node.args))
        while stack:
            term = stack.pop()
            if term.op == "add" and term not in self.read:
                stack.extend(reversed(term.args))
            else:
                yield term

    def _complement_of_product(self, node: Node) -> Node:
        """1 − Π(1 − ηᵢ) over the factors that vary over the pair: η₁ + η₂ − η₁η₂ for two."""
        result: Node | None = None
        for factor in node.args:
            if factor.varies is not Varies.CROSS:
                continue
            eta = self.complements[factor]
            result = eta if result is None else result + eta - result * eta
        if result is None:  # a product of values of one input each: perfectly correlated
            return const(0.0)
        return result


def checked(variance: Node, forms: DualForms, parameters: Mapping[str, Node]) -> Node:
    """A variance that an activation's forms are evaluated at, held to where they are certified, and
    to where E[f^2] is finite.
    """
    what = f"the variance before `{forms.name}`"
    if forms.certificate is not None:
        high = forms.certificate.largest_variance
        # A variance of 100 is one, however float32 rounds it.
        return within(variance, 0.0, high * (1.0 + 1e-6), what)
    end = None if forms.end is None else substitute(forms.end, parameters)
    if end is None or not all(n.op != "param" and n.varies is Varies.CONST for n in _below(end)):
        return variance
    (high,) = map(float, evaluate([end], {}))
    if not high < ENDLESS:
        return variance
    what += f" (E[f(u)^2] is infinite from {high:g} on)"
    return within(variance, 0.0, math.nextafter(high, 0.0), what)


def _below(node: Node) -> Iterator[Node]:
    return topological((node,))


_LARGEST = {"float64": 1e150, "float32": 1e17}
"""Variances whose squares, and what forms multiply them with, are numbers of the type."""


def within_squares(variance: Node, forms: DualForms, dtype: str) -> Node:
    """A variance of one input, held to where p q - c^2 has a number: beyond, it would count as 0,
    and inputs that are far apart as coincident. Checked where an input meets itself, and not in
    what is made of pairs, so that these formulas stay as they are.
    """
    if variance.varies is Varies.CONST:  # the program's own, or a parameter's: told as they are
        return variance
    nodes = topological([forms.dual])
    if not any(node.op == "max" and is_difference(node.args[0]) for node in nodes):
        return variance
    return within(variance, 0.0, _LARGEST[dtype], f"the variance before `{forms.name}`")


def _root_of_quotient(above: Node, below: Node) -> Node:
    """√(above / below), 0 where `below` is 0. Where both are multiples of one variance, it goes:
    what is 0 with it will be multiplied by its root in the end.
    """
    left, right = _multiple(above), _multiple(below)
    if left[1] is right[1]:
        above, below = left[0], right[0]
    return sqrt(above) * inv_sqrt(below)


def _multiple(variance: Node) -> tuple[Node, Node]:
    """A variance as a factor that depends on no input, and the rest."""
    factor, rest = _ONE, variance
    while rest.op in ("add", "mul"):
        left, right = rest.args
        if rest.op == "add":
            if not (_is_zero(left) or _is_zero(right)):
                break
            rest = right if _is_zero(left) else left
        elif left.varies is Varies.CONST:
            factor, rest = factor * left, right
        elif right.varies is Varies.CONST:
            factor, rest = factor * right, left
        else:
            break
    return factor, rest


def _vanishes_only_with(variance: Node, other: Scaled) -> bool:
    """Whether the other value is 0 wherever this variance is.

    So it is where a multiple of the other variance is a term of this one, and what it is
    multiplied by is a positive number or a factor of the other value too.
    """
    shared = set(_factors(other.relative))
    stack = [variance]
    while stack:
        node = stack.pop()
        if node is other.variance:
            return True
        if node.op == "add":
            stack.extend(node.args)
        elif node.op == "mul":
            moving = [a for a in node.args if a.varies is not Varies.CONST]
            fixed = (a for a in node.args if a.varies is Varies.CONST)
            if all(f in shared or (f.op == "const" and f.attr("value") > 0) for f in fixed):
                stack.extend(moving[:1] if len(moving) == 1 else ())
    return False


def _factors(node: Node) -> Iterator[Node]:
    """The factors of nested products, and the products themselves."""
    stack = [node]
    while stack:
        factor = stack.pop()
        yield factor
        if factor.op == "mul":
            stack.extend(factor.args)


def _is_zero(node: Node) -> bool:
    if node.op == "mul":
        return any(map(_is_zero, node.args))
    return is_const(node, 0.0)


def _product(left: Node, right: Node) -> Node:
    if left is _ONE:
        return right
    return left if right is _ONE else left * right
