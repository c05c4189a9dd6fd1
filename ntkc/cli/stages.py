"""The stages that `ntkc compile --emit` prints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ntkc.cli.exits import UsageError
from ntkc.cli.tree import tree
from ntkc.diagnostics import Diagnostics, Source
from ntkc.driver import (
    Options,
    front_end,
    middle,
    middle_on_positions,
    on_positions,
    parsed,
)
from ntkc.explain import format_schedule, latex_model
from ntkc.explain.slices import format_slices
from ntkc.ir.module import Module
from ntkc.runtime import LoadError
from ntkc.schedule.origins import describer

DERIVED = "derive"
"""What the kernel IR before all passes is called."""


def emit(stage: str, after: str | None, origin: Path | Source, options: Options) -> str:
    """A stage as text. Raises `ProgramError`, and `UsageError` for an unknown pass."""
    if stage == "ast":
        return _ast(origin, options)
    if stage == "ptx":
        return _ptx(origin, options)
    if stage in ("python", "llvm", "asm"):
        return _generated(stage, origin, options)
    front = front_end(origin, options)
    if stage == "network":
        return str(front.network)
    if stage == "ir":
        return _ir(front.module, options.dtype, after or DERIVED)
    if stage == "schedule":
        if on_positions(front.module):
            program = middle_on_positions(front.module, options.dtype, vectors=options.vectors)
            return format_slices(program, describer({options.dtype: program}))
        schedules = middle(front.module, options.dtype)
        return format_schedule(schedules, describer(schedules))
    return latex_model(front)


def _ast(origin: Path | Source, options: Options) -> str:
    diagnostics = Diagnostics()
    program = parsed(origin, options, diagnostics)
    diagnostics.raise_errors()
    assert program is not None
    return tree(program.main.file)


def _ir(module: Module, dtype: str, after: str) -> str:
    from ntkc.ir.text import format_module
    from ntkc.passes.pipeline import shared, vector_passes

    steps = (*shared(dtype), *vector_passes(dtype))
    names = [DERIVED, *(step.name for step in steps)]
    if after not in names:
        raise UsageError(f"there is no pass {after!r}; --after takes {', '.join(names)}")
    for step in steps[: names.index(after)]:
        module = step.run(module)
    return format_module(module)


def _ptx(origin: Path | Source, options: Options) -> str:
    """The kernels for the NTK as PTX for compute capability 9.0; no GPU is needed."""
    from ntkc.artefact.device_code import (
        NoDeviceCodeError,
        final_types,
        ptx,
        segment_types,
        tile_types,
    )
    from ntkc.artefact.folder import DEVICE
    from ntkc.artefact.prepare import prepare
    from ntkc.runtime.generated import import_generated

    made = prepare(origin, replace(options, backend="cuda"))
    try:
        module = import_generated(made.path / DEVICE, f"{made.artefact.digest}_device")
        if not made.artefact.manifest["slices"]:
            return ptx(module.TILES["ntk"], tile_types(options.dtype, "tile"))
        listing = module.KERNELS["nngp+ntk"]  # one function serves both
        kernels = [(kernel, segment_types(options.dtype)) for kernel, _ in listing["segments"]]
        if listing["final"] is not None:
            kernels.append((listing["final"], final_types(options.dtype)))
        return "\n".join(ptx(kernel, types) for kernel, types in kernels)
    except (ImportError, LoadError, NoDeviceCodeError) as error:
        raise UsageError(f"--emit ptx: {error}") from None


def _generated(stage: str, origin: Path | Source, options: Options) -> str:
    from ntkc.artefact.compiled import load
    from ntkc.artefact.machine_code import NoMachineCodeError, machine_code
    from ntkc.artefact.prepare import prepare
    from ntkc.runtime.slice_program import SliceProgram

    if stage != "python" and options.backend == "cuda":
        raise UsageError(f"--emit {stage} is there for processors; --emit ptx shows GPUs' code")
    made = prepare(origin, options)
    if stage == "python":
        return made.artefact.device or made.artefact.generated
    program = load(made).program
    if isinstance(program, SliceProgram):
        raise UsageError(f"--emit {stage} is there for networks on vectors; see --emit python")
    tile = program.tiles["ntk", options.dtype]
    try:
        return machine_code(tile, options.dtype, stage)
    except NoMachineCodeError as error:
        raise UsageError(f"--emit {stage}: {error}") from None
