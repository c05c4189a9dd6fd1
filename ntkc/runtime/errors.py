"""The errors a kernel raises, each also an instance of the built-in class that fits it.

The runtime is shipped with compiled artefacts, so it depends on nothing else of ntkc.
"""

from __future__ import annotations


class KernelError(Exception):
    """Base class of every error that the runtime raises on purpose."""


class ArrayError(KernelError, ValueError):
    """An array whose shape or values do not suit the kernel."""


class ArrayTypeError(KernelError, TypeError):
    """An argument that is no array of real numbers."""


class ArgumentError(KernelError, ValueError):
    """An option (`get`, `threads`, `memory`, `out`, a parameter) with an impossible value."""


class ArgumentTypeError(KernelError, TypeError):
    """An option of the wrong type, or of an unknown name."""


class MemoryBudgetError(KernelError, ValueError):
    """A memory budget in which the kernel cannot be evaluated."""


class LoadError(KernelError, ValueError):
    """A module that is no program, or a program of another ABI."""


class DeviceError(KernelError, RuntimeError):
    """A GPU that is not there, or that cannot run a kernel."""
