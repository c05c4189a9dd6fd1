"""Fold numbers and gather factors and terms by what they vary over.

    (k * 2) * (sqrt(k11) * 3)     becomes     (6 * sqrt(k11)) * k
    sqrt((1 + k11) * (1 + k22))   becomes     sqrt(1 + k11) * sqrt(1 + k22)

A product or a sum that mixes values of one input with values of the pair is regrouped so
that everything about one input is computed once per input, and only what is left once per
pair. Preserves every value up to rounding. Zero times a value of positions stays a product, which
says whose positions they are: a constant does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import groupby

import numpy as np

from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import Module
from ntkc.ir.node import Node, Rewriter, Varies, const, is_const, make
from ntkc.ir.ops import SCALAR
from ntkc.ir.project import Projection

_ORDER = (Varies.CONST, Varies.ROW, Varies.COL, Varies.CROSS)


def fold(module: Module) -> Module:
    """The module with numbers folded and single-input work gathered."""
    return _folded(module, Rewriter(_Fold()))


def fold_pairs(module: Module) -> Module:
    """`fold` for the values of pairs alone, where those of single inputs are folded already."""
    return _folded(module, Rewriter(_Fold(), pairs_only=True))


def _folded(module: Module, rewriter: Rewriter) -> Module:
    roots = {name: rewriter(root) for name, root in module.roots.items()}
    return module.with_roots(roots, rewriter.known(module.spans))


class _Fold:
    """The rule: sees a node whose arguments are folded already."""

    def __init__(self) -> None:
        self._mirror = Projection(Varies.COL)
        self._rules: dict[str, Callable[[Node], Node]] = {
            "add": self._sum,
            "sub": self._sum,
            "neg": self._sum,
            "mul": self._product,
            "div": self._quotient,
            "sqrt": self._root,
            "inv_sqrt": self._root,
            "power": self._power,
            "min": _folded_at_right_angles,
            "select": self._select,
            "within": self._within,
            "carry": lambda n: n.args[0] if n.args[0].varies is not Varies.CROSS else n,
        }

    def __call__(self, node: Node) -> Node:
        args = node.args
        if args and is_const(args[0]) and node.op in SCALAR and all(map(is_const, args)):
            (value,) = evaluate([node], {})
            if np.isfinite(value):
                return const(float(value))
        rule = self._rules.get(node.op)
        return node if rule is None else rule(node)

    def _sum(self, node: Node) -> Node:
        if node.op == "sub" and is_const(node.args[0], 1.0):
            rho = _correlation(node.args[1])
            if rho is not None:
                return rho
        signed = list(_signed_terms(node))
        if node.args[-1].op != "neg" and _sound_as_it_stands(signed):
            return node
        number = 0.0
        terms: dict[Node, float] = {}
        for sign, term in signed:
            if is_const(term):
                number += sign * term.attr("value")
            else:
                terms[term] = terms.get(term, 0.0) + sign
        kept = {term: count for term, count in terms.items() if count != 0.0}
        result: Node | None = None
        for varies in _ORDER:
            if varies is Varies.CONST and number != 0.0:
                result = const(number)
            for term, count in kept.items():
                if term.varies is varies:
                    result = _accumulate(self, result, term, count)
        return const(0.0) if result is None else result

    def _product(self, node: Node) -> Node:
        if _is_square(node):
            return node
        number, numbers, factors = 1.0, 0, []
        for factor in _factors(node):
            if is_const(factor):
                number *= factor.attr("value")
                numbers += 1
            else:
                factors.append(factor)
        if number == 0.0 and not node.space:
            return const(0.0)
        if _gathered(node, factors, numbers) or not math.isfinite(number):
            return node  # numbers beyond the range of floats meet others only when they are values
        factors.sort(key=_variation)
        parts = [reduce(_mul, group) for _, group in groupby(factors, _variation)]
        if not parts:
            return const(number)
        if number == 1.0:
            return reduce(_mul, parts)
        parts[-1] = _mul(const(number), parts[-1])
        return reduce(_mul, parts)

    def _quotient(self, node: Node) -> Node:
        top, bottom = node.args
        if is_const(bottom) and abs(bottom.attr("value")) > 1e-300:
            return self._product(make("mul", top, const(1.0 / bottom.attr("value"))))
        if top.varies is bottom.varies or is_const(top, 1.0):
            return node
        single, pair = _split(bottom)
        if not single:
            return node
        result = top if pair is None else make("div", top, pair)
        for factor in single:
            result = make("mul", result, self(make("div", const(1.0), factor)))
        return self._product(result)

    def _root(self, node: Node) -> Node:
        """Split the root of a product into roots, where the factors are of one sign each.

        Factors of the two inputs that mirror each other have one sign (variances are
        non-negative); others stay together.
        """
        factors = _factors(node.args[0])
        numbers = [f.attr("value") for f in factors if is_const(f)]
        if len(factors) > 1 and numbers and min(numbers) > 0.0:
            number = self(make(node.op, const(math.prod(numbers))))
            others = [f for f in factors if not is_const(f)]
            return self._product(_mul(number, self(make(node.op, reduce(_mul, others)))))
        rows = [f for f in factors if f.varies is Varies.ROW]
        cols = {f for f in factors if f.varies is Varies.COL}
        rest = [f for f in factors if f.varies in (Varies.CONST, Varies.CROSS)]
        if not rows or {self._mirror(f) for f in rows} != cols or len(rows) != len(cols):
            return node
        roots = [make(node.op, f) for f in (*rows, *(self._mirror(r) for r in rows))]
        if rest:
            roots.append(self(make(node.op, reduce(_mul, rest))))
        return self._product(reduce(_mul, roots))

    def _power(self, node: Node) -> Node:
        base, exponent = node.args[0], node.attr("exponent")
        if exponent == 0:
            return const(1.0)
        if exponent == 1:
            return base
        factors = _factors(base)
        if len(factors) == 1:
            return node
        powers = [self(make("power", f, exponent=exponent)) for f in factors]
        return self._product(reduce(_mul, powers))

    def _within(self, node: Node) -> Node:
        """A number that passes is checked; one that does not is the call's error."""
        (value,) = node.args
        if not is_const(value):
            return node
        number, low, high = value.attr("value"), node.attr("low"), node.attr("high")
        passes = low <= number <= high and not (node.attr("strict") and number == high)
        return value if passes else node

    def _select(self, node: Node) -> Node:
        condition, yes, no = node.args
        if yes is no:
            return yes
        if is_const(condition):
            return yes if condition.attr("value") > 0.0 else no
        return node


