"""Scalar expressions as people write them: in plain text, and in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ntkc.ir.node import Node, is_const, topological
from ntkc.ir.ops import SPATIAL

_SUM, _PRODUCT, _ATOM = 1, 2, 3
TRANSPARENT = frozenset(("carry", "within"))
"""Operations that leave a value as it is: nothing to write."""
Shown = tuple[str, int]
"""A text and how tightly it binds."""


@dataclass(frozen=True)
class Notation:
    """How to spell what differs between plain text and LaTeX."""

    times: str
    power: str
    root: str
    fraction: str | None
    group: str
    functions: Mapping[str, str]
    names: Mapping[str, str]
    indexed: str = "{0}[{1}]"
    plain: str = "{0}"

    def write(self, root: Node) -> str:
        """The expression; shared parts are written wherever they are used."""
        shown: dict[Node, Shown] = {}
        for node in topological((root,)):
            shown[node] = self._node(node, shown)
        return shown[root][0]

    def _node(self, node: Node, shown: Mapping[Node, Shown]) -> Shown:
        if node.op == "const":
            return self.number(node.attr("value"))
        if node.op in ("symbol", "param"):
            return self.names.get(node.attr("name"), node.attr("name")), _ATOM
        if node.op in TRANSPARENT:
            return shown[node.args[0]]
        if node.op in ("add", "sub", "neg"):
            return self._sum(node, shown), _SUM
        if node.op in ("mul", "div", "inv_sqrt"):
            return self._product(node, shown), _PRODUCT
        if node.op == "power":
            base = self._bound(shown[node.args[0]], _ATOM)
            return self.power.format(base, node.attr("exponent")), _ATOM
        if node.op == "sqrt":
            return self._root(node.args[0], shown), _ATOM
        return self._call(node, shown), _ATOM

    def number(self, value: float) -> Shown:
        """A number with at most six digits, or a simple fraction that is just this float."""
        text = f"{value:.6g}"
        simple = Fraction(value).limit_denominator(99_999)
        exact = simple.numerator / simple.denominator == value
        if exact and float(text) != value and abs(simple.numerator) <= 1000:
            above, below = simple.numerator, simple.denominator
            if self.fraction is None:
                return f"{above}/{below}", _PRODUCT if value >= 0 else _SUM
            sign = "-" if value < 0 else ""
            return sign + self.fraction.format(abs(above), below), _ATOM if value >= 0 else _SUM
        if "e" in text and self.fraction is not None:
            digits, exponent = text.split("e")
            text = rf"{digits} \cdot 10^{{{int(exponent)}}}"
        return text, _ATOM if value >= 0 else _SUM

    def size(self, text: str) -> str:
        """A window's size: 3x3."""
        return text if self.fraction is None else text.replace("x", r" \times ")

    def key(self, key: str) -> str:
        """The name of an activation."""
        return key if self.fraction is None else key.replace("_", r"\_")

    def _bound(self, shown: Shown, least: int) -> str:
        text, binds = shown
        return text if binds >= least else self.group.format(text)

    def _root(self, radicand: Node, shown: Mapping[Node, Shown]) -> str:
        binds = _ATOM if self.fraction is None else _SUM
        return self.root.format(self._bound(shown[radicand], binds))

    def _sum(self, node: Node, shown: Mapping[Node, Shown]) -> str:
        terms = _signed(node)
        terms.sort(key=lambda term: term[1].op == "const")  # numbers last
        text = ""
        for sign, term in terms:
            part = self._bound(shown[term], _PRODUCT)
            if sign < 0:
                text += f" - {part}" if text else f"-{part}"
            else:
                text += f" + {part}" if text else part
        return text

    def _product(self, node: Node, shown: Mapping[Node, Shown]) -> str:
        above, below = _fraction(node)
        counts: dict[Node, int] = {}
        for factor in above:
            counts[factor] = counts.get(factor, 0) + 1
        top = [self._repeated(shown[f], count) for f, count in counts.items()]
        bottom = [
            self._root(f.args[0], shown) if f.op == "inv_sqrt" else self._bound(shown[f], _ATOM)
            for f in below
        ]
        upper = self.times.join(top) if top else "1"
        if not bottom:
            return upper
        if self.fraction is not None:
            return self.fraction.format(upper, self.times.join(bottom))
        return " / ".join([upper, *bottom])

    def _repeated(self, shown: Shown, count: int) -> str:
        text = self._bound(shown, _ATOM if count > 1 else _PRODUCT)
        return text if count == 1 else self.power.format(text, count)

    def _call(self, node: Node, shown: Mapping[Node, Shown]) -> str:
        arguments = list(node.args)
        if node.op in SPATIAL:
            name, index = map_words(node)
            name = (self.indexed if index else self.plain).format(name, self.size(index))
            return f"{name}({shown[arguments[0]][0]})"
        name = self.functions.get(node.op, node.op)
        if node.op in ("dual", "dual_dot"):
            name = name.format(self.key(node.attr("activation")))
            arguments = arguments[:1]
        return f"{name}({', '.join(shown[a][0] for a in arguments)})"


