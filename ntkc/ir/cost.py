"""What kernel IR costs: operations for each pair of inputs, for each input, and once.

The counts are exact for the expressions as they stand; the estimate in flops weighs them as
vector units do, roughly: a division or a root as several multiplications, an elementary
function as a polynomial of some degree, a number from a table as what gathering a vector of them
takes. It ranks programs and shows what passes gain; it
does not predict seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod

from ntkc.ir.module import DualForms, Module
from ntkc.ir.node import Node, Varies, topological
from ntkc.ir.octaves import Octaves
from ntkc.ir.ops import SPATIAL

FREE = frozenset(
    (
        "const",
        "param",
        "symbol",
        "gram",
        "product",
        "inverse_size",
        "gram_complement",
        "gram_distance",
        "carry",
    )
)
_KINDS = {
    "add": "sums", "sub": "sums", "neg": "sums", "round": "sums",
    "mul": "products",
    "div": "divisions", "dropout": "divisions",
    "sqrt": "roots", "inv_sqrt": "roots",
    "abs": "choices", "min": "choices", "max": "choices", "select": "choices", "pow2": "choices",
    "within": "choices", "coincide": "choices", "where_same": "choices",
    "exp": "functions", "expm1": "functions", "log": "functions", "sin": "functions",
    "cos": "functions", "erf": "functions", "normal_cdf": "functions", "owen_t": "functions",
    "asin": "functions", "atan2": "functions", "kink": "functions",
    "edge": "functions", "triangle": "functions",
}  # fmt: skip
WEIGHTS: Mapping[str, int] = {
    "sums": 1,
    "products": 1,
    "choices": 1,
    "divisions": 4,
    "roots": 5,
    "functions": 20,
    "lookups": 8,
}
"""Flops of one operation of each kind, on vector units of current processors."""


@dataclass(frozen=True)
class Work:
    """Operations by kind."""

    sums: int = 0
    products: int = 0
    choices: int = 0
    divisions: int = 0
    roots: int = 0
    functions: int = 0
    lookups: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(*(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def times(self, count: int) -> Work:
        """The same work that often."""
        return self if count == 1 else Work(*(count * number for number in self.counts))

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers in the order of the fields."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def flops(self) -> int:
        """The estimate: operations weighted by kind."""
        return sum(WEIGHTS[f.name] * getattr(self, f.name) for f in fields(self))

    def __str__(self) -> str:
        parts = [f"{getattr(self, f.name)} {f.name}" for f in fields(self) if getattr(self, f.name)]
        return ", ".join(parts) if parts else "nothing"


@dataclass(frozen=True)
class Cost:
    """Work for each pair, for each input, and once for each call."""

    pair: Work
    row: Work
    once: Work


def cost(module: Module, roots: Iterable[str] = ("ntk",)) -> Cost:
    """What the named roots cost.

    Values of the second input mirror those of the first and are not counted twice. An
    operation on an activation's covariance costs what its closed form does. Values of a space
    count for each position, and those of pairs for each pair of positions.
    """
    model = _Model(module)
    found: dict[Varies, list[Work]] = {Varies(bits): [] for bits in range(4)}
    for node in topological(module.roots[name] for name in roots):
        found[node.varies].append(model.work(node).times(_cells(node)))
    pair, row, once = (_total(found[v]) for v in (Varies.CROSS, Varies.ROW, Varies.CONST))
    return Cost(pair, row, once)


def _cells(node: Node) -> int:
    """At how many positions, or pairs of them, an operation is done."""
    # What brings positions together adds each of them once.
    joins = node.op in ("sum_positions", "mean_diagonal")
    positions = prod(node.args[0].space if joins else node.space)
    paired = node.varies is Varies.CROSS and node.op != "mean_diagonal"
    return positions**2 if paired else positions


def work(nodes: Iterable[Node]) -> Work:
    """The operations of scalar nodes, each counted once."""
    return _total(map(operation_work, nodes))


def _total(works: Iterable[Work]) -> Work:
    """The sum; equal works, of which there are few kinds, are counted first."""
    counts = [0] * len(fields(Work))
    for work, times in Counter(works).items():
        counts = [total + times * count for total, count in zip(counts, work.counts, strict=True)]
    return Work(*counts)


def operation_work(node: Node) -> Work:
    """The work of one scalar operation, without its arguments."""
    if node.op in FREE:
        return Work()
    if node.op == "polynomial":
        steps = len(node.attr("coefficients")) - 1
        return Work(sums=steps, products=steps)
    if node.op == "chebyshev":
        steps = len(node.attr("coefficients")) - 1
        return Work(sums=2 * steps, products=steps)
    if node.op == "octaves":
        width = Octaves.of(node).width
        # Two bounds, the number of the part, the place in it.
        return Work(sums=width + 1, products=width, choices=6, lookups=width)
    if node.op == "power":
        exponent = int(node.attr("exponent"))
        return Work(products=max(exponent.bit_length() + exponent.bit_count() - 2, 0))
    if node.op in SPATIAL:
        return _spatial_work(node)
    return Work(**{_KINDS[node.op]: 1})


def _spatial_work(node: Node) -> Work:
    """Additions of a map on positions, for each cell of its result, axis by axis."""
    if node.op in ("window", "spread"):
        return Work(sums=sum(node.attr("size")) - len(node.attr("size")), products=1)
    if node.op == "pool":
        return Work(sums=2 * (sum(node.attr("size")) - len(node.attr("size"))), products=1)
    return Work(sums=1)


class _Model:
    """Work of operations that stand for an activation's closed form, each form counted once."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._known: dict[tuple[str, str, bool], Work] = {}

    def work(self, node: Node) -> Work:
        if node.op not in ("dual", "dual_dot"):
            return operation_work(node)
        key = (node.attr("activation"), node.op, node.varies is Varies.CROSS)
        if key not in self._known:
            self._known[key] = work(topological([self._form(*key)]))
        return self._known[key]

    def _form(self, key: str, op: str, pair: bool) -> Node:
        forms: DualForms = self._module.activations[key]
        if pair:
            return forms.dual if op == "dual" else forms.dual_dot
        return forms.diagonal if op == "dual" else forms.diagonal_dot


@dataclass(frozen=True)
class Traffic:
    """Numbers moved for each pair: between layers, and from the table of single inputs."""

    loads: int = 0
    stores: int = 0
    table: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.loads + other.loads, self.stores + other.stores, self.table + other.table
        )

    def times(self, count: int) -> Traffic:
        """The same traffic that often."""
        return Traffic(count * self.loads, count * self.stores, count * self.table)

    @cached_property
    def total(self) -> int:
        """All of them."""
        return self.loads + self.stores + self.table


def itemsize(dtype: str) -> int:
    """Bytes of one number."""
    return {"float32": 4, "float64": 8}[dtype]
