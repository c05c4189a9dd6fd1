"""ntkc: a compiler for the kernels of infinitely wide neural networks.

import ntkc
kernel = ntkc.compile("model.ntk")
k = kernel(x1, x2)
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from ntkc.version import __version__ as __version__

if TYPE_CHECKING:
    from ntkc.api import check as check
    from ntkc.api import compile as compile
    from ntkc.api import explain as explain
    from ntkc.api import format as format
    from ntkc.artefact.cache import CacheWarning as CacheWarning
    from ntkc.artefact.compiled import CompiledKernel as CompiledKernel
    from ntkc.diagnostics import Diagnostic as Diagnostic
    from ntkc.diagnostics import NtkError as NtkError
    from ntkc.diagnostics import ProgramError as ProgramError
    from ntkc.fitted import DataError as DataError
    from ntkc.fitted import FittedModel as FittedModel
    from ntkc.fitted import ModelError as ModelError
    from ntkc.fitted import fit as fit
    from ntkc.fitted import load_model as load_model
    from ntkc.import_hook import install_import_hook as install_import_hook
    from ntkc.import_hook import uninstall_import_hook as uninstall_import_hook
    from ntkc.runtime.errors import KernelError as KernelError
    from ntkc.tuning import tune as tune

_HOMES = {
    "CacheWarning": "ntkc.artefact.cache",
    "CompiledKernel": "ntkc.artefact.compiled",
    "DataError": "ntkc.fitted",
    "Diagnostic": "ntkc.diagnostics",
    "FittedModel": "ntkc.fitted",
    "KernelError": "ntkc.runtime",
    "ModelError": "ntkc.fitted",
    "NtkError": "ntkc.diagnostics",
    "ProgramError": "ntkc.diagnostics",
    "check": "ntkc.api",
    "compile": "ntkc.api",
    "explain": "ntkc.api",
    "fit": "ntkc.fitted",
    "format": "ntkc.api",
    "install_import_hook": "ntkc.import_hook",
    "load_model": "ntkc.fitted",
    "tune": "ntkc.tuning",
    "uninstall_import_hook": "ntkc.import_hook",
}
"""Where each public name lives. It is imported at its first use: `import ntkc` alone costs
nothing, and a program's text is checked without NumPy's or Numba's help."""

__all__ = ["__version__", *_HOMES]


class _Package(ModuleType):
    """Keeps a public function where a subpackage has its name: importing that would replace it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
