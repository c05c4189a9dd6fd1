"""Regression: `NTKRegressor`, the trained network, and `NNGPRegressor`, the Bayesian one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ntkc import predict
from ntkc.predict.arrays import Array
from ntkc.predict.report import OnSingular, RidgeScale

from .base import NetworkEstimator
from .program import B_STD, W_STD, Model
from .trained import Solver, TrainedNetwork


class _Regressor(MultiOutputMixin, RegressorMixin):
    """Targets of one or several outputs, and their normalisation."""

    normalize_y: bool

    def _fit_targets(self, y: Any) -> Array:
        """Targets to solve for, (n,) or (n, outputs); sets what `_restored` needs."""
        self.y_mean_, self.y_scale_ = np.zeros(y.shape[1:]), np.ones(y.shape[1:])
        y = np.asarray(y, np.float64)
        if self.normalize_y:
            self.y_mean_, spread = y.mean(axis=0), y.std(axis=0)
            # Targets that are constant but for roundoff have nothing to scale by.
            negligible = spread <= 10 * np.finfo(np.float64).eps * np.abs(self.y_mean_)
            self.y_scale_ = np.where(negligible, 1.0, spread)
        return np.asarray((y - self.y_mean_) / self.y_scale_)

    def _restored(self, outputs: Array) -> Array:
        return np.asarray(outputs * self.y_scale_ + self.y_mean_)


class NTKRegressor(_Regressor, TrainedNetwork):
    """Kernel regression with a network's neural tangent kernel (NTK).

    With `ridge=0` its prediction is the mean of infinitely wide networks after training by gradient
    flow on the squared loss to the end.

    Parameters
    ----------
    model : path of a `.ntk` file, text of a program, or kernel that `ntkc.compile` made; by default
        the ready-made fully connected network described by the next four
    network : which of the model's networks, where it has several
    depth : number of hidden layers
    activation : name of the activation, with arguments if need be: "leaky_relu(slope = 0.1)"
    w_std, b_std : standard deviations of weights and of biases, in every layer
    params : values of the model's `param`s by name; by default those that the program gives
    ridge : added to the kernel matrix's diagonal; a number, or one for each output
    ridge_scale : "absolute", or "relative" to the mean of that diagonal
    on_singular : what to do with a singular matrix, as without ridge duplicate rows make it:
        "pseudo-inverse" (the limit of infinite training), "jitter", or "raise"; the direct solver's
    solver : "direct" factorises the kernel matrix (32·n² bytes); "iterative" never holds it, and
        uses preconditioned conjugate gradients, with one positive ridge; "auto" (the default) is
        direct up to 8000 rows, and beyond that where the ridge is 0 or there are several
    residual, max_iterations : of the iterative solver: the relative residual at which it is done,
        and how many iterations it may take
    normalize_y : whether to solve for targets of mean 0 and variance 1
    dtype : what the kernel is computed in, "float64" or "float32"

    Attributes
    ----------
    kernel_ : the compiled kernel; it pickles as its program
    params_ : the values of its parameters
    dual_coef_ : (n,) or (n, outputs), the solution of (K + ridge) α = y
    X_fit_ : (n, d), the training inputs as rows
    input_shape_ : the shape in which the network gets a row
    report_ : `ntkc.predict.SolveReport` of the solve (method, condition, jitter), or
        `ntkc.predict.IterativeReport` of an iterative one (residuals, iterations)
    n_features_in_, feature_names_in_ : as in every estimator of scikit-learn

    A row of a network on images, `image[H, W, C]`, is the flattened image, channels fastest; an
    array (n, H, W, C) may be given instead of rows.
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
        ridge: ArrayLike = 0.0,
        ridge_scale: RidgeScale = "absolute",
        on_singular: OnSingular = "pseudo-inverse",
        solver: Solver = "auto",
        residual: float = 1e-8,
        max_iterations: int = 1000,
        normalize_y: bool = False,
        dtype: str = "float64",
    ) -> None:
        super().__init__(
            model,
            network=network,
            depth=depth,
            activation=activation,
            w_std=w_std,
            b_std=b_std,
            params=params,
            ridge=ridge,
            ridge_scale=ridge_scale,
            on_singular=on_singular,
            solver=solver,
            residual=residual,
            max_iterations=max_iterations,
            dtype=dtype,
        )
        self.normalize_y = normalize_y

    def fit(self, X: Any, y: Any) -> Self:
        """Solve for training inputs X (n, d) and targets y (n,) or (n, outputs).

        Raises `ntkc.predict.ConvergenceError` where the iterative solver misses its residual.
        """
        self.X_fit_, y = self._fit_inputs(X, y=y, multi_output=True, y_numeric=True)
        self._solve(self._fit_targets(y))
        return self

    def predict(self, X: Any) -> Array:
        """Predictions for X (m, d): (m,) or (m, outputs)."""
        rows = self._test_inputs(X)
        return self._restored(self._regression(rows, self.dual_coef_))


