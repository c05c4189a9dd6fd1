"""What kernel IR means: an interpreter as plain as can be.

Every pass and every backend is tested against it. It holds whole (n1, n2) arrays, uses the
textbook formulas of the recursion, and takes its numbers from an `Arithmetic`: NumPy's,
or mpmath's, which makes it the exact oracle near coincident inputs and at depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.ir.arithmetic import Arithmetic, evaluate, numpy_arithmetic
from ntkc.ir.module import DualForms, Module
from ntkc.ir.node import Node, Varies, topological

Array = NDArray[Any]


def interpret(
    module: Module,
    x1: Array,
    x2: Array,
    parameters: Mapping[str, float] | None = None,
    arithmetic: Arithmetic | None = None,
) -> dict[str, Array]:
    """The value of every root: (n1, n2) for CROSS roots, (n1,) for ROW roots.

    `x1` (n1, d) and `x2` (n2, d) are arrays of the arithmetic's numbers.
    """
    chosen = numpy_arithmetic(np.dtype(np.float64)) if arithmetic is None else arithmetic
    bound = {p.name: p.default for p in module.parameters} | dict(parameters or {})
    interpreter = _Interpreter(module, x1, x2, bound, chosen)
    results = interpreter.run()
    return {
        name: _shaped(results[root], name, len(x1), len(x2)) for name, root in module.roots.items()
    }


def _shaped(value: Any, name: str, n1: int, n2: int) -> Array:
    if name.endswith("_diagonal"):
        return np.broadcast_to(np.asarray(value), (n1, 1))[:, 0].copy()
    return np.broadcast_to(np.asarray(value), (n1, n2)).copy()


class _Interpreter:
    def __init__(
        self,
        module: Module,
        x1: Array,
        x2: Array,
        parameters: Mapping[str, float],
        arithmetic: Arithmetic,
    ) -> None:
        self.module = module
        self.arithmetic = arithmetic
        number = arithmetic.number
        size = x1.shape[1]
        self.leaves = {"product": x1 @ x2.T, "inverse_size": number(1) / number(size)}
        self.gram = {
            "CROSS": x1 @ x2.T / number(size),
            "ROW": (x1 * x1).sum(axis=1)[:, None] / number(size),
            "COL": (x2 * x2).sum(axis=1)[None, :] / number(size),
        }
        self.parameters = {name: number(value) for name, value in parameters.items()}

    def run(self) -> dict[Node, Any]:
        values: dict[Node, Any] = {}
        for node in topological(self.module.roots.values()):
            values[node] = self._value(node, [values[a] for a in node.args])
        return values

    def _value(self, node: Node, args: list[Any]) -> Any:
        if node.op == "gram":
            return self.gram[node.attr("varies")]
        if node.op == "gram_complement":
            return self._gram_complement()
        if node.op in self.leaves:
            return self.leaves[node.op]
        if node.op in ("carry", "within"):
            return args[0]
        if node.op == "dropout":
            kernel, rate = args
            one = self.arithmetic.number(1)
            return kernel if node.varies is Varies.CROSS else kernel / (one - rate)
        if node.op in ("dual", "dual_dot"):
            return self._dual(node, args)
        if node.op == "const":
            return self.arithmetic.number(node.attr("value"))
        if node.op == "param":
            return self.parameters[node.attr("name")]
        return self._scalar(node, args)

    def _scalar(self, node: Node, args: list[Any]) -> Any:
        with np.errstate(all="ignore"):
            return self._pointwise(
                lambda *xs: self.arithmetic.table[node.op](*xs, **dict(node.attrs)), args
            )

    def _dual(self, node: Node, args: list[Any]) -> Any:
        forms: DualForms = self.module.activations[node.attr("activation")]
        dot = node.op == "dual_dot"
        if node.varies is Varies.CROSS:
            form = forms.dual_dot if dot else forms.dual
            names = ("c", "p", "q", *forms.parameters)
        else:  # the limit at c = p = q, which is not always the form's value there
            form = forms.diagonal_dot if dot else forms.diagonal
            names = ("p", *forms.parameters)
            args = args[2:]

        def value(*xs: Any) -> Any:
            bindings = dict(zip(names, xs, strict=True))
            (result,) = evaluate([form], bindings, self.arithmetic)
            return result

        return self._pointwise(value, args)

    def _gram_complement(self) -> Any:
        table, number = self.arithmetic.table, self.arithmetic.number

        def complement(c: Any, p: Any, q: Any) -> Any:
            scale = table["mul"](table["inv_sqrt"](p), table["inv_sqrt"](q))
            return table["sub"](number(1), table["mul"](c, scale))

        return self._pointwise(complement, [self.gram[v] for v in ("CROSS", "ROW", "COL")])

    def _pointwise(self, function: Any, args: list[Any]) -> Any:
        """Apply to arrays: at once in NumPy, entry by entry where numbers are objects."""
        if not any(isinstance(a, np.ndarray) and a.dtype == object for a in args):
            return function(*args)
        return np.frompyfunc(function, len(args), 1)(*args)