def _variation(node: Node) -> int:
    """What a node varies over, in the order in which factors are gathered."""
    return node.varies


def _gathered(node: Node, factors: list[Node], numbers: int) -> bool:
    """Whether a product is of values of the pair and at most one number, not its own argument.

    Then its order stays: somebody may have chosen it, to share a part or to wait for none.
    """
    nested = any(a.op == "mul" for a in node.args)
    if not nested or numbers > 1 or any(is_const(a) or a.op == "neg" for a in node.args):
        return False
    return all(factor.varies is Varies.CROSS for factor in factors)


def _correlation(eta: Node) -> Node | None:
    """rho of a complement coincide(1 - rho)."""
    if eta.op != "coincide" or eta.args[0].op != "sub":
        return None
    one, rho = eta.args[0].args
    return rho if is_const(one, 1.0) else None


def _folded_at_right_angles(node: Node) -> Node:
    """min(eta, 2 - eta) of eta = 1 - rho is 1 - |rho|."""
    eta, other = node.args
    rho = _correlation(eta)
    if rho is None or other is not make("sub", const(2.0), eta):
        return node
    return make("coincide", make("sub", const(1.0), make("abs", rho)))


def _mul(x: Node, y: Node) -> Node:
    return make("mul", x, y)


def _accumulate(rule: _Fold, result: Node | None, term: Node, count: float) -> Node:
    if result is not None and count == -1.0:
        return make("sub", result, term)
    scaled = term if count == 1.0 else rule._product(_mul(const(count), term))
    return scaled if result is None else make("add", result, scaled)


def _sound_as_it_stands(signed: list[tuple[float, Node]]) -> bool:
    """Whether nothing is gained by another order of the terms.

    Then the order stays: somebody may have chosen it, as in u + (v - 1) where v is near 1.
    """
    if any(is_const(term, 0.0) for _, term in signed):
        return False
    groups = [term.varies for _, term in signed if term.varies is not Varies.CROSS]
    terms = [term for _, term in signed]
    return len(groups) == len(set(groups)) and len(terms) == len(set(terms))


def _signed_terms(node: Node) -> Iterable[tuple[float, Node]]:
    """The terms of nested sums with their signs, left to right.

    Only sums of what varies differently are worth taking apart. A sum of what varies alike, as a
    variance is of the variances of the layer before, stays one term, and stays shared.
    """
    stack = [(1.0, node)]
    while stack:
        sign, term = stack.pop()
        nested = term is node or _mixed(term)
        if term.op == "neg":
            stack.append((-sign, term.args[0]))
        elif term.op in ("add", "sub") and nested:
            second = sign if term.op == "add" else -sign
            stack.extend(((second, term.args[1]), (sign, term.args[0])))
        else:
            yield sign, term


def _mixed(term: Node) -> bool:
    return any(a.varies is not term.varies for a in term.args)


def _factors(node: Node) -> list[Node]:
    """The factors of nested products, left to right; −x counts as (−1)·x.

    A square of a value of the pair is one factor: powers by repeated squaring have two at each
    step, and many all together.
    """
    stack, factors = [node], []
    while stack:
        factor = stack.pop()
        if factor.op == "mul" and (factor is node or not _is_square(factor)):
            stack.extend(reversed(factor.args))
        elif factor.op == "neg":
            stack.extend((factor.args[0], const(-1.0)))
        else:
            factors.append(factor)
    return factors


def _is_square(node: Node) -> bool:
    return node.args[0] is node.args[1] and node.varies is Varies.CROSS


def _split(product: Node) -> tuple[list[Node], Node | None]:
    """The factors of one input (or none), and the product of those of the pair."""
    factors = _factors(product)
    pair = [f for f in factors if f.varies is Varies.CROSS]
    if len(factors) == 1 and pair:
        return [], product
    single = [f for f in factors if f.varies is not Varies.CROSS]
    return single, reduce(_mul, pair) if pair else None
