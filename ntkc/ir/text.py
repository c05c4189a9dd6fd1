"""The textual form of kernel IR: `format_module` prints it, `parse_module` reads it back.

The text is canonical: equal modules print equal texts, whatever order they were built in,
so a digest of the text identifies a program (together with the versions of the compiler
and of its activations, which appear by their keys alone). Numbers print as `repr` does,
so that what is read back is the same node, bit for bit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ntkc.ir.module import DualForms, Module
from ntkc.ir.node import Attribute, Node, topological

if TYPE_CHECKING:
    from ntkc.diagnostics import Source

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_RESERVED = frozenset({"true", "false", "inf", "nan"})


def format_module(module: Module) -> str:
    """The module as text: its declarations, one value a line, and its roots by name.

    Values are numbered in the order in which a walk from the sorted roots finishes them.
    """
    lines = [f"network {_word(module.name)}", _input(module)]
    lines += [f"param {_word(p.name)} = {_number(p.default)}" for p in module.parameters]
    names: dict[Node, str] = {}
    count = 0
    for node in topological(module.roots[name] for name in sorted(module.roots)):
        text = _leaf(node)
        if text is None:
            text = f"%{count}"
            lines.append(f"{text} = {_operation(node, names)}")
            count += 1
        names[node] = text
    lines += [f"{name} = {names[module.roots[name]]}" for name in sorted(module.roots)]
    return "\n".join(lines) + "\n"


def _input(module: Module) -> str:
    sizes = ", ".join("?" if size is None else str(size) for size in module.input.sizes)
    suffix = " normalized" if module.input.normalized else ""
    return f"input {module.input.kind}[{sizes}]{suffix}"


def _leaf(node: Node) -> str | None:
    """How a value is written where it is used; None for a value with a line of its own."""
    if node.op == "const" and type(node.attr("value")) is float:
        return _number(node.attr("value"))
    if node.op == "param":
        return f"${_word(node.attr('name'))}"
    return None


def _operation(node: Node, names: Mapping[Node, str]) -> str:
    parts = [node.op, *(names[arg] for arg in node.args)]
    if node.attrs:
        shown = ", ".join(f"{name}={_attribute(value)}" for name, value in node.attrs)
        parts.append(f"{{{shown}}}")
    return " ".join(parts)


def _attribute(value: Attribute) -> str:
    if isinstance(value, tuple):
        items = ", ".join(map(_attribute, value))
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _word(value)
    return _number(value)


def _number(value: float) -> str:
    return repr(value)


def _word(text: str) -> str:
    """A name as it is, anything else in quotes."""
    if _WORD.fullmatch(text) and text not in _RESERVED:
        return text
    return json.dumps(text)


def parse_module(
    text: str | Source, activations: Callable[[str], DualForms], name: str = "<ir>"
) -> Module:
    """The module that a text describes; its spans are the text's lines.

    `activations` gives the forms of an activation by its key, or raises `KeyError`. Raises
    `ProgramError` with a diagnostic that shows the place of the first mistake.
    """
    from ntkc.diagnostics import Source
    from ntkc.ir.read import Reader

    source = Source(name, text) if isinstance(text, str) else text
    return Reader(source, activations).module()


def parse_number(text: str) -> float | int:
    """The number that a literal means: whole where it has neither point nor exponent."""
    digits = text.lstrip("+-")
    if digits.isdigit():
        return int(text)
    value = float(text)
    if math.isinf(value) and not digits.startswith("inf"):
        raise OverflowError(text)
    return value
