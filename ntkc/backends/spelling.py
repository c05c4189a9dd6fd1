"""How scalar operations are spelled: what every backend's dialects have in common.

A dialect is a table from operation to a format. An operation that a table lacks is reported by
name: either a pass should have spelled it, or the table must learn it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ntkc.backends.octaves import digest
from ntkc.ir.node import Node, topological


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
        """The expression's text; nodes in `names` are written as their names.

        Not recursive: a polynomial of two variables is a sum of hundreds of terms.
        """
        known = {} if names is None else names
        done: dict[Node, tuple[str, int]] = {}

        def text(part: Node, least: int = ANY) -> str:
            if part in known:
                return known[part]
            written, binds = done[part]
            return written if binds >= least else f"({written})"

        for part in topological((node,), known):
            done[part] = self._written(part, text)
        return text(node)

    def _written(self, node: Node, text: Callable[[Node, int], str]) -> tuple[str, int]:
        """One operation on texts, and how tightly it binds."""
        if node.op == "const":
            number = self.literal(node.attr("value"))
            return number, SIGN if number.startswith("-") else ATOM
        if node.op in ("symbol", "param"):
            return str(node.attr("name")), ATOM
        if node.op == "polynomial":
            return self._horner(node, text(node.args[0], ATOM)), SUM
        form = self.forms.get(node.op)
        if form is None:
            raise UnspelledError(f"{node.op} has no spelling in {self.name}")
        operands = zip(node.args, form.operands, strict=False)
        args = [text(arg, least) for arg, least in operands]
        attributes = dict(node.attrs)
        if node.op == "octaves":
            attributes["digest"] = digest(node)
        return form.text.format(*args, **attributes), form.binds

    def _horner(self, node: Node, x: str) -> str:
        coefficients = node.attr("coefficients")
        text = self.literal(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            inner = f"({text})" if " " in text else text
            sign = "-" if coefficient < 0 else "+"
            text = f"{inner} * {x} {sign} {self.literal(abs(coefficient))}"
        return text


def helpers_of(texts: Sequence[str], helpers: Mapping[str, str]) -> list[str]:
    """The helper functions that texts use, and those that these use, in their own order."""
    found: dict[str, str] = {}
    used = list(texts)
    while used:
        fresh = {
            name: text
            for name, text in helpers.items()
            if name not in found and any(f"{name}(" in t for t in used)
        }
        found |= fresh
        used = list(fresh.values())
    return [text for name, text in helpers.items() if name in found]


ARITHMETIC = {
    "add": Form("{0} + {1}", SUM, (SUM, PRODUCT)),
    "sub": Form("{0} - {1}", SUM, (SUM, PRODUCT)),
    "mul": Form("{0} * {1}", PRODUCT, (PRODUCT, SIGN)),
    "div": Form("{0} / {1}", PRODUCT, (PRODUCT, SIGN)),
    "neg": Form("-{0}", SIGN, (ATOM,)),
    "carry": Form("({0})"),
}


def calls(table: Mapping[str, str]) -> dict[str, Form]:
    """Forms that are calls, or in parentheses: they bind as tightly as a name."""
    return {name: Form(text) for name, text in table.items()}


def literals(dtype: str) -> Callable[[float], str]:
    """Numbers in a compiled loop. Float32 needs every one wrapped, or it computes in float64."""
    return lambda value: f"F({value!r})" if dtype == "float32" else repr(value)


def scalars(dtype: str) -> dict[str, Form]:
    """What Numba spells alike on processors and on devices; choices and roots differ."""
    # Adding 1.5 * 2**(digits of the significand) leaves no room for a fraction.
    magic = literals(dtype)(1.5 * 2.0 ** (23 if dtype == "float32" else 52))
    return {
        **ARITHMETIC,
        "round": Form(f"{{0}} + {magic} - {magic}", SUM, (SUM,)),
        **calls(
            {
                "abs": "abs({0})",
                "owen_t": f"owen_t_{dtype}({{0}}, {{1}}, {{2}})",
                "triangle": f"triangle_{dtype}({{0}}, {{1}}, {{2}})",
                "octaves": f"octaves_{dtype}_{{digest}}({{0}})",
                "edge": f"edge_{dtype}({{0}}, {{1}}, {{2}}, {{degree}})",
                "sin": "math.sin({0})",
                "cos": "math.cos({0})",
                "log": "math.log({0})",
            }
        ),
    }


def indices(literal: Callable[[float], str]) -> Dialect:
    """The dialect of offsets into buffers."""
    return Dialect(
        "indices",
        {
            "add": Form("{0} + {1}", SUM, (SUM, PRODUCT)),
            "sub": Form("{0} - {1}", SUM, (SUM, PRODUCT)),
            "mul": Form("{0} * {1}", PRODUCT, (PRODUCT, SIGN)),
        },
        literal,
    )
