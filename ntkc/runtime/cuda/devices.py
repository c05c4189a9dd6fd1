"""Which GPUs there are and can run kernels, and in words what was looked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..errors import DeviceError

LEAST = (7, 5)
"""The least compute capability that code is made for: Turing, as CUDA 13 has it."""
_FILES = ("nvidia0", "nvidiactl", "dxg")
INSTALL = "pip install 'ntkc[cuda]'"


@dataclass(frozen=True)
class Device:
    """One GPU."""

    number: int
    name: str
    capability: tuple[int, int]
    memory: int
    """Bytes in all."""
    shared: int = 48 * 1024
    """Bytes of shared memory that a block may ask for."""
    shared_per_processor: int = 64 * 1024

    def __str__(self) -> str:
        major, minor = self.capability
        size = f"{self.memory / 2**30:.0f} GiB" if self.memory else "simulated"
        return f"{self.name} (compute capability {major}.{minor}, {size})"


@dataclass(frozen=True)
class Search:
    """The usable devices, and what was found on the way, a sentence a finding."""

    devices: tuple[Device, ...]
    findings: tuple[str, ...]


def device_files() -> bool:
    """Whether the operating system shows a GPU; costs no import."""
    return any(Path(f"/dev/{name}").exists() for name in _FILES)


def simulated() -> bool:
    """Whether Numba's simulator stands for a device (`NUMBA_ENABLE_CUDASIM=1`)."""
    from numba import config

    return bool(getattr(config, "ENABLE_CUDASIM", False))


@cache
def search() -> Search:
    """Look for devices that kernels can run on; nothing is raised."""
    findings = ["the system shows a GPU" if device_files() else "no GPU (no /dev/nvidia0)"]
    if simulated():
        one = Device(0, "Numba's simulator", (9, 0), 0, 227 * 1024, 228 * 1024)
        return Search((one,), ("NUMBA_ENABLE_CUDASIM is set: kernels are interpreted",))
    if find_spec("numba_cuda") is None:
        return Search((), (*findings, f"numba-cuda is not installed ({INSTALL})"))
    findings.append("numba-cuda is installed")
    try:
        from numba import cuda

        if not cuda.is_available():
            return Search((), (*findings, f"its driver cannot be used: {_reason()}"))
        found = [_described(number) for number in range(len(cuda.gpus))]
    except Exception as error:  # a driver may fail in ways of its own
        return Search((), (*findings, f"the driver fails: {type(error).__name__}: {error}"))
    fit = tuple(device for device in found if device.capability >= LEAST)
    least = ".".join(map(str, LEAST))
    findings += [
        str(d) + ("" if d in fit else f" is too old: capability {least} is needed") for d in found
    ]
    return Search(fit, tuple(findings))


def require() -> tuple[Device, ...]:
    """The usable devices. Raises `DeviceError`, saying what was looked for, where there is none."""
    found = search()
    if not found.devices:
        raise DeviceError(
            f"backend='cuda' (--target cuda): no usable GPU: {'; '.join(found.findings)}. "
            "`ntkc doctor` tells more; backend='cpu' (--target cpu) runs on the processor"
        )
    return found.devices


def _reason() -> str:
    """Why the driver is not to be had."""
    from numba import cuda

    try:
        cuda.detect()
        error = cuda.cuda_error()
    except Exception as raised:
        error = raised
    words = " ".join(str(error or "no device answers").split()).rstrip(" .:")
    return words if len(words) <= 160 else words[:157] + "..."


def _described(number: int) -> Device:
    from numba import cuda

    with cuda.gpus[number]:
        device = cuda.current_context().device
        name = device.name.decode() if isinstance(device.name, bytes) else str(device.name)
        memory = int(cuda.current_context().get_memory_info().total)
        return Device(
            number,
            name,
            tuple(device.compute_capability),
            memory,
            int(device.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
            int(device.MAX_SHARED_MEMORY_PER_MULTIPROCESSOR),
        )
