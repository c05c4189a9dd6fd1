"""Forms of the language's own activations, derived before ntkc is shipped.

Deriving a form takes SymPy, whose import alone is a fifth of a second. What `derive` makes of the
closed forms that the activations' files state is the same on every machine, so it lies beside this
module, in `closed_forms.json`, each form with a digest of what it was derived from. A form whose
activation says something else by now is not found, and derived when it is asked for.

`python -m ntkc.symbolic.kept` writes the file anew; a test derives every form again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkc.ir.module import DualForms, NormalisedDual
from ntkc.ir.node import Attribute, Node, make, topological

if TYPE_CHECKING:
    from ntkc.activations.base import Bound

FILE = "closed_forms.json"
DEGREES = range(7)
COEFFICIENTS = range(1, 6)
"""For which degrees, and how many coefficients, forms are kept."""

_PARTS = ("dual", "dual_dot", "diagonal", "diagonal_dot", "complement")


def kept_forms(bound: Bound) -> DualForms | None:
    """The forms of an activation with its arguments, where they are kept."""
    entry = _entries().get(bound.key)
    if entry is None:
        return None
    stated = bound.activation.stated(bound)
    if not stated or entry["stated"] != digest(stated) or entry["parameters"] != [*bound.symbols]:
        return None
    return _forms(bound.key, entry)


@cache
def _entries() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(files(__package__).joinpath(FILE).read_text("utf-8"))
    return found


def digest(stated: tuple[Node | int | bool, ...]) -> str:
    """What tells what an activation's file states: its formula, and what else is known of it."""
    nodes = [part for part in stated if isinstance(part, Node)]
    facts = [part for part in stated if not isinstance(part, Node)]
    return hashlib.sha256(json.dumps([_packed(nodes)[0], facts]).encode()).hexdigest()[:16]


def _packed(roots: Iterable[Node]) -> tuple[list[Any], dict[Node, int]]:
    """Nodes as lists (operation, arguments' numbers, attributes), and the number of each."""
    numbers: dict[Node, int] = {}
    packed: list[Any] = []
    for node in topological(roots):
        numbers[node] = len(packed)
        packed.append([node.op, [numbers[arg] for arg in node.args], dict(node.attrs)])
    return packed, numbers


def _unpacked(packed: list[Any]) -> list[Node]:
    nodes: list[Node] = []
    for op, args, attrs in packed:
        values = {name: _attribute(value) for name, value in attrs.items()}
        nodes.append(make(op, *(nodes[arg] for arg in args), **values))
    return nodes


def _attribute(value: Any) -> Attribute:
    return tuple(map(_attribute, value)) if isinstance(value, list) else value


def _forms(key: str, entry: Mapping[str, Any]) -> DualForms:
    nodes = _unpacked(entry["nodes"])
    normalised = None
    if "normalised" in entry:
        degree, kappa, kappa_dot = entry["normalised"]
        normalised = NormalisedDual(degree, nodes[kappa], nodes[kappa_dot])
    parts = {part: nodes[entry[part]] for part in _PARTS}
    return DualForms(key, tuple(entry["parameters"]), **parts, normalised=normalised)


def _entry(bound: Bound, forms: DualForms) -> dict[str, Any]:
    """What is kept of derived forms."""
    parts = [getattr(forms, part) for part in _PARTS]
    normalised = forms.normalised
    if normalised is not None:
        parts += [normalised.kappa, normalised.kappa_dot]
    nodes, numbers = _packed(parts)
    entry = {
        "stated": digest(bound.activation.stated(bound)),
        "parameters": [*bound.symbols],
        **{part: numbers[getattr(forms, part)] for part in _PARTS},
        "nodes": nodes,
    }
    if normalised is not None:
        kappas = numbers[normalised.kappa], numbers[normalised.kappa_dot]
        entry["normalised"] = [normalised.degree, *kappas]
    left_out = {f.name for f in fields(DualForms)} - {"name", "parameters", "normalised", *_PARTS}
    assert all(getattr(forms, name) is None for name in left_out)
    return entry


def worth_keeping() -> Iterable[Bound]:
    """The language's own activations that state a closed form, with their common arguments."""
    from ntkc.activations import ArgumentError, load, names
    from ntkc.activations.base import Closed, ParameterKind

    samples = {
        ParameterKind.NUMBER: (1.0,),
        ParameterKind.DEGREE: DEGREES,
        ParameterKind.NUMBERS: tuple([1.0] * count for count in COEFFICIENTS),
    }
    for activation in map(load, names()):
        if not isinstance(activation, Closed):
            continue
        kinds = [p.kind for p in activation.parameters]
        static = next((k for k in kinds if k is not ParameterKind.NUMBER), None)
        for value in (None,) if static is None else samples[static]:
            given = [value if k is static else samples[k][0] for k in kinds]
            try:
                yield activation.bind(given)
            except ArgumentError:
                continue  # a degree that it does not have


def derived_text() -> str:
    """The file's contents, from formulas derived now."""
    from ntkc.symbolic.derive import dual_forms

    entries = {bound.key: _entry(bound, dual_forms(bound)) for bound in worth_keeping()}
    lines = [f"{json.dumps(key)}: {json.dumps(entries[key])}" for key in sorted(entries)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    Path(__file__).with_name(FILE).write_text(derived_text(), encoding="utf-8")
