"""How scalar operations are spelled: in vector loops, in NumPy, and in plain Python.

Three dialects, each a table from operation to a format. An operation that a table lacks is
reported by name: either a pass should have spelled it, or the table must learn it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ntkc.ir.node import Node


class UnspelledError(Exception):
    """An operation has no spelling in this dialect (a bug of the compiler)."""


@dataclass(frozen=True)
class Dialect:
    """How to write expressions: `formats` by operation, `literal` for numbers."""

    name: str
    formats: Mapping[str, str]
    literal: Callable[[float], str]

    def write(self, node: Node, names: Mapping[Node, str] | None = None) -> str:
        """The expression's text; nodes in `names` are written as their names."""
        known = {} if names is None else names
        if node in known:
            return known[node]
        if node.op == "const":
            return self.literal(node.attr("value"))
        if node.op in ("symbol", "param"):
            return str(node.attr("name"))
        if node.op == "polynomial":
            return self._horner(node, self.write(node.args[0], known))
        form = self.formats.get(node.op)
        if form is None:
            raise UnspelledError(f"{node.op} has no spelling in {self.name}")
        args = [self.write(a, known) for a in node.args]
        return form.format(*args, **dict(node.attrs))

    def _horner(self, node: Node, x: str) -> str:
        coefficients = node.attr("coefficients")
        text = self.literal(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            text = f"({text} * {x} + {self.literal(coefficient)})"
        return text


_ARITHMETIC = {
    "add": "({0} + {1})",
    "sub": "({0} - {1})",
    "mul": "({0} * {1})",
    "div": "({0} / {1})",
    "neg": "(-{0})",
    "carry": "{0}",
}


def lanes(dtype: str) -> Dialect:
    """Numba's vector loops. Float32 needs every literal wrapped, or it computes in float64."""

    def literal(value: float) -> str:
        return f"F({value!r})" if dtype == "float32" else repr(value)

    zero, one = literal(0.0), literal(1.0)
    # Adding 1.5 * 2**(digits of the significand) leaves no room for a fraction.
    magic = literal(1.5 * 2.0 ** (23 if dtype == "float32" else 52))
    return Dialect(
        f"{dtype} lanes",
        {
            **_ARITHMETIC,
            "sqrt": f"math.sqrt(max({{0}}, {zero}))",
            "inv_sqrt": f"({one} / math.sqrt({{0}}) if {{0}} > {zero} else {zero})",
            "abs": "abs({0})",
            "min": "min({0}, {1})",
            "max": "max({0}, {1})",
            "select": f"({{1}} if {{0}} > {zero} else {{2}})",
            "round": f"(({{0}} + {magic}) - {magic})",
            "pow2": f"power_of_two_{dtype}({{0}})",
            "sin": "math.sin({0})",
            "cos": "math.cos({0})",
            "log": "math.log({0})",
        },
        literal,
    )


NUMPY = Dialect(
    "numpy",
    {
        **_ARITHMETIC,
        "sqrt": "np.sqrt(np.maximum({0}, 0.0))",
        "inv_sqrt": "inv_sqrt({0})",
        "abs": "np.abs({0})",
        "min": "np.minimum({0}, {1})",
        "max": "np.maximum({0}, {1})",
        "select": "np.where({0} > 0.0, {1}, {2})",
        "power": "{0}**{exponent}",
        "exp": "np.exp({0})",
        "expm1": "np.expm1({0})",
        "log": "np.log({0})",
        "sin": "np.sin({0})",
        "cos": "np.cos({0})",
        "asin": "np.arcsin(np.clip({0}, -1.0, 1.0))",
        "atan2": "np.arctan2({0}, {1})",
    },
    repr,
)

PYTHON = Dialect(
    "python",
    {
        **_ARITHMETIC,
        "sqrt": "math.sqrt(max({0}, 0.0))",
        "inv_sqrt": "({0}) ** -0.5 if ({0}) > 0.0 else 0.0",
        "abs": "abs({0})",
        "min": "min({0}, {1})",
        "max": "max({0}, {1})",
        "select": "({1} if {0} > 0.0 else {2})",
        "power": "{0}**{exponent}",
        "exp": "math.exp({0})",
        "expm1": "math.expm1({0})",
        "log": "math.log({0})",
        "sin": "math.sin({0})",
        "cos": "math.cos({0})",
        "asin": "math.asin(min(max({0}, -1.0), 1.0))",
        "atan2": "math.atan2({0}, {1})",
        "inverse_size": "(1.0 / size)",
        "within": "within({0}, {low!r}, {high!r}, {strict}, {what!r})",
    },
    repr,
)
