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


# How tightly text binds: an operand that binds less than its place demands is parenthesised.
ANY, SUM, PRODUCT, SIGN, ATOM = range(5)


@dataclass(frozen=True)
class Form:
    """A format, how tightly the result binds, and how tightly each operand must."""

    text: str
    binds: int = ATOM
    operands: tuple[int, ...] = (ANY, ANY, ANY)


@dataclass(frozen=True)
class Dialect:
    """How to write expressions: `forms` by operation, `literal` for numbers."""

    name: str
    forms: Mapping[str, Form]
    literal: Callable[[float], str]

    def write(self, node: Node, names: Mapping[Node, str] | None = None) -> str:
        """The expression's text; nodes in `names` are written as their names."""
        return self._write(node, {} if names is None else names)[0]

    def _write(self, node: Node, names: Mapping[Node, str]) -> tuple[str, int]:
        if node in names:
            return names[node], ATOM
        if node.op == "const":
            text = self.literal(node.attr("value"))
            return text, SIGN if text.startswith("-") else ATOM
        if node.op in ("symbol", "param"):
            return str(node.attr("name")), ATOM
        if node.op == "polynomial":
            return self._horner(node, self._operand(node.args[0], ATOM, names)), SUM
        form = self.forms.get(node.op)
        if form is None:
            raise UnspelledError(f"{node.op} has no spelling in {self.name}")
        operands = zip(node.args, form.operands, strict=False)
        args = [self._operand(arg, least, names) for arg, least in operands]
        return form.text.format(*args, **dict(node.attrs)), form.binds

    def _operand(self, node: Node, least: int, names: Mapping[Node, str]) -> str:
        text, binds = self._write(node, names)
        return text if binds >= least else f"({text})"

    def _horner(self, node: Node, x: str) -> str:
        coefficients = node.attr("coefficients")
        text = self.literal(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            inner = f"({text})" if " " in text else text
            sign = "-" if coefficient < 0 else "+"
            text = f"{inner} * {x} {sign} {self.literal(abs(coefficient))}"
        return text


_ARITHMETIC = {
    "add": Form("{0} + {1}", SUM, (SUM, PRODUCT)),
    "sub": Form("{0} - {1}", SUM, (SUM, PRODUCT)),
    "mul": Form("{0} * {1}", PRODUCT, (PRODUCT, SIGN)),
    "div": Form("{0} / {1}", PRODUCT, (PRODUCT, SIGN)),
    "neg": Form("-{0}", SIGN, (ATOM,)),
    "carry": Form("({0})"),
}


def _calls(table: Mapping[str, str]) -> dict[str, Form]:
    return {name: Form(text) for name, text in table.items()}


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
            "round": Form(f"{{0}} + {magic} - {magic}", SUM, (SUM,)),
            **_calls(
                {
                    "sqrt": f"math.sqrt({{0}} if {{0}} > {zero} else {zero})",
                    "inv_sqrt": f"({one} / math.sqrt({{0}}) if ({{0}}) > {zero} else {zero})",
                    "abs": "abs({0})",
                    "min": "({0} if {0} < {1} else {1})",
                    "max": "({0} if {0} > {1} else {1})",
                    "select": f"({{1}} if {{0}} > {zero} else {{2}})",
                    "pow2": f"power_of_two_{dtype}({{0}})",
                    "owen_t": f"owen_t_{dtype}({{0}}, {{1}}, {{2}})",
                    "sin": "math.sin({0})",
                    "cos": "math.cos({0})",
                    "log": "math.log({0})",
                }
            ),
        },
        literal,
    )


NUMPY = Dialect(
    "numpy",
    {
        **_ARITHMETIC,
        "power": Form("{0}**{exponent}", ATOM, (ATOM,)),
        **_calls(
            {
                "sqrt": "np.sqrt(np.maximum({0}, 0.0))",
                "inv_sqrt": "inv_sqrt({0})",
                "abs": "np.abs({0})",
                "min": "np.minimum({0}, {1})",
                "max": "np.maximum({0}, {1})",
                "select": "np.where({0} > 0.0, {1}, {2})",
                "exp": "np.exp({0})",
                "expm1": "np.expm1({0})",
                "log": "np.log({0})",
                "sin": "np.sin({0})",
                "cos": "np.cos({0})",
                "asin": "np.arcsin(np.clip({0}, -1.0, 1.0))",
                "atan2": "np.arctan2({0}, {1})",
                "within": "within_all({0}, {low!r}, {high!r}, {what!r})",
                "erf": "erf({0})",
                "normal_cdf": "normal_cdf({0})",
                "owen_t": "owen_t({0}, {1}, {2})",
            }
        ),
    },
    repr,
)

PYTHON = Dialect(
    "python",
    {
        **_ARITHMETIC,
        "power": Form("{0}**{exponent}", ATOM, (ATOM,)),
        **_calls(
            {
                "sqrt": "math.sqrt(max({0}, 0.0))",
                "inv_sqrt": "(({0}) ** -0.5 if ({0}) > 0.0 else 0.0)",
                "abs": "abs({0})",
                "min": "min({0}, {1})",
                "max": "max({0}, {1})",
                "select": "({1} if {0} > 0.0 else {2})",
                "exp": "math.exp({0})",
                "expm1": "math.expm1({0})",
                "log": "math.log({0})",
                "sin": "math.sin({0})",
                "cos": "math.cos({0})",
                "asin": "math.asin(min(max({0}, -1.0), 1.0))",
                "atan2": "math.atan2({0}, {1})",
                "erf": "math.erf({0})",
                "normal_cdf": "(0.5 * math.erfc(-({0}) / math.sqrt(2.0)))",
                "owen_t": "float(owen_t({0}, {1}, {2}))",
                "inverse_size": "(1.0 / size)",
                "within": "within({0}, {low!r}, {high!r}, {strict}, {what!r})",
            }
        ),
    },
    repr,
)

IMAGES = Dialect(
    "images",
    {
        **NUMPY.forms,
        "same_position": Form("({0})"),
        "window": Form(
            "window_mean({0}, {size}, {stride}, {dilation}, {before}, {out}, {circular})"
        ),
        "spread": Form("spread_mean({0}, {size}, {stride}, {dilation}, {before}, {out})"),
        "mean_diagonal": Form("mean_image({0})"),
        "embed": Form("embedded({0}, {start}, {out})"),
    },
    repr,
)
"""Values of single inputs as images (n, *space); (n, 1, ...) for values without positions."""
