"""The rules that every module of kernel IR keeps, checked between passes.

`broken_rules` lists what is broken; `verify` raises `IRError` for it. A broken rule is a
bug of the compiler, never of a program: it is looked for in tests and under `NTKC_DEBUG`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

from ntkc.diagnostics import NtkError
from ntkc.ir.module import Module
from ntkc.ir.node import Node, Varies, topological
from ntkc.ir.ops import OPERATIONS
from ntkc.ir.project import Projection
from ntkc.ir.verify_positions import position_rules

PAIR_ROOTS = ("nngp", "ntk")
SINGLE_ROOTS = ("nngp_diagonal", "ntk_diagonal")
COMPLEMENT_ROOT = "complement"
"""What slopes by inputs are taken by, where a module starts from it."""
_DERIVATIVE = re.compile(r"(rate|slope)_.+_of_(nngp|ntk)(_diagonal)?")
_MAX_SHOWN = 10


class IRError(NtkError, AssertionError):
    """A module that breaks a rule of kernel IR: a bug of the compiler."""

    def __init__(self, module: Module, broken: list[str], after: str = "") -> None:
        self.module = module
        self.broken = broken
        place = f" after the pass `{after}`" if after else ""
        listed = "".join(f"\n  - {rule}" for rule in broken[:_MAX_SHOWN])
        super().__init__(f"the IR of network `{module.name}` is broken{place}:{listed}")


def verify(module: Module, after: str = "") -> None:
    """Raise `IRError` where the module breaks a rule; `after` names the pass that made it."""
    broken = broken_rules(module)
    if broken:
        raise IRError(module, broken, after)


def watch(name: str, module: Module) -> None:
    """`verify` as what a pipeline calls between passes."""
    verify(module, name)


def broken_rules(module: Module) -> list[str]:
    """Every rule that the module breaks, one sentence each; none for a sound module."""
    checker = _Checker(module)
    found = list(checker.declarations())
    for node in topological(module.roots.values()):
        found.extend(checker.node(node))
    return found


_LARGEST_DEGREE = 20
"""Of a kink: what activations have, and polynomials of it stay short."""


class _Checker:
    def __init__(self, module: Module) -> None:
        self._module = module
        self._space = module.input.sizes[:-1]
        self._declared = {p.name for p in module.parameters}
        self._row = Projection(Varies.ROW)
        self._column = Projection(Varies.COL)
        self._rules: dict[str, Callable[[Node], Iterator[str]]] = {
            "const": self._constant,
            "param": self._parameter,
            "symbol": self._symbol,
            "power": lambda node: self._whole(node, "exponent"),
            "kink": lambda node: self._whole(node, "degree", _LARGEST_DEGREE),
            "edge": lambda node: self._whole(node, "degree", 2),
            "polynomial": self._polynomial,
            "chebyshev": self._polynomial,
            "octaves": self._octaves,
            "gram": self._gram,
            "dual": self._dual,
            "dual_dot": self._dual,
            "dropout": self._dropout,
        }

    def declarations(self) -> Iterator[str]:
        """Rules about roots and parameters."""
        if not set(self._module.roots) & set(PAIR_ROOTS):
            yield "a module has at least one of the roots nngp and ntk"
        for name, root in self._module.roots.items():
            if name in PAIR_ROOTS and root.varies not in (Varies.CONST, Varies.CROSS):
                yield f"the root {name} varies over the pair or not at all, not {_of(root)}"
            elif name in SINGLE_ROOTS and root.varies not in (Varies.CONST, Varies.ROW):
                yield f"the root {name} varies over the first input alone, not {_of(root)}"
            elif name == COMPLEMENT_ROOT:
                if root.op != "gram_complement":
                    yield f"the root {name} is the complement of two inputs' correlation"
            elif name not in (*PAIR_ROOTS, *SINGLE_ROOTS):
                yield from self._derivative(name, root)
            if root.space:
                yield f"the root {name} has no positions left, not those of {root.space}"
        if len(self._declared) < len(self._module.parameters):
            yield "a parameter is declared twice"
        for parameter in self._module.parameters:
            if not math.isfinite(parameter.default):
                yield f"the default of the parameter {parameter.name} is finite"

    def _derivative(self, name: str, root: Node) -> Iterator[str]:
        """A derivative of a pair's value may depend on one of the inputs alone."""
        if _DERIVATIVE.fullmatch(name) is None:
            yield f"{name} is not a root of kernel IR"
        elif name.endswith("_diagonal") and root.varies not in (Varies.CONST, Varies.ROW):
            yield f"the root {name} varies over the first input alone, not {_of(root)}"

    def node(self, node: Node) -> Iterator[str]:
        """Rules about one operation."""
        operation = OPERATIONS.get(node.op)
        if operation is None:
            yield f"{node.op} is not an operation of kernel IR"
            return
        try:
            operation.check(len(node.args), [name for name, _ in node.attrs])
        except ValueError as error:
            yield str(error)
            return
        yield from position_rules(node, self._space)
        if node.op in self._rules:
            yield from self._rules[node.op](node)

    def _constant(self, node: Node) -> Iterator[str]:
        value = node.attr("value")
        if type(value) is not float or not math.isfinite(value):
            yield f"a constant is a finite float, not {value!r}"

    def _parameter(self, node: Node) -> Iterator[str]:
        if node.attr("name") not in self._declared:
            yield f"the parameter {node.attr('name')} is declared by the module"

    def _symbol(self, node: Node) -> Iterator[str]:
        yield f"no symbols are left in a module: {node.attr('name')}"

    def _whole(self, node: Node, name: str, most: float = math.inf) -> Iterator[str]:
        value = node.attr(name)
        if type(value) is not int or not 0 <= value <= most:
            bound = "at least 0" if most == math.inf else f"from 0 to {most}"
            yield f"the {name} of {node.op} is a whole number, {bound}, not {value!r}"

    def _polynomial(self, node: Node) -> Iterator[str]:
        coefficients = node.attr("coefficients")
        if not isinstance(coefficients, tuple) or not coefficients:
            yield f"a {node.op} has coefficients, not {coefficients!r}"
        elif not all(type(c) is float and math.isfinite(c) for c in coefficients):
            yield f"the coefficients of a {node.op} are finite floats"

    def _octaves(self, node: Node) -> Iterator[str]:
        yield from self._whole(node, "bits", 8)
        first, rows = node.attr("first"), node.attr("rows")
        if type(first) is not int or not -126 <= first <= 126:
            yield f"the first octave is a whole number from -126 to 126, not {first!r}"
        if not isinstance(rows, tuple) or not rows or not all(isinstance(r, tuple) for r in rows):
            yield "octaves has rows of coefficients"
        elif not rows[0] or len({len(row) for row in rows}) > 1:
            yield "the rows of octaves are of one length"
        elif not all(type(c) is float and math.isfinite(c) for row in rows for c in row):
            yield "the coefficients of octaves are finite floats"

    def _gram(self, node: Node) -> Iterator[str]:
        if node.attr("varies") not in ("ROW", "COL", "CROSS"):
            yield f"gram varies over ROW, COL or CROSS, not {node.attr('varies')!r}"

    def _dropout(self, node: Node) -> Iterator[str]:
        if node.args[1].varies is not Varies.CONST:
            yield f"the rate of dropout depends on parameters alone, not {_of(node.args[1])}"

    def _dual(self, node: Node) -> Iterator[str]:
        key = node.attr("activation")
        if key not in self._module.activations:
            yield f"the activation {key} of {node.op} is in the module"
            return
        if len(node.args) < 3:
            yield f"{node.op} takes k12, k11 and k22, not {len(node.args)} arguments"
            return
        given, expected = len(node.args) - 3, self._module.activations[key].parameters
        if given != len(expected):
            yield f"{node.op} of {key} takes {len(expected)} parameters, not {given}"
        for value in node.args[3:]:
            if value.varies is not Varies.CONST:
                yield f"parameters of {key} depend on nothing else, not {_of(value)}"
        yield from self._variances(node, *node.args[:3])

    def _variances(self, node: Node, k12: Node, k11: Node, k22: Node) -> Iterator[str]:
        if node.varies is Varies.CROSS:
            if self._row(k12) is not k11:
                yield f"k11 of {node.op} is the projection of k12 to the first input"
            if self._column(k12) is not k22:
                yield f"k22 of {node.op} is the projection of k12 to the second input"
        elif not k12 is k11 is k22:
            yield f"k12, k11 and k22 of {node.op} are one value for a single input"


def _of(node: Node) -> str:
    return {
        Varies.CONST: "over nothing",
        Varies.ROW: "over the first input",
        Varies.COL: "over the second input",
        Varies.CROSS: "over the pair",
    }[node.varies]