class NNGPRegressor(_Regressor, NetworkEstimator):
    """The Gaussian process of an infinitely wide network: Bayesian regression, with uncertainty.

    It predicts what scikit-learn's `GaussianProcessRegressor` does with the kernel
    `NeuralTangentKernel(..., get="nngp")`, `alpha=noise` and no optimizer, and meets singular
    matrices as it is told to. To choose `params` and `noise` by the likelihood, see `ntkc.tune`.

    Parameters
    ----------
    noise : variance of the observations' noise, in the targets' units (of the normalised ones,
        with `normalize_y`). With none at all, matrices of smooth activations are singular in
        floating-point numbers after a few dozen rows
    noise_scale : "absolute", or "relative" to the mean of the kernel matrix's diagonal
    model, network, depth, activation, w_std, b_std, params, on_singular, normalize_y, dtype : as in
        `NTKRegressor`

    Attributes
    ----------
    posterior_ : `ntkc.predict.Conditioned`, the process given the data
    y_fit_ : the training targets, normalised if they are
    kernel_, params_, X_fit_, input_shape_, report_ : as in `NTKRegressor`
    """

    kind = "nngp"

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
        noise: float = 1e-6,
        noise_scale: RidgeScale = "absolute",
        on_singular: OnSingular = "pseudo-inverse",
        normalize_y: bool = False,
        dtype: str = "float64",
    ) -> None:
        super().__init__(
            model,
            network=network,
            depth=depth,
            activation=activation,
            w_std=w_std,
            b_std=b_std,
            params=params,
            dtype=dtype,
        )
        self.noise = noise
        self.noise_scale = noise_scale
        self.on_singular = on_singular
        self.normalize_y = normalize_y

    def fit(self, X: Any, y: Any) -> Self:
        """Condition on training inputs X (n, d) and targets y (n,) or (n, outputs)."""
        self.X_fit_, y = self._fit_inputs(X, y=y, multi_output=True, y_numeric=True)
        self.y_fit_ = self._fit_targets(y)
        self.posterior_ = predict.condition(
            self._gram(self.X_fit_),
            self.y_fit_,
            noise=self.noise,
            noise_scale=self.noise_scale,
            on_singular=self.on_singular,
        )
        self.report_ = self._reported(self.posterior_.report)
        return self

    def predict(self, X: Any, return_std: bool = False, return_cov: bool = False) -> Any:
        """The posterior mean for X (m, d), and with it standard deviations or a covariance.

        The mean and the standard deviations have the targets' shape, (m,) or (m, outputs); the
        covariance is (m, m) or (m, m, outputs). They are the function's, without the noise of new
        observations.
        """
        if return_std and return_cov:
            raise RuntimeError("return_std and return_cov cannot both be asked for")
        rows = self._test_inputs(X)
        if return_cov:
            found = self.posterior_.at(self._gram(rows, self.X_fit_), self._gram(rows))
            assert found.covariance is not None
            return self._restored(found.mean), np.multiply.outer(
                found.covariance, np.square(self.y_scale_)
            )
        if not return_std:
            return self._restored(self._regression(rows, self.posterior_.dual))
        parts = [
            self.posterior_.at(self._gram(some, self.X_fit_), self._diagonal(some))
            for some in self._blocks(rows, self.X_fit_)
        ]
        mean = np.concatenate([part.mean for part in parts])
        std = np.concatenate([part.std for part in parts])
        return self._restored(mean), np.multiply.outer(std, self.y_scale_)

    def sample_y(self, X: Any, n_samples: int = 1, random_state: Any = 0) -> Array:
        """Functions drawn from the posterior at X (m, d): (m, [outputs,] n_samples).

        `random_state` is a seed, a `RandomState`, or None for another draw at every call.
        """
        rows = self._test_inputs(X)
        found = self.posterior_.at(self._gram(rows, self.X_fit_), self._gram(rows))
        seed = check_random_state(random_state).randint(2**31 - 1)
        drawn = found.sample(np.random.default_rng(seed), n_samples)
        return np.moveaxis(self._restored(drawn), 0, -1)

    def log_marginal_likelihood(self) -> float:
        """log p(y) of the training targets, normalised if they are, in nats, summed over outputs.

        Raises `ntkc.predict.SingularKernelError` where the matrix with the noise is singular.
        """
        check_is_fitted(self)
        return predict.log_marginal_likelihood(
            self._gram(self.X_fit_), self.y_fit_, noise=self.noise, noise_scale=self.noise_scale
        ).value
