"""`CudaKernel`: a compiled program whose Gram matrices are computed on GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import on_device
from ..errors import ArgumentError, DeviceError, LoadError
from ..gradients import ValueAndGradient
from ..kernel import Kernel
from ..options import memory_budget
from ..outputs import brought, make_outputs
from ..program import DEVICE_ABI, Program
from ..slice_program import SliceProgram
from ..threads import Reporter
from .arrays import Fetched, adopt, fetch, from_dlpack
from .devices import Device, require, simulated
from .plan import STREAMS
from .quiet import quiet

_SHARE = 0.5  # of a device's free memory that a call takes unless it is told
_SIMULATED = 2**30


class CudaKernel(Kernel):
    """A kernel on one or several GPUs; called as any other.

    Inputs may lie on a GPU: CuPy and PyTorch arrays, and whatever else states
    `__cuda_array_interface__` or speaks DLPack, are read where they are. Where one does, the result
    stays on the GPU too, as a Numba device array: `cupy.asarray(k)` and `torch.as_tensor(k)` are
    views of it. `memory` bounds what a call takes on each device beyond such inputs and results, by
    default half of what is free. `threads` applies to work on single inputs, which the processor
    does, as it does gradients and `diag`.

    Raises `DeviceError` where there is no usable GPU.
    """

    def __init__(self, program: Program | SliceProgram, module: ModuleType) -> None:
        self._use(module)
        super().__init__(program)

    def _use(self, module: ModuleType) -> None:
        """Check the module of CUDA kernels, and that there is a device to run them."""
        found = getattr(module, "DEVICE_ABI", None)
        if found != DEVICE_ABI:
            raise LoadError(
                f"module {module.__name__!r} has CUDA kernels of ABI {found}, and this runtime is "
                f"of ABI {DEVICE_ABI}: compile the kernel again with this version of ntkc"
            )
        self._devices = require()
        self._module = module
        needed = max(map(_shared, getattr(module, "KERNELS", {}).values()), default=0)
        lacking = [device for device in self._devices if device.shared < needed]
        if lacking:
            raise DeviceError(
                f"module {module.__name__!r} was compiled for devices whose blocks have {needed} "
                f"bytes of shared memory, and {lacking[0]} offers {lacking[0].shared}: compile "
                "the kernel again on this machine"
            )

    @property
    def devices(self) -> tuple[str, ...]:
        """The GPUs that calls use, in words."""
        return tuple(map(str, self._devices))

    def value_and_gradient(
        self, x1: object, x2: object = None, *, cotangent: object = None, **arguments: Any
    ) -> ValueAndGradient:
        """The kernel and its derivatives, by the processor: see `Kernel.value_and_gradient`."""
        if on_device(cotangent):
            cotangent = fetch(cotangent, "cotangent")
        given = from_dlpack(cotangent)
        return super().value_and_gradient(x1, x2, cotangent=given, **arguments)

    def _budget(self, memory: object) -> int:
        """Bytes on each device; 0 leaves it to the device."""
        return 0 if memory is None else memory_budget(memory)

    def _inputs(self, x1: object, x2: object) -> list[NDArray[Any]]:
        """Checked batches; those from a device are the host's copies, and remember where."""
        named = {"x1": x1} if x2 is None else {"x1": x1, "x2": x2}
        fetched = {
            name: fetch(value, name) if on_device(value) else from_dlpack(value)
            for name, value in named.items()
        }
        found = super()._inputs(fetched["x1"], fetched.get("x2"))
        for k, (array, value) in enumerate(zip(found, fetched.values(), strict=True)):
            if isinstance(value, Fetched):
                copy = array.view(Fetched)
                copy.original = value.original
                found[k] = copy
        return found

    def _outputs(
        self,
        out: object,
        roots: tuple[str, ...],
        shape: tuple[int, int],
        inputs: list[NDArray[Any]],
    ) -> list[Any]:
        several = brought(out, roots)
        stays = out is None and any(_device_array(array) is not None for array in inputs)
        if not stays and not any(on_device(entry) for entry in several):
            return list(make_outputs(out, roots, shape, self.dtype, inputs))
        if out is not None and not all(map(on_device, several)):
            raise ArgumentError("out: expected all arrays on the GPU, or none")
        from numba import cuda

        if out is None:
            with cuda.gpus[self._devices[0].number]:
                return [cuda.device_array(shape, self.dtype) for _ in roots]
        if len(several) != len(roots):
            raise ArgumentError(
                f"out: expected {len(roots)} array(s), for {' and '.join(roots)}, "
                f"got {len(several)}"
            )
        arrays = [adopt(entry, "out") for entry in several]
        for array in arrays:
            if array.shape != shape:
                raise ArgumentError(f"out: expected shape {shape}, got {array.shape}")
            if array.dtype != self.dtype:
                raise ArgumentError(f"out: expected dtype {self.dtype}, got {array.dtype}")
        return arrays

    def _fill(
        self,
        roots: tuple[str, ...],
        constants: NDArray[np.float64],
        inputs: list[NDArray[Any]],
        outputs: list[NDArray[Any]],
        threads: int,
        budget: int,
        reporter: Reporter,
    ) -> None:
        """Compute every entry of the outputs."""
        program = self._program
        given = tuple(_device_array(array) for array in inputs)
        staged = all(isinstance(output, np.ndarray) for output in outputs)
        # What lies on a device is read and written by that device alone.
        local = not staged or any(array is not None for array in given)
        devices = self._devices[:1] if local else self._devices
        numbers = tuple(device.number for device in devices)
        streams = 1 if simulated() else STREAMS
        budget = budget or min(map(_free, devices))
        from . import slices, vectors
        from .placement import Placement

        place = Placement(given, outputs, numbers, streams, budget)
        call = self._module, roots, constants, inputs, place
        with quiet():
            if isinstance(program, SliceProgram):
                slices.fill(program, *call, reporter)
            else:
                vectors.fill(program, *call, threads, reporter)

    def _refine(
        self,
        roots: tuple[str, ...],
        values: Mapping[str, float],
        inputs: list[NDArray[Any]],
        outputs: list[NDArray[Any]],
        threads: int,
        budget: int,
    ) -> None:
        """By the processor's program, in the memory that a call of its own has by default."""
        from .near_images import refine

        if isinstance(self._program, SliceProgram):
            given = self._program, roots, values, inputs, outputs
            with quiet():
                refine(*given, self._devices[0].number, threads, memory_budget(None))


def _shared(entry: Mapping[str, Any]) -> int:
    """Bytes of shared memory that a block of some function's kernels asks for."""
    return max(int(numbers["shared"]) for _, numbers in entry["segments"])


def _device_array(array: NDArray[Any]) -> Any:
    return array.original if isinstance(array, Fetched) else None


def _free(device: Device) -> int:
    """What a call may take of a device's memory."""
    if simulated():
        return _SIMULATED
    from numba import cuda

    with cuda.gpus[device.number]:
        return int(_SHARE * cuda.current_context().get_memory_info().free)
