"""The errors of fitted models, each also an instance of the built-in class that fits it."""

from __future__ import annotations


class FittedError(Exception):
    """Base class of every error that fitted models raise on purpose."""


class DataError(FittedError, ValueError):
    """Data that cannot be used: the message names the column, the row, or the argument."""


class ModelError(FittedError, ValueError):
    """A model folder that is damaged, was changed, or cannot be what is asked of it."""
