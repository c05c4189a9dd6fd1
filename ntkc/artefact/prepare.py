"""A program compiled to a folder, in this process or an earlier one; nothing is loaded yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ntkc import debug
from ntkc.artefact import cache
from ntkc.artefact.bundle import Bundle, bundle
from ntkc.artefact.costly import costly
from ntkc.artefact.digest import digest
from ntkc.artefact.folder import KERNEL, Artefact, read, read_device, read_near
from ntkc.artefact.location import keep_tables
from ntkc.diagnostics import Diagnostic, Source
from ntkc.driver import Derivatives, FrontEnd, Options, front_end
from ntkc.network.derive import check_sizes


@dataclass(frozen=True)
class Compilation:
    """An artefact, where it lies, and what it was made from."""

    artefact: Artefact
    path: Path
    options: Options
    cached: bool
    """Whether what is compiled for it later may be kept in the user's cache."""
    warnings: tuple[Diagnostic, ...]

    @property
    def bundle(self) -> Bundle:
        """The program."""
        return self.artefact.bundle


def prepare(
    origin: Path | Source | Bundle, options: Options, use_cache: bool = True
) -> Compilation:
    """Compile a program, or find it in the cache. Raises `ProgramError`."""
    keep_tables()
    program = origin.load() if isinstance(origin, Bundle) else origin
    front = front_end(program, options)
    files = origin if isinstance(origin, Bundle) else bundle(front.program)
    return keep(front, files, options, use_cache)


def keep(front: FrontEnd, files: Bundle, options: Options, use_cache: bool = True) -> Compilation:
    """The artefact of a program understood: found, or built and kept."""
    check_sizes(front.network)
    settled = replace(options, network=front.network.name, root=None, allow=())
    key = digest(front, settled, files)
    place = cache.entry if use_cache else cache.temporary
    path = place(key, partial(_build, front, files, settled, key))
    debug.tell(2, f"{key} is in {path}")
    if debug.level() >= debug.HIGHEST:
        _dump_machine_code(path, key, settled.dtype)
    manifest, generated = read(path)
    device, near = read_device(path, manifest), read_near(path, manifest)
    artefact = Artefact(key, generated, files, manifest, device, near)
    warnings = (*front.warnings, *costly(front.network, manifest["cost"]))
    return Compilation(artefact, path, settled, use_cache, warnings)


def prepare_derivatives(made: Compilation, derivatives: Derivatives) -> tuple[str, Path]:
    """The digest and the folder of a compiled program's derivatives: found, or built and kept."""
    front = front_end(made.bundle.load(), made.options)
    key = digest(front, made.options, made.bundle, derivatives)
    place = cache.entry if made.cached else cache.temporary
    path = place(key, partial(_build_derivatives, front, made, derivatives, key))
    debug.tell(2, f"{key} is in {path}")
    return key, path


def _build_derivatives(
    front: FrontEnd, made: Compilation, derivatives: Derivatives, key: str, folder: Path
) -> None:
    from ntkc.artefact.build import build_derivatives

    build_derivatives(front, made.bundle, made.options, derivatives, key, folder)


def _build(front: FrontEnd, files: Bundle, options: Options, key: str, folder: Path) -> None:
    from ntkc.artefact.build import build  # the compiler's second half, and SymPy with it

    build(front, files, options, key, folder)


def _dump_machine_code(path: Path, key: str, dtype: str) -> None:
    """Write what Numba makes of the tile functions for the NTK."""
    from ntkc.artefact.machine_code import NoMachineCodeError, machine_code
    from ntkc.runtime.generated import import_generated

    tile = import_generated(path / KERNEL, key).TILES["ntk", dtype]
    for form, suffix in (("llvm", "ll"), ("asm", "s")):
        try:
            text = machine_code(tile, dtype, form)
        except NoMachineCodeError as error:
            debug.tell(1, str(error))
            return
        debug.dump(debug.HIGHEST, f"tile_ntk_{dtype}.{suffix}", text)
