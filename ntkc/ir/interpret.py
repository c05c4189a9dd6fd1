"""What kernel IR means: an interpreter as plain as can be.

Every pass and every backend is tested against it. It holds whole (n1, n2) arrays, uses the
textbook formulas of the recursion, and takes its numbers from an `Arithmetic`: NumPy's,
or mpmath's, which makes it the exact oracle near coincident inputs and at depth.

Values of a space have further axes for positions: see `ntkc.ir.positions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.ir.arithmetic import Arithmetic, evaluate, numpy_arithmetic
from ntkc.ir.module import DualForms, Module
from ntkc.ir.node import Node, Space, Varies, topological
from ntkc.ir.positions import MAPS, same_positions

Array = NDArray[Any]


def interpret(
    module: Module,
    x1: Array,
    x2: Array,
    parameters: Mapping[str, float] | None = None,
    arithmetic: Arithmetic | None = None,
) -> dict[str, Array]:
    """The value of every root: (n1, n2) for CROSS roots, (n1,) for ROW roots.

    `x1` (n1, *space, channels) and `x2` (n2, *space, channels) are arrays of the arithmetic's
    numbers. Roots of a space have positions in further axes: (n1, n2, *S, *S) or (n1, *S).
    """
    chosen = numpy_arithmetic(np.dtype(np.float64)) if arithmetic is None else arithmetic
    bound = {p.name: p.default for p in module.parameters} | dict(parameters or {})
    interpreter = Interpreter(module, x1, x2, bound, chosen)
    results = interpreter.run()
    return {
        name: _shaped(results[root], name, len(x1), len(x2), root.space)
        for name, root in module.roots.items()
    }


def _shaped(value: Any, name: str, n1: int, n2: int, space: Space = ()) -> Array:
    value = extended(value, len(space))
    if name.endswith("_diagonal"):
        ones = (1,) * len(space)
        full = np.broadcast_to(value, (n1, 1, *space, *ones))
        return full.reshape(n1, *space).copy()
    return np.broadcast_to(value, (n1, n2, *space, *space)).copy()


def extended(value: Any, rank: int) -> Array:
    """A value with axes for positions, where it has none of its own."""
    array = np.asarray(value)
    if array.ndim > 2 or rank == 0:
        return array
    return array.reshape(*array.shape, *(1,) * (2 - array.ndim), *(1,) * (2 * rank))


def _products(x1: Array, x2: Array) -> Array:
    """Inner products over channels: (n1, n2, *S, *S)."""
    rank = x1.ndim - 2
    products = np.asarray(np.tensordot(x1, x2, axes=(-1, -1)))  # (n1, *S, n2, *S)
    return np.moveaxis(products, 1 + rank, 1)


def same_place(space: Space) -> Array:
    """Whether p = p' (*S, *S)."""
    cells = np.arange(prod(space))
    same: Array = cells[:, None] == cells
    return same.reshape(*space, *space)


