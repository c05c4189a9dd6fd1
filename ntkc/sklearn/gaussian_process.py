"""`NeuralTangentKernel`: a network's kernel for scikit-learn's Gaussian processes."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from ntkc.predict.arrays import Array
from ntkc.runtime import Kernel as CompiledKernel
from ntkc.tuning.derivatives import kernel_and_log_gradients
from ntkc.tuning.hyperparameters import Bounds, BoundsError, bounds_of, known

from .program import B_STD, W_STD, Model, load, program_key, values
from .rows import as_inputs, input_shape

_SNAP = 1e-12
"""exp(log(bound)) is the bound: a value this near to one, relative, is taken for it."""


class NeuralTangentKernel(Kernel):
    """The NTK or NNGP kernel of a network, as a kernel of scikit-learn's Gaussian processes.

    Its hyperparameters are the network's `param`s; `theta` holds their logarithms, with bounds and
    gradients, so that `GaussianProcessRegressor` and `GaussianProcessClassifier` optimise them. It
    may be added to and multiplied by other kernels.

    Parameters
    ----------
    model, network, depth, activation, w_std, b_std, params, dtype : as in `NTKRegressor`
    param_bounds : (low, high) or "fixed" for hyperparameters by name, or "fixed" for all; by
        default a tenth of the program's value to ten times that. Without bounds of its own, a
        parameter that is zero or negative has no logarithm, and stays fixed.
    get : "ntk" or "nngp"
    """

    def __init__(
        self,
        model: Model = None,
        *,
        network: str | None = None,
        depth: int = 3,
        activation: str = "relu",
        w_std: float = W_STD,
        b_std: float = B_STD,
        params: Mapping[str, float] | None = None,
        param_bounds: Mapping[str, Bounds] | Literal["fixed"] | None = None,
        get: Literal["ntk", "nngp"] = "ntk",
        dtype: str = "float64",
    ) -> None:
        self.model = model
        self.network = network
        self.depth = depth
        self.activation = activation
        self.w_std = w_std
        self.b_std = b_std
        self.params = params
        self.param_bounds = param_bounds
        self.get = get
        self.dtype = dtype

    @property
    def kernel_(self) -> CompiledKernel:
        """The compiled kernel; it pickles as its program."""
        key = program_key(self)
        kept: tuple[Any, CompiledKernel] | None = self.__dict__.get("_kept")
        if kept is None or kept[0] != key:
            kept = self._kept = key, load(self)
        return kept[1]

    @property
    def hyperparameters(self) -> list[Any]:
        """scikit-learn's descriptions of the parameters, the fixed ones too."""
        kernel = self.kernel_
        own = values(self, kernel)
        given: Any = self.param_bounds or {}
        if given == "fixed":
            given = dict.fromkeys(own, "fixed")
        known(given, own, "param_bounds")
        return [
            Hyperparameter(name, "numeric", _bounds(name, default, own[name], given.get(name)))
            for name, default in kernel.parameters.items()
        ]

    @property
    def theta(self) -> Array:
        """Logarithms of the hyperparameters that are not fixed, (p,)."""
        own = values(self, self.kernel_)
        return np.log([own[each.name] for each in self.hyperparameters if not each.fixed])

    @theta.setter
    def theta(self, theta: Any) -> None:
        free = [each for each in self.hyperparameters if not each.fixed]
        if len(theta) != len(free):
            raise ValueError(f"theta has {len(theta)} entries, where {len(free)} are free")
        moved = {
            each.name: _snapped(float(np.exp(z)), each.bounds[0])
            for each, z in zip(free, theta, strict=True)
        }
        if self.model is None:
            self.set_params(**moved)
        else:
            self.params = {**(self.params or {}), **moved}

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """k(X, Y) (n, m), or k(X, X) (n, n); with `eval_gradient` also ∂k/∂theta (n, n, p)."""
        kernel, own = self.kernel_, values(self, self.kernel_)
        inputs = self._inputs(X)
        if not eval_gradient:
            other = None if Y is None else self._inputs(Y)
            return np.asarray(kernel(inputs, other, get=self.get, **own), np.float64)
        if Y is not None:
            raise ValueError("Gradient can only be evaluated when Y is None.")
        free = [each.name for each in self.hyperparameters if not each.fixed]
        found = kernel_and_log_gradients(kernel, inputs, own, free, self.get)
        shape = (*found.value.shape, len(free))
        gradient = np.stack(found.gradients, axis=-1) if free else np.empty(shape)
        return found.value, gradient

    def diag(self, X: Any) -> Array:
        """k(x, x) of each row of X, (n,)."""
        own = values(self, self.kernel_)
        found = self.kernel_.diag(self._inputs(X), get=self.get, **own)
        return np.asarray(found, np.float64)

    def is_stationary(self) -> bool:
        """False: it depends on where inputs are, and not on their differences alone."""
        return False

    def __repr__(self) -> str:
        shown = [repr(self.model)] if self.model is not None else []
        if self.model is None:
            shown += [f"depth={self.depth}", f"activation={self.activation!r}"]
        own = {"w_std": self.w_std, "b_std": self.b_std} if self.model is None else {}
        # As they were given: nothing is compiled to be shown, and nothing raises.
        shown += [
            f"{name}={_short(value)}" for name, value in (own | dict(self.params or {})).items()
        ]
        shown += [f"get={self.get!r}"] if self.get != "ntk" else []
        return f"{type(self).__name__}({', '.join(shown)})"

    def _inputs(self, X: Any) -> NDArray[Any]:
        rows = np.asarray(X)
        if rows.ndim == 1:
            rows = rows[:, None]
        return np.asarray(as_inputs(rows, input_shape(self.kernel_, rows.shape[1])))


def _bounds(name: str, default: float, value: float, given: Bounds | None) -> Any:
    """Bounds of a parameter whose value is `value`, as scikit-learn has them."""
    found = bounds_of(name, default, given)
    if found == "fixed" or value > 0:
        return found
    if given is None:
        return "fixed"
    raise BoundsError(f"{name} = {value:g} has no logarithm to vary: start it above zero")


def _short(value: object) -> str:
    return f"{float(value):.3g}" if isinstance(value, Real) else repr(value)


def _snapped(value: float, bounds: Any) -> float:
    return next((float(b) for b in bounds if abs(value - b) <= _SNAP * b), value)
