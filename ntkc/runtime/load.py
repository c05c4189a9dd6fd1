"""From a generated module to a `Program`, refusing what this runtime cannot run."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import LoadError
from .generated import GENERATED, import_generated
from .program import ABI, SLICES_ABI, Diagonals, Program
from .slice_program import Sliced, SliceProgram

NEAR_FILE = "near.py"
"""What the module for nearly coincident inputs is called, beside that of a network on positions."""

_ATTRIBUTES = {
    "NAME": "name",
    "DTYPE": "dtype",
    "INPUT_KIND": "input_kind",
    "INPUT_SIZES": "input_sizes",
    "NORMALIZED": "normalized",
    "PARAMETERS": "parameters",
    "COMPLEMENT": "complement",
    "WIDTH": "width",
    "SLOTS": "slots",
    "constants": "constants",
    "diagonals": "diagonals",
    "TILES": "tiles",
}


_SLICE_ATTRIBUTES = {
    "NAME": "name",
    "DTYPE": "dtype",
    "INPUT_KIND": "input_kind",
    "INPUT_SIZES": "input_sizes",
    "NORMALIZED": "normalized",
    "PARAMETERS": "parameters",
    "LANES": "lanes",
    "SPACE": "space",
    "OWNED": "owned",
    "REPEATED": "repeated",
    "DIFFERENCES": "differences",
    "ROOTS": "roots",
    "constants": "constants",
    "diagonals": "diagonals",
    "OWN": "own",
    "TILES": "tiles",
}


def load_program(module: ModuleType) -> Program | SliceProgram:
    """The program that a generated module holds.

    Raises `LoadError` where the module is of another ABI, or lacks a part of a program.
    """
    found = getattr(module, "ABI", None)
    if found is None:
        raise LoadError(f"module {module.__name__!r} is not a compiled kernel: it states no ABI")
    sliced = hasattr(module, "LANES")
    wanted = SLICES_ABI if sliced else ABI
    if found != wanted:
        raise LoadError(
            f"module {module.__name__!r} was compiled for ABI {found}, and this runtime is of "
            f"ABI {wanted}: compile the kernel again with this version of ntkc"
        )
    attributes = _SLICE_ATTRIBUTES if sliced else _ATTRIBUTES
    missing = [attribute for attribute in attributes if not hasattr(module, attribute)]
    if missing:
        raise LoadError(f"module {module.__name__!r} lacks {', '.join(missing)}")
    parts: dict[str, Any] = {
        field: getattr(module, attribute) for attribute, field in attributes.items()
    }
    if sliced:
        return _slice_program(parts, _near_program(module))
    parts["opposites"] = bool(getattr(module, "OPPOSITES", False))
    parts["entries"] = dict(getattr(module, "ENTRIES", {}))
    parts["input_sizes"] = tuple(parts["input_sizes"])
    parts["parameters"] = dict(parts["parameters"])
    parts["diagonals"] = _named(parts["diagonals"])
    program = Program(**parts)
    _check(program)
    return program


def _near_program(module: ModuleType) -> Callable[[], SliceProgram] | None:
    """What loads the program for nearly coincident inputs, where one lies beside the module."""
    place = getattr(module, "__file__", None)
    if place is None:
        return None
    path = Path(place).with_name(NEAR_FILE)
    if path.name == Path(place).name or not path.is_file():
        return None
    digest = module.__name__.removeprefix(GENERATED)

    def load_near() -> SliceProgram:
        program = load_program(import_generated(path, f"{digest}_near"))
        assert isinstance(program, SliceProgram)
        return program

    return load_near


def _slice_program(parts: dict[str, Any], near: Callable[[], SliceProgram] | None) -> SliceProgram:
    """A program of a network on positions."""
    parts["near"] = near
    rank = len(parts["space"]) if parts["repeated"] else 0
    parts["own"] = tuple(_sliced(entry, rank) for entry in parts["own"])
    parts["tiles"] = {name: _sliced(entry, rank) for name, entry in parts["tiles"].items()}
    return SliceProgram(**parts)


def _sliced(entry: tuple[Any, ...], rank: int) -> Sliced:
    run, table, numbers, columns, shared = entry
    places = _columns(columns, rank) if rank else None
    return Sliced(run, table, columns=places, shared=shared, **numbers)


def _columns(entries: list[tuple[int, tuple[int, ...]]], rank: int) -> NDArray[np.int64]:
    """The places of a table that make one with every axis of every entry twice."""
    found = [np.empty(0, np.int64)]
    for first, space in entries:
        cells = first + np.arange(prod(space)).reshape(space or (1,) * rank)
        found.append(np.tile(cells, (2,) * rank).ravel())
    return np.concatenate(found)


def _named(diagonals: Callable[..., tuple[Any, ...]]) -> Callable[..., Diagonals]:
    """Generated modules import nothing of ours, so they return a plain tuple."""
    return lambda mean_squares, constants: Diagonals(*diagonals(mean_squares, constants))


def _check(program: Program) -> None:
    """Raise `LoadError` for parts that contradict one another."""
    if program.dtype not in ("float32", "float64"):
        raise LoadError(f"kernel {program.name!r} is of dtype {program.dtype!r}")
    kinds = {program.dtype, "float64"} if program.complement else {program.dtype}
    for roots in {roots for roots, _ in program.tiles}:
        for kind in kinds:
            if (roots, kind) not in program.tiles:
                raise LoadError(f"kernel {program.name!r} has no tile function {roots!r} in {kind}")
