"""The ordered passes, and the one place between them where they can be watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ntkc.ir.module import Module
from ntkc.passes.collapse import collapse
from ntkc.passes.diagonals import diagonals
from ntkc.passes.differentiate import Variable, differentiate
from ntkc.passes.distances import expand_distances
from ntkc.passes.expand import expand
from ntkc.passes.fold import fold, fold_pairs
from ntkc.passes.functions import spell_functions
from ntkc.passes.opposites import opposites
from ntkc.passes.reciprocals import share_reciprocals

Watcher = Callable[[str, Module], None]
"""Called after every pass with its name and what it made."""


@dataclass(frozen=True)
class Pass:
    """A named step from module to module."""

    name: str
    run: Callable[[Module], Module]


SHARED = (
    Pass("diagonals", diagonals),
    Pass("expand", expand),
    Pass("fold", fold),
)
"""What every backend needs, in float64; what `shared` gives for a number type."""

DISTANT = (SHARED[0], Pass("expand", expand_distances), SHARED[2])
"""The same for inputs on positions that nearly coincide."""


def shared(dtype: str) -> tuple[Pass, ...]:
    """`SHARED` for programs of a number type."""
    return (SHARED[0], Pass("expand", lambda module: expand(module, dtype)), SHARED[2])


def with_derivatives(
    roots: Sequence[str], variables: Sequence[Variable], dtype: str
) -> tuple[Pass, ...]:
    """`shared` for a kernel and its derivatives: `differentiate` where duals are spelled out."""
    derive = Pass("differentiate", lambda module: differentiate(module, roots, variables))
    first, second, third = shared(dtype)
    return first, second, derive, third


def vector_passes(dtype: str, collapsing: bool = True, opposing: bool = True) -> tuple[Pass, ...]:
    """What vector code in one number type needs on top; `collapsing` is an option.

    `opposing` for programs whose runtime tells nearly opposite pairs: see `opposites`.
    """
    return (
        *([Pass("collapse", lambda module: collapse(module, dtype))] if collapsing else []),
        *([Pass("opposites", opposites)] if opposing else []),
        Pass("functions", lambda module: spell_functions(module, dtype)),
        Pass("reciprocals", share_reciprocals),
        Pass("fold-again", fold_pairs),
    )


def run(module: Module, passes: Sequence[Pass], watch: Watcher | None = None) -> Module:
    """The module after all passes, in order."""
    for step in passes:
        module = step.run(module)
        if watch is not None:
            watch(step.name, module)
    return module
