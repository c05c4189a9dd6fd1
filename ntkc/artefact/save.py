"""Write an artefact where the user wants it: a package that needs no ntkc."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

from ntkc.artefact.bundle import Bundle
from ntkc.artefact.folder import read, write
from ntkc.artefact.prepare import Compilation
from ntkc.artefact.renamed import renamed
from ntkc.syntax import ast

_TAKEN = sys.stdlib_module_names | {"llvmlite", "ntkc", "numba", "numpy", "scipy", "threadpoolctl"}
"""Modules that a package of their name would hide from the kernel itself."""


def save(compilation: Compilation, folder: Path, force: bool = False) -> Path:
    """Write the artefact, with its own runtime, as a package below `folder`; its path.

    What stands there under its name is replaced at once, or not at all. Raises
    `FileExistsError` where that is no artefact, unless `force` is true.
    """
    artefact = compilation.artefact
    name = package_name(artefact.bundle, artefact.manifest["network"])
    place = folder / name
    if not force and place.exists() and not _is_artefact(place):
        raise FileExistsError(f"{place} is there, and is not a compiled kernel")
    with renamed(place) as made:
        write(artefact, made, name, shipped=True)
    return place


def package_name(bundle: Bundle, network: str) -> str:
    """A module's name for a program: that of its file, and of the network if there are several.

    A text that came from no file is named after its network. Keywords, and names that other
    modules need, get an underscore.
    """
    program = bundle.load()
    several = sum(isinstance(s, ast.NetworkDef) for s in program.main.file.statements) > 1
    path = Path(bundle.main.name)
    parts = [path.stem] if path.suffix == ".ntk" else []
    if several or not parts:
        parts.append(network)
    name = re.sub(r"\W", "_", "_".join(parts))
    if name[:1].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else name


def _is_artefact(place: Path) -> bool:
    if place.is_dir() and not any(place.iterdir()):
        return True
    try:
        manifest, _ = read(place)
    except (OSError, ValueError):
        return False
    own = {"__init__.py", "kernel.py", "device.py", "near.py", "parallel.py", "manifest.json"}
    own |= {"_runtime", "__pycache__"}
    own |= {Path(file).parts[0] for file in manifest["program"]}
    return all(entry.name in own for entry in place.iterdir())
