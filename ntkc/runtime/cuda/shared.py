"""Shared memory beyond 48 KiB, which a kernel has to be allowed before it is launched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .devices import simulated

WITHOUT_ASKING = 48 * 1024


def allow(kernel: Any, arguments: Sequence[Any], size: int) -> None:
    """Let a kernel, called with such arguments on the current device, ask for `size` bytes.

    Numba compiles it where it has not; what needs no allowance is left alone.
    """
    if size <= WITHOUT_ASKING or simulated():
        return
    import numba
    from cuda.bindings import driver as binding
    from numba.cuda.cudadrv import driver

    typeof: Callable[[Any], Any] = numba.typeof
    compiled = kernel.compile(tuple(map(typeof, arguments)))
    function = compiled._codelibrary.get_cufunc()
    attribute = binding.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    driver.driver.cuKernelSetAttribute(attribute, size, function.handle, function.device.id)