class Interpreter:
    """The values of nodes for one pair of batches."""

    def __init__(
        self,
        module: Module,
        x1: Array,
        x2: Array,
        parameters: Mapping[str, float],
        arithmetic: Arithmetic,
        own: bool = False,
    ) -> None:
        self.module = module
        self.arithmetic = arithmetic
        self.inputs = x1, x2
        self.own = own
        """Whether x1 and x2 are one input, whose values at p = p' are its variances."""
        number = arithmetic.number
        self.size = number(x1.shape[-1])
        products = _products(x1, x2)
        self.leaves = {"product": products, "inverse_size": number(1) / self.size}
        ones = (1,) * (x1.ndim - 2)
        squares = [(x * x).sum(axis=-1) / self.size for x in (x1, x2)]
        self.gram = {
            "CROSS": products / self.size,
            "ROW": squares[0].reshape(len(x1), 1, *x1.shape[1:-1], *ones),
            "COL": squares[1].reshape(1, len(x2), *ones, *x2.shape[1:-1]),
        }
        self.given = dict(parameters)
        self.parameters = {name: number(value) for name, value in parameters.items()}

    def run(self, roots: Iterable[Node] | None = None) -> dict[Node, Any]:
        """The values of the roots, by default the module's, and of all nodes below them."""
        values: dict[Node, Any] = {}
        for node in topological(self.module.roots.values() if roots is None else roots):
            if node.op == "own":
                values[node] = self._owned(node)
                continue
            args = [extended(values[a], len(node.space)) for a in node.args]
            if node.op in MAPS:
                args = [values[a] for a in node.args]
            values[node] = self._value(node, args)
        return values

    def _owned(self, node: Node) -> Any:
        """A value across a pair, of each input with itself, at p = p'."""
        side = 0 if node.attr("varies") == "ROW" else 1
        (pair,), rank, found = node.args, len(node.space), []
        for i in range(len(self.inputs[side])):
            x = self.inputs[side][i : i + 1]
            alone = Interpreter(self.module, x, x, self.given, self.arithmetic, own=True)
            value = np.asarray(alone.run([pair])[pair])
            found.append(same_positions(value, rank)[0, 0] if rank else value.reshape(()))
        stacked = np.array(found)
        ones = (1,) * rank
        if side == 0:
            return stacked.reshape(len(found), 1, *node.space, *ones)
        return stacked.reshape(1, len(found), *ones, *node.space)

    def _value(self, node: Node, args: list[Any]) -> Any:
        if node.op in MAPS:
            return MAPS[node.op](node, self._full(node.args[0], args[0]), self.arithmetic.number)
        if node.op == "where_same":
            same, displaced = (self._full(node, value) for value in args)
            return np.where(same_place(node.space), same, displaced)
        if node.op == "gram":
            return self.gram[node.attr("varies")]
        if node.op == "gram_complement":
            return self._gram_complement()
        if node.op == "gram_distance":
            return self._gram_distance()
        if node.op in self.leaves:
            return self.leaves[node.op]
        if node.op in ("carry", "within"):
            return args[0]
        if node.op == "dropout":
            kernel, rate = args
            one = self.arithmetic.number(1)
            if node.varies is Varies.CROSS:
                return self._with_own(node, kernel, lambda: kernel / (one - rate))
            return kernel / (one - rate)
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
        # At c = p = q the limit counts, which is not always the form's value there.
        limit = forms.diagonal_dot if dot else forms.diagonal
        limited = self._formula(limit, ("p", *forms.parameters))
        if node.varies is not Varies.CROSS:
            return self._pointwise(limited, args[2:])
        form = forms.dual_dot if dot else forms.dual
        value = self._pointwise(self._formula(form, ("c", "p", "q", *forms.parameters)), args)
        return self._with_own(node, value, lambda: self._pointwise(limited, [args[0], *args[3:]]))

    def _formula(self, form: Node, names: tuple[str, ...]) -> Callable[..., Any]:
        def value(*xs: Any) -> Any:
            bindings = dict(zip(names, xs, strict=True))
            (result,) = evaluate([form], bindings, self.arithmetic)
            return result

        return value

    def _with_own(self, node: Node, value: Any, own: Callable[[], Any]) -> Any:
        """The pair's value; where x1 is x2, other values at p = p'."""
        if not self.own:
            return value
        shape = (1, 1, *node.space, *node.space)
        result = np.array(np.broadcast_to(value, shape))
        other = np.broadcast_to(own(), shape)
        for position in np.ndindex(*node.space):
            at: Any = (0, 0, *position, *position)
            result[at] = other[at]
        return result

    def _full(self, node: Node, value: Any) -> Array:
        """A value with all its positions spelled out: constants depend on none."""
        value, space = extended(value, len(node.space)), node.space
        varies = node.varies
        ones = (1,) * len(space)
        first = space if varies in (Varies.ROW, Varies.CROSS) else ones
        second = space if varies in (Varies.COL, Varies.CROSS) else ones
        return np.broadcast_to(value, np.broadcast_shapes(value.shape, (1, 1, *first, *second)))

    def _gram_complement(self) -> Any:
        table, number = self.arithmetic.table, self.arithmetic.number

        def complement(c: Any, p: Any, q: Any) -> Any:
            scale = table["mul"](table["inv_sqrt"](p), table["inv_sqrt"](q))
            found = table["sub"](number(1), table["mul"](c, scale))
            return table["max"](found, number(0))  # a rounding below 0 is none

        return self._pointwise(complement, [self.gram[v] for v in ("CROSS", "ROW", "COL")])

    def _gram_distance(self) -> Any:
        """From differences of the inputs: nothing cancels."""
        x1, x2 = self.inputs
        rank = x1.ndim - 2
        ones = (1,) * rank
        first = x1.reshape(len(x1), 1, *x1.shape[1:-1], *ones, x1.shape[-1])
        second = x2.reshape(1, len(x2), *ones, *x2.shape[1:])
        return ((first - second) ** 2).sum(axis=-1) / (self.size * self.arithmetic.number(2))

    def _pointwise(self, function: Any, args: list[Any]) -> Any:
        """Apply to arrays: at once in NumPy, entry by entry where numbers are objects."""
        if not any(isinstance(a, np.ndarray) and a.dtype == object for a in args):
            return function(*args)
        return np.frompyfunc(function, len(args), 1)(*args)
