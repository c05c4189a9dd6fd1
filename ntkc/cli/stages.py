"""The stages that `ntkc compile --emit` prints."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from ntkc.cli import show
from ntkc.cli.exits import UsageError
from ntkc.diagnostics import Diagnostics, Source
from ntkc.driver import FrontEnd, Options, front_end, middle, parsed
from ntkc.ir.module import Module

DERIVED = "derive"
"""What the kernel IR before all passes is called."""


def emit(stage: str, after: str | None, origin: Path | Source, options: Options) -> str:
    """A stage as text. Raises `ProgramError`, and `UsageError` for an unknown pass."""
    if stage == "ast":
        return _ast(origin, options)
    if stage in ("python", "llvm", "asm"):
        return _generated(stage, origin, options)
    front = front_end(origin, options)
    if stage == "network":
        return str(front.network)
    if stage == "ir":
        return _ir(front.module, options.dtype, after or DERIVED)
    if stage == "schedule":
        return show.schedules(middle(front.module, options.dtype))
    return _latex(front)


def _ast(origin: Path | Source, options: Options) -> str:
    diagnostics = Diagnostics()
    program = parsed(origin, options, diagnostics)
    diagnostics.raise_errors()
    assert program is not None
    return show.tree(program.main.file)


def _ir(module: Module, dtype: str, after: str) -> str:
    from ntkc.ir.text import format_module
    from ntkc.passes.pipeline import SHARED, vector_passes

    steps = (*SHARED, *vector_passes(dtype))
    names = [DERIVED, *(step.name for step in steps)]
    if after not in names:
        raise UsageError(f"there is no pass {after!r}; --after takes {', '.join(names)}")
    for step in steps[: names.index(after)]:
        module = step.run(module)
    return format_module(module)


def _latex(front: FrontEnd) -> str:
    """What each layer does to a covariance, by the closed forms of the activations it uses."""
    from ntkc.layers.base.activation import ActivationLayer
    from ntkc.symbolic.latex import formulas

    parts = []
    layers = (node.layer for node in front.network.nodes())
    for bound in dict.fromkeys(x.bound for x in layers if isinstance(x, ActivationLayer)):
        found = formulas(bound)
        parts += [
            f"% {bound.key}: E[f(u) f(v)] at variances p, q and covariance c, then E[f'(u) f'(v)]",
            rf"\[ \check f(c, p, q) = {found.dual.latex} \]",
            rf"\[ \check{{f'}}(c, p, q) = {found.dual_dot.latex} \]",
            rf"\[ \check f(p, p, p) = {found.diagonal.latex} \]",
        ]
    return "\n".join(parts) + "\n" if parts else "% no activations\n"


def _generated(stage: str, origin: Path | Source, options: Options) -> str:
    from ntkc.artefact.compiled import load
    from ntkc.artefact.prepare import prepare

    made = prepare(origin, options)
    if stage == "python":
        return made.artefact.generated
    tile = load(made).program.tiles["ntk", options.dtype]
    return machine_code(tile, options.dtype, stage)


def machine_code(tile: Any, dtype: str, stage: str) -> str:
    """LLVM IR or assembly of a tile function, compiled anew: kept code has lost its text."""
    numba: Any = import_module("numba")
    if numba.config.DISABLE_JIT:
        raise UsageError(f"--emit {stage} needs Numba, which NUMBA_DISABLE_JIT switches off")
    numbers = numba.types.Array(getattr(numba, dtype), 1, "C")
    whole, flag = numba.int64, numba.boolean
    signature = (
        *(numbers, numbers, whole, whole, whole),
        *(numbers, whole, whole, numbers, whole, whole),
        *(numbers, numbers, flag),
    )
    options = {name: value for name, value in tile.targetoptions.items() if name != "nopython"}
    again = numba.njit(**options)(tile.py_func)
    again.compile(signature)
    texts = again.inspect_llvm() if stage == "llvm" else again.inspect_asm()
    return str(texts[signature])
