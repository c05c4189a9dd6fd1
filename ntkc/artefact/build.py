"""From a program understood to an artefact on disk: the compiler's second half."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ntkc import debug
from ntkc.artefact.bundle import Bundle
from ntkc.artefact.digest import toolchain
from ntkc.artefact.folder import Artefact, write, write_generated
from ntkc.driver import (
    Derivatives,
    FrontEnd,
    Options,
    emitted,
    emitted_kernels,
    emitted_slices,
    emitted_tiles,
    middle,
    middle_for_near_images,
    middle_on_positions,
    on_positions,
)
from ntkc.ir.cost import itemsize
from ntkc.ir.module import Module
from ntkc.ir.text import format_module
from ntkc.network.display import show_input
from ntkc.runtime import ABI
from ntkc.schedule.work import tile_traffic, tile_work

Compiled = tuple[str, dict[str, dict[str, int]], bool, str | None, str | None]


def build(
    front: FrontEnd,
    bundle: Bundle,
    options: Options,
    digest: str,
    folder: Path,
    name: str = "kernel",
    shipped: bool = False,
) -> None:
    """Compile a program into an existing, empty folder, as the package `name`."""
    generated, cost, complement, device, near = compiled(front, options, digest)
    manifest: dict[str, Any] = {
        "abi": ABI,
        "network": front.network.name,
        "input": show_input(front.network.input).removeprefix("input "),
        "parameters": {p.name: p.default for p in front.network.parameters},
        "options": {
            "dtype": options.dtype,
            "backend": options.backend,
            "tolerance": options.certified,
        },
        "complement": complement,
        "slices": on_positions(front.module),
        "versions": toolchain(),
        "cost": cost,
    }
    write(Artefact(digest, generated, bundle, manifest, device, near), folder, name, shipped)


def build_derivatives(
    front: FrontEnd,
    bundle: Bundle,
    options: Options,
    derivatives: Derivatives,
    digest: str,
    folder: Path,
) -> None:
    """Compile derivatives of a program into an existing, empty folder.

    It holds the generated module and the manifest, and is no package: what uses it is the
    program's own kernel.
    """
    if on_positions(front.module):
        sliced = middle_on_positions(
            front.module, options.dtype, Watch(), derivatives, options.vectors
        )
        generated = emitted_slices(front, sliced, f"_{digest}")
    else:
        schedules = middle(front.module, options.dtype, Watch(), derivatives, options.collapse)
        generated = emitted(front, schedules, options.dtype, f"_{digest}")
    debug.dump(4, "derivatives.py", generated)
    manifest: dict[str, Any] = {
        "abi": ABI,
        "network": front.network.name,
        "derivatives": asdict(derivatives),
        "options": {"dtype": options.dtype, "backend": options.backend},
        "versions": toolchain(),
    }
    write_generated(Artefact(digest, generated, bundle, manifest), folder)


def compiled(front: FrontEnd, options: Options, digest: str) -> Compiled:
    """The generated source, what a pair costs, whether tiles start from complements, the CUDA
    kernels where the options want them, and the source for nearly coincident inputs on positions.
    """
    if on_positions(front.module):
        return _compiled_slices(front, options, digest)
    schedules = middle(front.module, options.dtype, Watch(), collapse=options.collapse)
    program = schedules[options.dtype]
    cost: dict[str, dict[str, int]] = {}
    for roots, tile in program.tiles.items():
        work, moved = tile_work(tile), tile_traffic(tile).total * itemsize(options.dtype)
        cost[roots] = {"flops": work.flops, "bytes": moved, **asdict(work)}
        debug.tell(3, f"a pair of {roots}: {work.flops} flops ({work}), {moved} bytes")
    generated = emitted(front, schedules, options.dtype, f"_{digest}")
    debug.dump(4, "kernel.py", generated)
    device = None
    if options.backend == "cuda":
        device = emitted_tiles(front, schedules, options.dtype, f"_{digest}")
        debug.dump(4, "device.py", device)
    return generated, cost, program.complement, device, None


def _compiled_slices(front: FrontEnd, options: Options, digest: str) -> Compiled:
    from ntkc.explain.slices import schedule_work

    program = middle_on_positions(front.module, options.dtype, Watch(), vectors=options.vectors)
    cost: dict[str, dict[str, int]] = {}
    for roots, schedule in program.tiles.items():
        work = schedule_work(schedule)
        cost[roots] = {"flops": work.flops, "bytes": 0, **asdict(work)}
        debug.tell(3, f"a pair of {roots}: {work.flops} flops, {schedule.entries} entries")
    cost["ntk"] = cost["nngp+ntk"]  # one function serves both
    generated = emitted_slices(front, program, f"_{digest}")
    debug.dump(4, "kernel.py", generated)
    device = near = None
    if options.backend == "cuda":
        from ntkc.artefact.device_target import device_target

        device = emitted_kernels(front, program, device_target(), f"_{digest}")
        debug.dump(4, "device.py", device)
    distant = middle_for_near_images(front.module, vectors=options.vectors)
    if distant is not None:
        near = emitted_slices(front, distant, f"_{digest}_near")
        debug.dump(4, "near.py", near)
    return generated, cost, False, device, near


class Watch:
    """Tells about every pass, at the levels of `NTKC_DEBUG` that ask for it."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, name: str, module: Module) -> None:
        """Called after the pass `name`, with what it made."""
        if debug.level() >= 2:
            text = format_module(module)
            debug.tell(2, f"after {name}: {text.count(' = ')} values")
            debug.dump(4, f"{self._count:02}-{name}.ir", text)
        self._count += 1
