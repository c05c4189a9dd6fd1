"""A kernel on GPUs with the program that it was compiled from."""

from __future__ import annotations

from ntkc.artefact.compiled import CompiledKernel
from ntkc.artefact.folder import DEVICE
from ntkc.artefact.prepare import Compilation
from ntkc.runtime import Program
from ntkc.runtime.cuda.kernel import CudaKernel
from ntkc.runtime.generated import import_generated
from ntkc.runtime.slice_program import SliceProgram


class CompiledCudaKernel(CompiledKernel, CudaKernel):
    """A `CompiledKernel` whose Gram matrices are computed on GPUs.

    Raises `DeviceError` where there is no usable GPU.
    """

    def __init__(self, program: Program | SliceProgram, compilation: Compilation) -> None:
        digest = compilation.artefact.digest
        self._use(import_generated(compilation.path / DEVICE, f"{digest}_device"))
        CompiledKernel.__init__(self, program, compilation)

    @property
    def generated(self) -> str:
        """The CUDA source that was generated."""
        return str(self._compilation.artefact.device)
