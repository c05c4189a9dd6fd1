"""The activations of the language: one file each, named as in a program.

A file defines one subclass of `Activation`. There is no registration: the folder is the
list (`base` and names with an underscore apart).
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from importlib.resources import files

from ntkc.activations.base import Activation, ArgumentError, Bound

__all__ = ["Activation", "ArgumentError", "Bound", "load", "names"]


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    found = (entry.name for entry in files(__name__).iterdir())
    stems = (name.removesuffix(".py") for name in found if name.endswith(".py"))
    return tuple(sorted(stem for stem in stems if stem != "base" and stem[0] != "_"))


def names() -> list[str]:
    """Every activation, in alphabetical order."""
    return list(_names())


@lru_cache(maxsize=64)
def load(name: str) -> Activation:
    """The activation of that name. Raises `KeyError` where there is none."""
    if name not in _names():
        raise KeyError(f"no activation is called {name!r}")
    module = importlib.import_module(f"{__name__}.{name}")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Activation)
        and value.__module__ == module.__name__
    )
    return found(name)
