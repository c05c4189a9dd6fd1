"""Runs compiled kernels: tiles, threads, memory, inputs and outputs. Knows no compiler."""

from .errors import (
    ArgumentError,
    ArgumentTypeError,
    ArrayError,
    ArrayTypeError,
    KernelError,
    LoadError,
    MemoryBudgetError,
)
from .gradients import ValueAndGradient
from .kernel import Kernel
from .load import load_program
from .outputs import Kernels
from .program import ABI, Diagonals, Program, TileFunction

__all__ = [
    "ABI",
    "ArgumentError",
    "ArgumentTypeError",
    "ArrayError",
    "ArrayTypeError",
    "Diagonals",
    "Kernel",
    "KernelError",
    "Kernels",
    "LoadError",
    "MemoryBudgetError",
    "Program",
    "TileFunction",
    "ValueAndGradient",
    "load_program",
]
