"""`Kernel.value_and_gradient`: kernels with their derivatives by parameters and by inputs.

Derivatives come from programs of their own, made like the kernel's and with the same layout: one
tile function gives a kernel and the rates of it that were asked for, so whatever they share is
computed once. By inputs on positions there are none: there the recursion itself is run backward,
by what still has it (`Kernel._pulled_back`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import ArgumentError, ArgumentTypeError, ArrayError
from .options import ROOTS, did_you_mean, memory_budget, parameter_values, thread_count
from .slice_program import SliceProgram
from .slopes import Slopes

if TYPE_CHECKING:
    from .kernel import Kernel

INPUTS = ("x1", "x2")


class ValueAndGradient(NamedTuple):
    """What `value_and_gradient` returns."""

    value: NDArray[Any]
    """The kernel (n1, n2), as a call returns it."""
    gradient: dict[str, Any]
    """By the names in `wrt`, in their order: without a cotangent, arrays (n1, n2); with one,
    numbers for parameters and arrays of the inputs' shapes for `x1` and `x2`."""


class Request(NamedTuple):
    """The checked arguments of one call."""

    root: str
    wrt: tuple[str, ...]
    inputs: list[NDArray[Any]]
    cotangent: NDArray[Any] | None
    values: Mapping[str, float]
    threads: int
    memory: int

    @property
    def shape(self) -> tuple[int, int]:
        """Of the kernel."""
        return self.inputs[0].shape[0], self.inputs[-1].shape[0]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters in `wrt`."""
        return tuple(name for name in self.wrt if name not in INPUTS)


def checked_request(
    kernel: Kernel,
    inputs: list[NDArray[Any]],
    get: object,
    wrt: object,
    cotangent: object,
    threads: object,
    memory: object,
    params: Mapping[str, Any],
) -> Request:
    """The arguments of a call. Raises `ArgumentError`, `ArgumentTypeError` or `ArrayError`."""
    names = _variables(kernel, wrt, len(inputs))
    shape = inputs[0].shape[0], inputs[-1].shape[0]
    given = None if cotangent is None else _cotangent(cotangent, shape, kernel.dtype)
    if given is None and any(name in INPUTS for name in names):
        raise ArgumentError(
            "wrt: a gradient by inputs needs a cotangent, an array of the kernel's shape "
            f"{shape}: the gradient is that of (cotangent * kernel).sum()"
        )
    return Request(
        _root(get),
        names,
        inputs,
        given,
        parameter_values(kernel.name, kernel.parameters, params),
        thread_count(threads),
        memory_budget(memory),
    )


def evaluate_request(kernel: Kernel, request: Request) -> ValueAndGradient:
    """The kernel and its gradient."""
    found: dict[str, Any] = {}
    value: NDArray[Any] | None = None
    if request.parameters:
        value, rates = _rates(kernel, request)
        found.update(zip(request.parameters, rates, strict=True))
    if request.cotangent is not None:
        wide = request.cotangent.astype(np.float64, copy=False)
        found = {name: float(np.vdot(wide, rate)) for name, rate in found.items()}
        if len(found) < len(request.wrt):
            own, by_inputs = _by_inputs(kernel, request, request.cotangent)
            value = own if value is None else value
            found.update(by_inputs)
    assert value is not None  # `wrt` names something
    return ValueAndGradient(value, {name: found[name] for name in request.wrt})


def _by_inputs(
    kernel: Kernel, request: Request, cotangent: NDArray[Any]
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """The kernel, and its gradients by the inputs in `wrt`."""
    if not isinstance(kernel.program, SliceProgram):
        return Slopes(kernel._differentiated(request.root, ("x1",)), request).run(cotangent)
    gradients = kernel._pulled_back(request, cotangent)
    value = np.empty(request.shape, kernel.dtype)
    kernel._evaluate((request.root,), request, request.inputs, [value])
    for name, gradient in gradients.items():
        if not np.isfinite(gradient).all():
            raise ArrayError(f"gradient by {name}: it is too large for a number")
    return value, {n: g.astype(kernel.dtype) for n, g in gradients.items() if n in request.wrt}


def _rates(kernel: Kernel, request: Request) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """The kernel and its derivatives by the parameters, all in one pass."""
    ordered = tuple(name for name in kernel.parameters if name in request.parameters)
    engine = kernel._differentiated(request.root, ordered)
    roots = (request.root, *(f"rate_{name}_of_{request.root}" for name in ordered))
    outputs = [np.empty(request.shape, kernel.dtype) for _ in roots]
    engine._evaluate(roots, request, request.inputs, outputs)
    rates = dict(zip(ordered, outputs[1:], strict=True))
    return outputs[0], [rates[name] for name in request.parameters]


def _root(get: object) -> str:
    if not isinstance(get, str):
        raise ArgumentTypeError(
            f'get: expected "ntk" or "nngp", one at a time with a gradient, got {get!r}'
        )
    if get not in ROOTS:
        raise ArgumentError(f'get: {get!r} is neither "ntk" nor "nngp"{did_you_mean(get, ROOTS)}')
    return get


def _variables(kernel: Kernel, wrt: object, inputs: int) -> tuple[str, ...]:
    """The names to differentiate by, each once, in the order given."""
    known = tuple(kernel.parameters)
    if wrt is None:
        if not known:
            raise ArgumentError(
                f"wrt: kernel {kernel.name!r} has no parameters; the gradient by inputs is asked "
                'for by wrt="x1" and a cotangent'
            )
        return known
    names = (wrt,) if isinstance(wrt, str) else wrt
    if not isinstance(names, (tuple, list)) or not all(isinstance(n, str) for n in names):
        raise ArgumentTypeError(f"wrt: expected a name or a tuple of names, got {wrt!r}")
    if not names:
        raise ArgumentError("wrt: expected at least one name, got none")
    for name in names:
        if name == "x2" and inputs == 1:
            raise ArgumentError(
                'wrt: there is no x2 in this call; wrt="x1" moves both places of x1'
            )
        if name not in known and name not in INPUTS:
            hint = did_you_mean(name, (*known, *INPUTS))
            listed = ", ".join((*known, *INPUTS))
            raise ArgumentError(
                f"wrt: kernel {kernel.name!r} has no parameter {name!r}{hint} (known: {listed})"
            )
    return tuple(dict.fromkeys(names))


def _cotangent(value: object, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise ArgumentTypeError(
            f"cotangent: expected an array of real numbers, got dtype {array.dtype}"
        )
    if array.shape != shape:
        raise ArrayError(f"cotangent: expected the kernel's shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ArrayError("cotangent: holds values that are not finite")
    return array.astype(dtype, copy=False)
