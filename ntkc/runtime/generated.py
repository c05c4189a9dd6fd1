"""Import a generated module from its file, under a name that follows from its contents."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from . import vectors as _vectors  # noqa: F401 (generated modules import it by its own name)
from .caching import keep_compiled
from .errors import LoadError

GENERATED = "_ntkc_kernel_"
"""What names of generated modules begin with; a digest follows."""


class _Import:
    """Lets one thread at a time import."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new lock: a forked child has none of the threads that may have held the old one."""
        self.lock = threading.RLock()


_import = _Import()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_import.reset)


def import_generated(path: Path, digest: str) -> ModuleType:
    """The module of a generated file; files of one digest are one module in a process.

    The name has nothing to do with where the file lies, so machine code that was kept with
    the file is found again wherever the folder is moved. Raises `LoadError` for a file that
    cannot be imported.
    """
    name = f"{GENERATED}{digest}"
    with _import.lock:
        known = sys.modules.get(name)
        if known is not None:
            return known
        spec = spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise LoadError(f"{path} is not a Python file")
        module = module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[name]
            if isinstance(error, (OSError, SyntaxError, ImportError)):
                raise LoadError(f"cannot import {path}: {error}") from error
            raise
        for function in _compiled(module):
            keep_compiled(function)
        return module


def _compiled(module: ModuleType) -> Iterator[Callable[..., object]]:
    """The functions of a module that the runtime calls; those on positions are listed with more.

    What they call is part of their machine code.
    """
    for entry in (*getattr(module, "TILES", {}).values(), *getattr(module, "OWN", ())):
        found = entry if isinstance(entry, tuple) else (entry,)
        yield from (part for part in (found[0], found[-1]) if hasattr(part, "py_func"))
