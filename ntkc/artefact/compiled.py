"""From a program to a `CompiledKernel`: through the compiler, or out of the cache."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ntkc import debug
from ntkc.artefact.bundle import Bundle
from ntkc.artefact.folder import KERNEL
from ntkc.artefact.prepare import Compilation, prepare_derivatives
from ntkc.artefact.save import save
from ntkc.diagnostics import Diagnostic, Source
from ntkc.driver import Derivatives, Options, front_end
from ntkc.runtime import Kernel, Program, load_program
from ntkc.runtime.generated import import_generated
from ntkc.runtime.slice_program import SliceProgram

if TYPE_CHECKING:
    from ntkc.artefact.image_gradients import ImageGradients
    from ntkc.runtime.gradients import Request


class CompiledKernel(Kernel):
    """A kernel with the program that it was compiled from.

    It pickles, and copies, as that program and its options: what is restored has been compiled
    again, or was found in the cache.
    """

    def __init__(self, program: Program | SliceProgram, compilation: Compilation) -> None:
        Kernel.__init__(self, program)  # a sibling may stand between: see `on_devices`
        self._compilation = compilation
        self._derived: dict[Derivatives, Kernel] = {}
        self._backward: ImageGradients | None = None
        self._lock = threading.Lock()

    @property
    def network(self) -> str:
        """The network's name."""
        return self.name

    @property
    def source(self) -> str:
        """The text of the program's main file."""
        return self._compilation.bundle.main.text

    @property
    def sources(self) -> Mapping[str, str]:
        """The texts of all files of the program by their names, the main one last."""
        files = self._compilation.bundle.files
        return MappingProxyType({file.name: file.text for file in files})

    @property
    def bundle(self) -> Bundle:
        """The program as a value: what the kernel can be compiled from again."""
        return self._compilation.bundle

    @property
    def options(self) -> Mapping[str, str]:
        """What the program was compiled for: `network`, `dtype` and `backend`."""
        options = self._compilation.options
        return MappingProxyType(
            {"network": self.name, "dtype": options.dtype, "backend": options.backend}
        )

    @property
    def tolerance(self) -> float:
        """The relative error that activations without closed form were certified to."""
        return self._compilation.options.certified

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the compiler accepted and remarked on."""
        return self._compilation.warnings

    @property
    def path(self) -> Path:
        """The artefact's folder in ntkc's cache; `save` makes one to keep."""
        return self._compilation.path

    @property
    def generated(self) -> str:
        """The Numba source that was generated."""
        return self._compilation.artefact.generated

    @property
    def manifest(self) -> dict[str, Any]:
        """What the artefact states of itself: versions, options, digest, parameters, cost."""
        return deepcopy(self._compilation.artefact.manifest)

    def explain(self) -> str:
        """The recursion layer by layer, the schedule and its cost, for a person to read."""
        from ntkc.explain import explain_model

        found = self._compilation
        options = found.options
        front = front_end(found.bundle.load(), options)
        return explain_model(front, dtype=options.dtype, collapse=options.collapse)

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write an importable package below `folder`, as `ntkc compile -o` does; its path.

        Raises `FileExistsError` where something else than an artefact stands there, unless
        `force` is true.
        """
        return save(self._compilation, Path(folder), force)

    def _differentiated(self, root: str, wrt: tuple[str, ...]) -> Kernel:
        """Compiled when it is first asked for, or found in the cache."""
        asked = Derivatives(root, wrt)
        with self._lock:
            if asked not in self._derived:
                self._derived[asked] = derived(self._compilation, asked)
            return self._derived[asked]

    def _pulled_back(
        self, request: Request, cotangent: NDArray[Any]
    ) -> dict[str, NDArray[np.float64]]:
        """By the recursion, which the program is read for once more."""
        from ntkc.artefact.image_gradients import ImageGradients

        with self._lock:
            if self._backward is None:
                found = self._compilation
                self._backward = ImageGradients(front_end(found.bundle.load(), found.options))
        return self._backward(request, cotangent)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (self._compilation.bundle, self._compilation.options)


def compile_program(
    origin: Path | Source | Bundle, options: Options, use_cache: bool = True
) -> CompiledKernel:
    """Compile a program, or find it in the cache, and load it. Raises `ProgramError`.

    Where the network's sizes are open, each call compiles for the sizes of its array.
    """
    from ntkc.artefact.open_kernel import compile_any

    return compile_any(origin, options, use_cache)


def load(made: Compilation) -> CompiledKernel:
    """The kernel of a compilation."""
    with debug.stage("load"):
        module = import_generated(made.path / KERNEL, made.artefact.digest)
        if made.artefact.device is None:
            return CompiledKernel(load_program(module), made)
        from ntkc.artefact.on_devices import CompiledCudaKernel

        return CompiledCudaKernel(load_program(module), made)


def derived(made: Compilation, derivatives: Derivatives) -> Kernel:
    """The kernel of a compilation with derivatives."""
    digest, path = prepare_derivatives(made, derivatives)
    with debug.stage("load"):
        return Kernel(load_program(import_generated(path / KERNEL, digest)))


def restore(bundle: Bundle, options: Options) -> CompiledKernel:
    """What unpickling calls."""
    return compile_program(bundle, options)
