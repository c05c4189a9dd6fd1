"""The layers of the language: one file each, the file's name is the word."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from ntkc.layers.base.layer import Layer


@cache
def names() -> tuple[str, ...]:
    """The words that are layers, in alphabetical order.

    >>> "dense" in names()
    True
    """
    found = pkgutil.iter_modules(__path__)
    return tuple(sorted(module.name for module in found if not module.ispkg))


@cache
def load(name: str) -> type[Layer]:
    """The layer's class. Raises `KeyError` for a word that is no layer.

    >>> load("dense").__name__
    'Dense'
    """
    if name not in names():
        raise KeyError(name)
    module = import_module(f"{__name__}.{name}")
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Layer)
            and value.__module__ == module.__name__
        ):
            return value
    raise KeyError(name)