def map_words(node: Node) -> tuple[str, str]:
    """What a map on positions is called, and what stands beside: a window's size, or positions."""
    size = "x".join(map(str, node.attr("size"))) if "size" in dict(node.attrs) else ""
    match node.op:
        case "pool":
            return ("sum" if node.attr("divide") == "none" else "mean"), size
        case "sum_positions":
            return "sum", "i, j"
        case "mean_diagonal":
            return "mean", "i = j"
        case "same_position":
            return "at", "i = j"
        case "embed":
            return "block", ""
    return node.op, size


MAPS_IN_WORDS: Mapping[str, str] = {
    "window": "window[k](K) is the mean of K[i+o, j+o] over the offsets o of a window of size k.",
    "spread": "spread[k](K) adds K to the cells of a window of size k, over their number.",
    "pool": "mean[k] and sum[k] are over the cells of a window at i and of one at j.",
    "sum_positions": "sum[i, j] is over all i and j.",
    "mean_diagonal": "mean[i = j] is over equal positions.",
    "same_position": "at[i = j](K) is K at equal positions, and 0 elsewhere.",
    "embed": "block(K) is K at a branch's own positions, and 0 elsewhere.",
}
"""What the maps on positions do to a covariance K[i, j] between i of x and j of z."""


def _signed(node: Node) -> list[tuple[int, Node]]:
    """The terms of nested sums with their signs, left to right."""
    stack, terms = [(1, node)], []
    while stack:
        sign, term = stack.pop()
        if term.op == "neg":
            stack.append((-sign, term.args[0]))
        elif term.op in ("add", "sub"):
            second = sign if term.op == "add" else -sign
            stack += [(second, term.args[1]), (sign, term.args[0])]
        else:
            terms.append((sign, term))
    return terms


def _fraction(node: Node) -> tuple[list[Node], list[Node]]:
    """The factors above and below the line: nested quotients, and reciprocal roots."""
    stack = [(node, True)]
    above: list[Node] = []
    below: list[Node] = []
    while stack:
        factor, top = stack.pop()
        if factor.op == "mul":
            stack += [(factor.args[1], top), (factor.args[0], top)]
        elif factor.op == "div":
            stack += [(factor.args[1], not top), (factor.args[0], top)]
        elif factor.op == "inv_sqrt" and top:
            below.append(factor)
        elif not is_const(factor, 1.0):
            (above if top else below).append(factor)
    return above, below


PLAIN = Notation(
    times=" ",
    power="{0}^{1}",
    root="√{0}",
    fraction=None,
    group="({0})",
    functions={"dual": "dual[{0}]", "dual_dot": "dual_dot[{0}]"},
    names={},
)
