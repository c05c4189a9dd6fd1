"""From a program to a `CompiledKernel`: through the compiler, or out of the cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ntkc import debug
from ntkc.artefact import cache
from ntkc.artefact.build import build
from ntkc.artefact.bundle import Bundle, bundle
from ntkc.artefact.digest import digest
from ntkc.artefact.folder import KERNEL, read_manifest
from ntkc.diagnostics import Diagnostic, Source
from ntkc.driver import Options, front_end
from ntkc.runtime import Kernel, Program, load_program
from ntkc.runtime.generated import import_generated


class CompiledKernel(Kernel):
    """A kernel with the program that it was compiled from.

    It pickles, and copies, as that program and its options: what is restored has been compiled
    again, or was found in the cache.
    """

    def __init__(
        self,
        program: Program,
        bundle: Bundle,
        options: Options,
        path: Path,
        warnings: tuple[Diagnostic, ...] = (),
    ) -> None:
        super().__init__(program)
        self._bundle = bundle
        self._options = options
        self._path = path
        self._warnings = warnings

    @property
    def network(self) -> str:
        """The network's name."""
        return self.name

    @property
    def source(self) -> str:
        """The text of the program's main file."""
        return self._bundle.main.text

    @property
    def sources(self) -> Mapping[str, str]:
        """The texts of all files of the program by their names, the main one last."""
        return MappingProxyType({file.name: file.text for file in self._bundle.files})

    @property
    def options(self) -> Mapping[str, str]:
        """What the program was compiled for: `network`, `dtype` and `backend`."""
        options = self._options
        return MappingProxyType(
            {"network": self.name, "dtype": options.dtype, "backend": options.backend}
        )

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the compiler accepted and remarked on."""
        return self._warnings

    @property
    def path(self) -> Path:
        """The artefact's folder; ntkc's cache may replace or remove it once this process ends."""
        return self._path

    @property
    def generated(self) -> str:
        """The Numba source that was generated."""
        return (self._path / KERNEL).read_text(encoding="utf-8")

    @property
    def manifest(self) -> dict[str, Any]:
        """What the artefact states of itself: versions, options, digest, parameters, cost."""
        return read_manifest(self._path)

    def explain(self) -> str:
        """The recursion layer by layer, the schedule and its cost, for a person to read."""
        from ntkc.explain import explain_model

        return explain_model(front_end(self._bundle.load(), self._options))

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write an importable package below `folder`, as `ntkc compile -o` does; its path.

        Raises `FileExistsError` where something else than an artefact stands there, unless
        `force` is true.
        """
        from ntkc.artefact.save import save

        return save(self._bundle, self._options, Path(folder), force)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (self._bundle, self._options)


def compile_program(
    origin: Path | Source | Bundle, options: Options, use_cache: bool = True
) -> CompiledKernel:
    """Compile a program, or find it in the cache. Raises `ProgramError`."""
    program = origin.load() if isinstance(origin, Bundle) else origin
    front = front_end(program, options)
    files = origin if isinstance(origin, Bundle) else bundle(front.program)
    settled = replace(options, network=front.network.name, root=None, allow=())
    key = digest(front, settled, files)
    keep = cache.entry if use_cache else cache.temporary
    path = keep(key, partial(build, front, files, settled, key))
    debug.tell(2, f"{key} is in {path}")
    with debug.stage("load"):
        loaded = load_program(import_generated(path / KERNEL, key))
    return CompiledKernel(loaded, files, settled, path, front.warnings)


def restore(bundle: Bundle, options: Options) -> CompiledKernel:
    """What unpickling calls."""
    return compile_program(bundle, options)
