"""`ntkc.fit`: from a program and data to a model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ntkc.artefact.compiled import CompiledKernel
from ntkc.artefact.open_kernel import OpenKernel
from ntkc.predict import OnSingular
from ntkc.runtime.options import parameter_values

from .bound import BoundKernel
from .errors import DataError
from .inputs import (
    Array,
    Standardiser,
    as_numbers,
    column_names,
    names_of,
    standardiser,
)
from .model import FittedModel, prepared
from .solve import SolveOptions, Solver, solve
from .targets import Coding, as_targets, choose_task, make_coding, remarks


def fit(
    program: str | os.PathLike[str] | CompiledKernel,
    x: object,
    y: object,
    *,
    task: Literal["auto", "regression", "classification"] = "auto",
    get: Literal["ntk", "nngp"] = "ntk",
    ridge: float | Literal["auto"] = "auto",
    standardize: bool | Literal["auto"] = "auto",
    params: Mapping[str, float] | None = None,
    solver: Solver = "auto",
    on_singular: OnSingular = "raise",
    residual: float = 1e-6,
    max_iterations: int = 1000,
    tiles: str | os.PathLike[str] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    feature_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    threads: int | None = None,
    memory: int | str | None = None,
    progress: Callable[[int, int], object] | None = None,
    on_iteration: Callable[[int, float], object] | None = None,
) -> FittedModel:
    """Fit kernel ridge regression, or classification by it, with a network's kernel.

    `program` is a `.ntk` path or a compiled kernel, `params` its parameters. `x` (n, …) holds one
    input a row: flat, or in the shape that the network declares. A data frame's columns are the
    `feature_names`, unless those are given; by them predictions find their columns. `y` (n,) or
    (n, outputs): numbers, or labels (n,); `task="auto"` takes texts and booleans as labels, numbers
    as quantities. Inputs of a `vector` are standardised column by column unless `standardize` says
    otherwise; targets of a regression always are, and predictions come in their units.

    `ridge` is a multiple of the mean of the kernel's diagonal; "auto" takes the one with the least
    leave-one-out error. `solver="direct"` factorises the Gram matrix (`on_singular` as in
    `ntkc.predict`); "iterative" uses conjugate gradients down to the relative `residual`, with the
    matrix recomputed at each step, or kept in the folder `tiles`, and goes on from the file
    `checkpoint`. "auto" is direct up to 8000 rows.

    Raises `DataError` for data that cannot be used, `ProgramError` for the program's mistakes,
    `KernelError`, and the errors of `ntkc.predict` where the matrix cannot be solved with.
    """
    found = pose(
        program,
        x,
        y,
        task=task,
        get=get,
        standardize=standardize,
        params=params,
        target_names=target_names,
        threads=threads,
        memory=memory,
    )
    options = SolveOptions(
        ridge,
        solver,
        on_singular,
        residual,
        max_iterations,
        None if tiles is None else Path(tiles),
        None if checkpoint is None else Path(checkpoint),
        progress,
        on_iteration,
    )
    weights = solve(found.bound, found.inputs, found.encoded, options)
    what, error = found.coding.score(found.targets, found.coding.decode(weights.train))
    return FittedModel(
        found.bound,
        found.inputs,
        weights.dual,
        weights.ridge,
        found.coding,
        found.standardiser,
        names_of(column_names(x) if feature_names is None else feature_names, found.features),
        found.features,
        {
            "report": {**weights.report, f"training {what}": error},
            "remarks": remarks(found.targets, found.coding, task),
        },
    )


@dataclass(frozen=True)
class Problem:
    """Data as a kernel regression sees them.

    `inputs` (n, …): standardised, in the network's shape; `targets` as they were given; `encoded`
    (n, outputs); `features`: how many numbers a row of x has.
    """

    bound: BoundKernel
    inputs: NDArray[Any]
    targets: NDArray[Any]
    coding: Coding
    standardiser: Standardiser | None
    features: int

    @property
    def encoded(self) -> Array:
        """The targets (n, outputs) that are fitted."""
        return self.coding.encode(self.targets)

    def prepare(self, x: object) -> NDArray[Any]:
        """More inputs (m, …) as `inputs` are. Raises `DataError` where they do not fit."""
        return prepared(x, self.bound.kernel, self.standardiser, self.features)


def pose(
    program: str | os.PathLike[str] | CompiledKernel,
    x: object,
    y: object,
    *,
    task: Literal["auto", "regression", "classification"] = "auto",
    get: Literal["ntk", "nngp"] = "ntk",
    standardize: bool | Literal["auto"] = "auto",
    params: Mapping[str, float] | None = None,
    target_names: Sequence[str] | None = None,
    threads: int | None = None,
    memory: int | str | None = None,
) -> Problem:
    """Check data and bring them into the kernel's form; arguments and errors are those of `fit`."""
    kernel = _kernel(program)
    array = as_numbers(x)
    if len(array) == 0:
        raise DataError("x has no rows to fit to")
    if isinstance(kernel, OpenKernel):
        kernel = kernel.fitting(array.shape[1:])
    targets = as_targets(y, len(array))
    if get not in ("ntk", "nngp"):
        raise DataError(f"get must be 'ntk' or 'nngp', and is {get!r}")
    coding = make_coding(targets, choose_task(targets, task), target_names)
    values = parameter_values(kernel.name, kernel.parameters, params or {})
    scaling = _scaling(kernel, array, standardize)
    width = int(np.prod(array.shape[1:]))
    inputs = prepared(array, kernel, scaling, width)
    inputs = np.array(inputs, order="C")  # a copy: the caller may go on to change x
    bound = BoundKernel(kernel, get, values, threads, memory)
    return Problem(bound, inputs, targets, coding, scaling, width)


def _kernel(program: str | os.PathLike[str] | CompiledKernel) -> CompiledKernel:
    if isinstance(program, CompiledKernel):
        return program
    if isinstance(program, str) and "{" in program:
        raise TypeError(
            "program: expected a path or a compiled kernel, got the text of a program; pass "
            "ntkc.compile(source=...)"
        )
    from ntkc.api import compile

    return compile(program)


def _scaling(
    kernel: CompiledKernel, x: NDArray[Any], asked: bool | Literal["auto"]
) -> Standardiser | None:
    """How inputs are standardised, or None; images and sequences share one scale as they are."""
    if asked == "auto":
        asked = kernel.program.input_kind == "vector"
    if not isinstance(asked, bool | np.bool_):
        raise DataError(f"standardize must be True, False or 'auto', and is {asked!r}")
    return standardiser(x) if asked else None
