"""The state of a solve as one NPZ file: what an interrupted solve goes on from.

It holds numbers only (no pickle), is written beside its place and renamed, and carries what tells
whether it belongs to a problem: sizes, ridge, right-hand side, and a probe of the matrix.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..errors import InputError
from .conjugate_gradients import State
from .preconditioner import Preconditioner
from .stored import same_probe

FORMAT = 1
_STATE = (
    "solution", "residual", "direction", "rz", "steps", "ratios", "starts", "history",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """What a checkpoint belongs to: b (n, k), the ridge, and the matrix's probe."""

    right: Array
    ridge: float
    probe: Array
    epsilon: float


def save(path: Path, problem: Problem, preconditioner: Preconditioner, state: State) -> None:
    """Write a checkpoint, or leave the one that is there."""
    arrays: dict[str, Any] = {name: getattr(state, name) for name in _STATE}
    arrays |= {
        "format": np.array(FORMAT),
        "checked": np.array(state.checked),
        "multiplications": np.array(state.multiplications),
        "right": problem.right,
        "ridge": np.array(problem.ridge),
        "probe": problem.probe,
        "vectors": preconditioner.vectors,
        "values": preconditioner.values,
        "missed": np.array(preconditioner.missed),
    }
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with partial.open("wb") as stream:
            np.savez(stream, **arrays)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path, problem: Problem) -> tuple[Preconditioner, State]:
    """What was saved. Raises `InputError` for a damaged file, and for that of another problem."""
    arrays = _read(path)
    try:
        if int(arrays["format"]) != FORMAT:
            raise InputError(f"checkpoint {path} is of another format")
        _require_same(path, arrays, problem)
        state = State(
            **{name: np.asarray(arrays[name], np.float64) for name in _STATE},
            checked=float(arrays["checked"]),
            multiplications=int(arrays["multiplications"]),
        )
        preconditioner = Preconditioner(
            arrays["vectors"], arrays["values"], problem.ridge, float(arrays["missed"])
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"checkpoint {path} is damaged: {error}") from None
    _require_sound(path, problem, preconditioner, state)
    return preconditioner, state


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as stream:
            found = np.load(stream, allow_pickle=False)
            if isinstance(found, np.ndarray):
                raise InputError(f"checkpoint {path} is no .npz file")
            return {name: found[name] for name in found.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"checkpoint {path} is damaged: {error}") from None


def _require_same(path: Path, arrays: dict[str, NDArray[Any]], problem: Problem) -> None:
    what = None
    if arrays["right"].shape != problem.right.shape:
        shapes = f"{arrays['right'].shape}, and not {problem.right.shape}"
        what = f"targets of the shape {shapes}"
    elif not np.array_equal(arrays["right"], problem.right):
        what = "other targets"
    elif float(arrays["ridge"]) != problem.ridge:
        what = f"the ridge {float(arrays['ridge']):.6g}, and not {problem.ridge:.6g}"
    elif not same_probe(arrays["probe"], problem.probe, problem.epsilon):
        what = "another kernel matrix"
    if what is not None:
        raise InputError(f"checkpoint {path} is of another problem: it has {what}")


def _require_sound(
    path: Path, problem: Problem, preconditioner: Preconditioner, state: State
) -> None:
    n, k = problem.right.shape
    count = len(state.steps)
    shapes = {
        "solution": (n, k), "residual": (n, k), "direction": (n, k), "rz": (k,),
        "steps": (count, k), "ratios": (count, k), "history": (count + 1,),
    }  # fmt: skip
    for name, shape in shapes.items():
        if getattr(state, name).shape != shape:
            raise InputError(f"checkpoint {path} is damaged: {name} is not of the shape {shape}")
    if preconditioner.vectors.shape != (n, preconditioner.rank):
        raise InputError(f"checkpoint {path} is damaged: vectors and values do not fit")
    for name in ("solution", "residual", "direction", "rz"):
        if not np.isfinite(getattr(state, name)).all():
            raise InputError(f"checkpoint {path} is damaged: {name} is not finite")
