"""From a generated module to a `Program`, refusing what this runtime cannot run."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from .errors import LoadError
from .program import ABI, Diagonals, Program

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


def load_program(module: ModuleType) -> Program:
    """The program that a generated module holds.

    Raises `LoadError` where the module is of another ABI, or lacks a part of a program.
    """
    found = getattr(module, "ABI", None)
    if found is None:
        raise LoadError(f"module {module.__name__!r} is not a compiled kernel: it states no ABI")
    if found != ABI:
        raise LoadError(
            f"module {module.__name__!r} was compiled for ABI {found}, and this runtime is of "
            f"ABI {ABI}: compile the kernel again with this version of ntkc"
        )
    missing = [attribute for attribute in _ATTRIBUTES if not hasattr(module, attribute)]
    if missing:
        raise LoadError(f"module {module.__name__!r} lacks {', '.join(missing)}")
    parts: dict[str, Any] = {
        field: getattr(module, attribute) for attribute, field in _ATTRIBUTES.items()
    }
    parts["entries"] = dict(getattr(module, "ENTRIES", {}))
    parts["input_sizes"] = tuple(parts["input_sizes"])
    parts["parameters"] = dict(parts["parameters"])
    parts["diagonals"] = _named(parts["diagonals"])
    program = Program(**parts)
    _check(program)
    return program


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
