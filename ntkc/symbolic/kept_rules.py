"""Rules of series (`ntkc.symbolic.sparse`), found before ntkc is shipped.

Finding a rule and certifying it takes up to seven seconds; what is found is a few dozen degrees
and weights, the same on every machine. Those of the language's own activations for the usual
tolerances lie beside this module, in `series_rules.json`, with the error that they are certified
to and a digest of the formula that they are for. Another formula, or another tolerance, is not
found there, and its rule is found when it is asked for.

`python -m ntkc.symbolic.kept_rules` writes the file anew; a test certifies every rule again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkc.symbolic.kept import digest
from ntkc.symbolic.sparse import Rule

if TYPE_CHECKING:
    from ntkc.symbolic.series import Formula

FILE = "series_rules.json"
TOLERANCES = (1e-10, 1e-6)
"""Those of float64 and of float32."""
FINER = (1.0, 1.0 / 8.0)
"""Shares of a tolerance that rules of decays are found for, where parts of an activation cancel."""


@dataclass(frozen=True)
class Rules:
    """The rules of the parts of a slope, and what all that is made of them loses."""

    rules: tuple[Rule, ...]
    error: float


def kept_rules(formula: Formula, tolerance: float) -> Rules | None:
    """The rules of a formula for a tolerance, where they are kept."""
    return _entries().get((_of(formula), tolerance))


def kept_decays(largest: float, tolerance: float) -> Rules | None:
    """The rule of e^(-|z|) for variances up to the largest, where it is kept."""
    return _entries().get((_decays(largest), tolerance))


def _of(formula: Formula) -> str:
    return digest((formula.function, formula.slope))


def _decays(largest: float) -> str:
    return f"exp(-|z|) to {largest:g}"


@cache
def _entries() -> Mapping[tuple[str, float], Rules]:
    """By what a rule is for, and the tolerance."""
    listed = json.loads(files(__package__).joinpath(FILE).read_text("utf-8"))
    return {(entry["of"], entry["tolerance"]): _read(entry) for entry in listed}


def _read(entry: Mapping[str, Any]) -> Rules:
    rules = (Rule(tuple(r["degrees"]), tuple(r["weights"]), r["size"]) for r in entry["rules"])
    return Rules(tuple(rules), entry["error"])


def worth_keeping() -> Iterator[Formula]:
    """The formulas of the language's own activations by series."""
    from ntkc.activations import load, names
    from ntkc.activations.base import Expanded

    for activation in map(load, names()):
        if isinstance(activation, Expanded):
            yield activation.bind().formula


def found_text() -> str:
    """The file's contents, from rules found now."""
    from ntkc.symbolic import decays
    from ntkc.symbolic.interpolation import LARGEST_VARIANCE
    from ntkc.symbolic.series import derived_rules

    found = [
        (formula.name, _of(formula), tolerance, derived_rules(formula, tolerance))
        for formula in worth_keeping()
        for tolerance in TOLERANCES
    ]
    for tolerance in (share * t for share in FINER for t in TOLERANCES):
        rules = decays.derived_rules(tolerance, LARGEST_VARIANCE)
        found.append(("decays", _decays(LARGEST_VARIANCE), tolerance, rules))
    entries = [
        {
            "name": name,
            "of": of,
            "tolerance": tolerance,
            "error": rules.error,
            "rules": [vars(rule) for rule in rules.rules],
        }
        for name, of, tolerance, rules in found
    ]
    return "[\n" + ",\n".join(map(json.dumps, entries)) + "\n]\n"


if __name__ == "__main__":
    Path(__file__).with_name(FILE).write_text(found_text(), encoding="utf-8")
