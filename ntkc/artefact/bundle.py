"""A program as a value: the texts of its files and which imports which, and no paths to read.

A kernel keeps its program this way, so that it can be pickled, sent to another machine and
compiled there, whatever files that machine has.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ntkc.diagnostics import Diagnostics, Source
from ntkc.syntax.imports import LoadedFile, Program

MAIN = "model.ntk"
"""Where an artefact keeps the main file."""


@dataclass(frozen=True)
class BundledFile:
    """One file: what messages call it, its text, and the numbers of the files it imports."""

    name: str
    text: str
    imports: tuple[int, ...] = ()
    place: str = MAIN
    """Where it lies in an artefact's folder."""


@dataclass(frozen=True)
class Bundle:
    """The files of a program, each after those that it imports; the main one is the last."""

    files: tuple[BundledFile, ...]

    @property
    def main(self) -> BundledFile:
        """The file that holds the networks."""
        return self.files[-1]

    def load(self) -> Program:
        """The program, parsed. Raises `ProgramError`."""
        from ntkc.syntax.parser import parse

        diagnostics = Diagnostics()
        loaded: list[LoadedFile] = []
        for entry in self.files:
            source = Source(entry.name, entry.text)
            file = parse(source, diagnostics)
            diagnostics.raise_errors()
            assert file is not None
            imports = tuple(loaded[number] for number in entry.imports)
            loaded.append(LoadedFile(None, source, file, imports))
        return Program(loaded[-1], tuple(loaded[:-1]))


def bundle(program: Program) -> Bundle:
    """The program's files as a bundle."""
    numbers = {file: number for number, file in enumerate(program.files)}
    places = _places(program)
    return Bundle(
        tuple(
            BundledFile(
                file.source.name,
                file.source.text,
                tuple(numbers[target] for target in file.imports),
                places[file],
            )
            for file in program.files
        )
    )


def _places(program: Program) -> dict[LoadedFile, str]:
    """A place for each file below the main one's folder: its own wherever that lies there.

    A place always ends in `.ntk`: whatever a program calls its imports, none of them can take
    the place of code.
    """
    folder = None if program.main.path is None else program.main.path.parent
    places = {program.main: MAIN}
    for number, file in enumerate(program.imported):
        place = _own_place(file.path, folder)
        if place is None or place in places.values():
            place = f"imported/{number}.ntk"
        places[file] = place
    return places


def _own_place(path: Path | None, folder: Path | None) -> str | None:
    if path is None or folder is None or not path.is_relative_to(folder):
        return None
    relative = PurePosixPath(*path.relative_to(folder).parts)
    return str(relative) if relative.suffix == ".ntk" else None
