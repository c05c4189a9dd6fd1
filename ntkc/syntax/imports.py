"""A program from its files: the main one, and all that it imports, each parsed once.

An import is data from somewhere: it may name any path, so what it reaches is checked here.
It stays inside the project folder (symbolic links followed) unless the caller allows more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ntkc.diagnostics import Diagnostics, Label, Source
from ntkc.syntax import ast
from ntkc.syntax.files import read_source
from ntkc.syntax.limits import MAX_FILES, MAX_PROGRAM_BYTES
from ntkc.syntax.parser import parse

__all__ = ["LoadedFile", "Program", "load", "read_source"]


@dataclass(frozen=True, eq=False)
class LoadedFile:
    """One file of a program; `path` is None for a text that came from no file.

    `imports` holds the target of every import statement, in the order of the statements.
    Two are equal if they are one: comparing by content would walk shared imports again and again.
    """

    path: Path | None
    source: Source
    file: ast.File
    imports: tuple[LoadedFile, ...] = ()


@dataclass(frozen=True)
class Program:
    """A main file and what it imports, every file after the files that it imports itself."""

    main: LoadedFile
    imported: tuple[LoadedFile, ...]

    @property
    def files(self) -> tuple[LoadedFile, ...]:
        """All files, the main one last."""
        return (*self.imported, self.main)


def load(
    program: Path | str | Source,
    diagnostics: Diagnostics,
    root: Path | None = None,
    allow: tuple[Path, ...] = (),
) -> Program | None:
    """Load a program from a path, or from a source that is already in memory.

    `root` is the project folder: by default that of the main file. A source in memory imports
    relative to `root`, and without one imports nothing. Imports may also reach the files and
    folders in `allow`. The result is None if anything was reported.
    """
    allowed = tuple(path.resolve() for path in allow)
    if isinstance(program, Source):
        folder = None if root is None else root.resolve()
        return _Loader(diagnostics, folder, allowed).program(None, folder, program)
    path = Path(program)
    source = read_source(path, diagnostics)
    if source is None:
        return None
    main = path.resolve()
    folder = (path.parent if root is None else root).resolve()
    return _Loader(diagnostics, folder, allowed).program(main, main.parent, source)


class _Loader:
    def __init__(
        self, diagnostics: Diagnostics, root: Path | None, allowed: tuple[Path, ...]
    ) -> None:
        self._diagnostics = diagnostics
        self._root = root
        self._allowed = allowed
        self._loaded: dict[Path, LoadedFile] = {}  # in dependency order
        self._failed: set[Path] = set()
        self._open: list[Path | None] = []  # the files whose imports are being loaded
        self._chain: list[ast.Import] = []  # the imports that led from each to the next
        self._files = 0
        self._bytes = 0

    def program(self, path: Path | None, folder: Path | None, source: Source) -> Program | None:
        main = self._load(path, folder, source)
        return None if main is None else Program(main, tuple(self._loaded.values()))

    def _load(self, path: Path | None, folder: Path | None, source: Source) -> LoadedFile | None:
        """A file with all its imports; None if anything in them was reported."""
        self._files += 1
        self._bytes += len(source.text)
        file = parse(source, self._diagnostics)
        if file is None:
            return None
        self._open.append(path)
        wanted = [statement for statement in file.statements if isinstance(statement, ast.Import)]
        found = [self._import(statement, folder) for statement in wanted]
        self._open.pop()
        imports = tuple(target for target in found if target is not None)
        return LoadedFile(path, source, file, imports) if len(imports) == len(found) else None

    def _import(self, statement: ast.Import, folder: Path | None) -> LoadedFile | None:
        if folder is None:
            hint = "give the program as a file, or say which folder it belongs to"
            self._error("E0212", "a program without a folder cannot import", statement, hint)
            return None
        path = self._resolve(statement, folder)
        if path is None or path in self._failed:
            return None
        if path in self._loaded:
            return self._loaded[path]
        if path in self._open:
            self._report_cycle(statement, path)
            return None
        loaded = self._read(statement, path)
        if loaded is None:
            self._failed.add(path)
        else:
            self._loaded[path] = loaded
        return loaded

    def _resolve(self, statement: ast.Import, folder: Path) -> Path | None:
        """The file that an import names, if it may be read at all."""
        if not statement.path.endswith(".ntk"):
            self._error("E0211", "only `.ntk` files can be imported", statement)
            return None
        if Path(statement.path).is_absolute():
            hint = "write the path as seen from this file's folder"
            self._error("E0208", "an import's path cannot be absolute", statement, hint)
            return None
        try:
            path = (folder / statement.path).resolve()
        except (OSError, RuntimeError, ValueError):  # a loop of symbolic links
            self._error("E0207", f"cannot read `{statement.path}`", statement)
            return None
        places = self._allowed if self._root is None else (self._root, *self._allowed)
        if not any(path.is_relative_to(place) for place in places):
            message = f"`{statement.path}` lies outside of the project folder"
            hint = "move the file into the project, or allow its folder when compiling"
            self._error("E0208", message, statement, hint)
            return None
        return path

    def _read(self, statement: ast.Import, path: Path) -> LoadedFile | None:
        if self._files >= MAX_FILES:
            self._error("E0210", f"the program has more than {MAX_FILES} files", statement)
            return None
        inside = self._root is not None and path.is_relative_to(self._root)
        name = str(path.relative_to(self._root)) if inside and self._root else str(path)
        asked = (Label(statement.span, "imported here"), *self._led_here())
        source = read_source(path, self._diagnostics, name, asked)
        if source is None:
            return None
        if self._bytes + len(source.text) > MAX_PROGRAM_BYTES:
            message = f"the program's files hold more than {MAX_PROGRAM_BYTES} bytes together"
            self._error("E0210", message, statement)
            return None
        self._chain.append(statement)
        loaded = self._load(path, path.parent, source)
        self._chain.pop()
        return loaded

    def _report_cycle(self, statement: ast.Import, path: Path) -> None:
        links = self._chain[self._open.index(path) :]
        chain = tuple(Label(link.span, "which is imported here") for link in reversed(links))
        message = f"`{statement.path}` imports itself"
        if chain:
            message = f"`{statement.path}` is imported by a file that it imports"
        label = "this closes a cycle"
        hint = "move what both files need into a third"
        self._diagnostics.error("E0209", message, statement.span, label, secondary=chain, help=hint)

    def _led_here(self) -> tuple[Label, ...]:
        return tuple(
            Label(link.span, "this file is imported here") for link in reversed(self._chain)
        )

    def _error(
        self, code: str, message: str, statement: ast.Import, help: str | tuple[str, ...] = ()
    ) -> None:
        led = self._led_here()
        self._diagnostics.error(code, message, statement.span, "", secondary=led, help=help)
