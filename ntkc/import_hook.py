"""`import model` for a `model.ntk` beside the code.

    import ntkc
    ntkc.install_import_hook()
    from model import kernel

The module has one kernel for each network, under the network's name, and `kernel` where the file
has just one. The program is checked when it is imported; a kernel is compiled at its first use.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ntkc.api import PathLike, make_options

if TYPE_CHECKING:
    from ntkc.driver import Options

SUFFIX = ".ntk"


def install_import_hook(*, dtype: str = "float64", allow: Iterable[PathLike] = ()) -> None:
    """Let `import` find programs on `sys.path`, after everything that it found without.

    Installed again, it has the new options. A program's imports stay inside its own folder, and
    the files and folders in `allow`.
    """
    finder = _Finder(make_options(dtype=dtype, allow=allow))
    uninstall_import_hook()
    sys.meta_path.append(finder)


def uninstall_import_hook() -> None:
    """Take the import hook away; what was imported stays. Without a hook, do nothing."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]


class _Finder(MetaPathFinder):
    def __init__(self, options: Options) -> None:
        self._options = options

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The program of that name in the folders of `path`, or of `sys.path`."""
        name = fullname.rpartition(".")[2] + SUFFIX
        for folder in sys.path if path is None else path:
            file = Path(folder or ".") / name
            if file.is_file():
                loader = _Loader(file.absolute(), self._options)
                return spec_from_file_location(fullname, file.absolute(), loader=loader)
        return None


class _Loader(Loader):
    def __init__(self, file: Path, options: Options) -> None:
        self._file = file
        self._options = options

    def exec_module(self, module: ModuleType) -> None:
        """Check the program and give the module its kernels. Raises `ProgramError`."""
        from ntkc.artefact.location import keep_tables
        from ntkc.diagnostics import Diagnostics
        from ntkc.driver import networks, parsed

        keep_tables()
        diagnostics = Diagnostics()
        program = parsed(self._file, self._options, diagnostics)
        diagnostics.raise_errors()
        assert program is not None
        names = networks(program)
        compilers = _Kernels(self._file, self._options, names)
        compilers.check()
        for old in getattr(module, "__all__", ()):  # of what the file was before a reload
            vars(module).pop(old, None)
        vars(module).update(
            __all__=compilers.names,
            __doc__=f"The kernels of {self._file.name}: {', '.join(names)}.",
            __getattr__=compilers.attribute_of(module),
            __dir__=lambda: sorted({*vars(module), *compilers.names}),
        )

    def get_source(self, fullname: str) -> str:
        """The program's text, for tracebacks and tools."""
        return self._file.read_text(encoding="utf-8")


class _Kernels:
    """The kernels of a file, compiled when they are asked for."""

    def __init__(self, file: Path, options: Options, networks: list[str]) -> None:
        self._file = file
        self._options = options
        self._networks = {name: name for name in networks}
        if len(networks) == 1:
            self._networks["kernel"] = networks[0]

    @property
    def names(self) -> list[str]:
        """The attributes that the module has."""
        return list(self._networks)

    def check(self) -> None:
        """Raise `ProgramError` where a network cannot be compiled."""
        from ntkc.diagnostics import Kind, ProgramError
        from ntkc.driver import check

        found = check(self._file, self._options)
        if any(diagnostic.kind is not Kind.WARNING for diagnostic in found):
            raise ProgramError(tuple(found))

    def attribute_of(self, module: ModuleType) -> Any:
        """The module's `__getattr__`."""

        def attribute(name: str) -> Any:
            network = self._networks.get(name)
            if network is None:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            known = vars(module).get(network)
            kernel = self._compile(network) if known is None else known
            vars(module).update({network: kernel, name: kernel})
            return kernel

        return attribute

    def _compile(self, network: str) -> Any:
        from dataclasses import replace

        from ntkc.artefact.compiled import compile_program

        return compile_program(self._file, replace(self._options, network=network))
