"""From an estimator's parameters to a compiled kernel and the values of its `param`s."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from numbers import Integral
from typing import Any, Protocol, TypeAlias

import ntkc
from ntkc.runtime import Kernel

Model: TypeAlias = "str | os.PathLike[str] | Kernel | None"

W_STD = 2**0.5
B_STD = 0.1
READY_MADE = ("depth", "activation", "w_std", "b_std")
"""The parameters that describe the ready-made network, and no other."""

_ACTIVATION = re.compile(r"[A-Za-z_]\w*\s*(\([^(){};#\n]*\))?")


class Described(Protocol):
    """What describes a kernel: an estimator, or a kernel of scikit-learn's."""

    model: Model
    network: str | None
    depth: int
    activation: str
    w_std: float
    b_std: float
    params: Mapping[str, float] | None
    dtype: str


def load(owner: Described) -> Kernel:
    """The kernel that `owner` describes, compiled or found in the cache.

    Raises `ProgramError` for what is wrong in a program, `OSError` for a file that cannot be read,
    `TypeError` and `ValueError` for parameters of the wrong kind or that contradict one another.
    """
    model = owner.model
    if model is None:
        if owner.network is not None:
            raise ValueError(f"network={owner.network!r} chooses one of a model's: give a model")
        text = ready_made(owner.depth, owner.activation)
        return ntkc.compile(source=text, dtype=owner.dtype)
    _refuse_ready_made(owner)
    if isinstance(model, Kernel):
        if owner.network is not None or owner.dtype not in ("float64", model.dtype.name):
            raise ValueError("network, dtype: a compiled kernel has its own; pass them to compile")
        return model
    if isinstance(model, str) and ("{" in model or "\n" in model):
        return ntkc.compile(source=model, network=owner.network, dtype=owner.dtype)
    if isinstance(model, (str, os.PathLike)):
        return ntkc.compile(model, network=owner.network, dtype=owner.dtype)
    raise TypeError(
        "model: expected the path of a .ntk file, the text of a program, a compiled kernel, or "
        f"None for the ready-made network, got {type(model).__name__}"
    )


def program_key(owner: Described) -> tuple[object, ...]:
    """What the kernel of `owner` depends on; values of `param`s are not among it."""
    model = owner.model
    made = (owner.depth, owner.activation) if model is None else ()
    known = id(model) if isinstance(model, Kernel) else model
    return (known, owner.network, owner.dtype, *made)


def values(owner: Described, kernel: Kernel) -> dict[str, Any]:
    """The value of each of the kernel's parameters. Raises `ValueError` for unknown names."""
    if owner.model is None:
        if owner.params is not None:
            raise ValueError("params: the ready-made network's are w_std and b_std themselves")
        return {"w_std": owner.w_std, "b_std": owner.b_std}
    given = dict(owner.params or {})
    unknown = [name for name in given if name not in kernel.parameters]
    if unknown:
        has = ", ".join(kernel.parameters) or "none"
        raise ValueError(f"params: network {kernel.name} has no param {unknown[0]!r}; it has {has}")
    return {**kernel.parameters, **given}


def ready_made(depth: int, activation: str) -> str:
    """The program of a fully connected network with `depth` hidden layers, for any input size."""
    if isinstance(depth, bool) or not isinstance(depth, Integral):
        raise TypeError(f"depth: expected a whole number, got {depth!r}")
    if depth < 1:
        raise ValueError(f"depth: expected at least one hidden layer, got {depth}")
    if not isinstance(activation, str):
        raise TypeError(f"activation: expected a name, such as 'relu', got {activation!r}")
    if not _ACTIVATION.fullmatch(activation.strip()):
        raise ValueError(
            "activation: expected a name, with arguments if need be, such as "
            f"'leaky_relu(slope = 0.1)', got {activation!r}"
        )
    return (
        f"param w_std = {W_STD!r}\n"
        f"param b_std = {B_STD!r}\n"
        "network ready_made {\n"
        "    input vector[?]\n"
        f"    {{ dense(w_std = w_std, b_std = b_std) -> {activation.strip()} }} * {int(depth)}\n"
        "    dense(w_std = w_std, b_std = b_std)\n"
        "}\n"
    )


def _refuse_ready_made(owner: Described) -> None:
    """Raise where a model is given and the ready-made network is described as well."""
    declared = inspect.signature(type(owner)).parameters
    for name in READY_MADE:
        value: Any = getattr(owner, name)
        if value != declared[name].default:
            hint = f"; use params={{{name!r}: {value!r}}}" if name in ("w_std", "b_std") else ""
            raise ValueError(
                f"{name}={value!r} describes the ready-made network, and model is given{hint}"
            )
