"""`FittedModel`: what `ntkc.fit` returns and `ntkc.load_model` reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc import predict
from ntkc.artefact.compiled import CompiledKernel

from .bound import BoundKernel
from .errors import DataError
from .inputs import Array, Standardiser, as_numbers, by_name, shaped
from .targets import Coding, LabelCoding, Task, as_targets
from .uncertainty import Uncertainty, uncertainty

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class FittedModel:
    """Kernel regression with a network's kernel, fitted to data.

    `x_train` (n, …) are the training inputs as the kernel sees them, `dual` (n, outputs) the
    weights; `report` tells how they were solved for, and the training error. Predictions need
    nothing else. `save` keeps a model as a folder, and `ntkc.load_model` reads it.
    """

    bound: BoundKernel
    x_train: NDArray[Any]
    dual: Array
    ridge: float
    coding: Coding
    standardiser: Standardiser | None
    feature_names: tuple[str, ...] | None
    features: int
    details: Mapping[str, Any]
    """The report, and what a caller wants to keep beside it; numbers, texts, lists, mappings."""

    @property
    def task(self) -> Task:
        """ "regression" or "classification"."""
        return self.coding.task

    @property
    def classes(self) -> NDArray[Any]:
        """The labels of a classifier, sorted. Raises `DataError` for a regression."""
        return self._labels().classes.copy()

    @property
    def report(self) -> Mapping[str, Any]:
        """Solver, ridge, condition, errors: what fitting had to say."""
        return MappingProxyType(dict(self.details["report"]))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is unusual about the data that the model was fitted to."""
        return tuple(self.details["remarks"])

    @property
    def parameters(self) -> Mapping[str, float]:
        """The network's parameters."""
        return MappingProxyType(dict(self.bound.parameters))

    def __repr__(self) -> str:
        kernel, rows = self.bound.kernel, len(self.x_train)
        return f"<fitted {self.task}: {self.bound.get} of {kernel.network}, {rows} rows>"

    def predict(
        self, x: object, *, return_std: bool = False, progress: Progress | None = None
    ) -> Any:
        """Predictions for inputs (m, …): (m,), or (m, outputs) where y had two axes; labels for a
        classifier.

        With `return_std`, also their standard deviations in the targets' units, (m,) or
        (m, outputs), for a classifier (m,), of every class's score. For a model of the NNGP kernel:
        of the Bayesian posterior, given noise of variance `ridge`; for one of the NTK: over random
        initialisations of networks of infinite width trained to convergence. Neither contains
        the noise of new observations. Cross-Gram matrices are computed and dropped tile by tile.

        Of a data frame the columns that the model was fitted to are taken, by their names. Raises
        `DataError` for inputs that do not fit, and what the kernel raises.
        """
        rows = self.prepare(x)
        values = self.coding.decode(self._outputs(rows, progress))
        return (values, self.std(rows)) if return_std else values

    def scores(self, x: object, *, progress: Progress | None = None) -> Array:
        """A classifier's outputs (m, classes), in the order of `classes`; the largest decides.

        They are regressions of "1 for the class and 0 for others", and no probabilities: they can
        leave [0, 1]. Raises `DataError` for a regression, and as `predict`.
        """
        classes = len(self._labels().classes)
        return self._outputs(self.prepare(x), progress) + 1.0 / classes

    def score(self, x: object, y: object) -> float:
        """The accuracy of a classifier, the coefficient of determination R² of a regression.

        R² is a mean over outputs; for a constant target it is 1 where the predictions are exact,
        and else 0. Raises `DataError` where x or y do not fit.
        """
        predicted = self.predict(x)
        truth = as_targets(y, len(predicted))
        if isinstance(self.coding, LabelCoding):
            return self.coding.score(truth, predicted)[1]
        if truth.shape != predicted.shape:
            raise DataError(f"y must have the shape {predicted.shape}, and has {truth.shape}")
        columns, errors = truth.reshape(len(truth), -1), (truth - predicted).reshape(len(truth), -1)
        missed, total = (errors**2).sum(axis=0), ((columns - columns.mean(axis=0)) ** 2).sum(axis=0)
        constant = np.where(missed == 0, 1.0, 0.0)
        share = np.divide(missed, total, out=np.zeros_like(missed), where=total > 0)
        return float(np.mean(np.where(total > 0, 1 - share, constant)))

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write the model as a folder, replaced at once or not at all; its path.

        Raises `FileExistsError` where something else than a model stands there, unless `force`.
        """
        from .folder import save_model

        return save_model(self, Path(folder), force)

    def prepare(self, x: object) -> NDArray[Any]:
        """Inputs as the kernel takes them: checked, standardised, in the network's shape."""
        rows = by_name(x, self.feature_names)
        return prepared(rows, self.bound.kernel, self.standardiser, self.features)

    def std(self, rows: NDArray[Any]) -> Array:
        """Standard deviations for prepared inputs; see `predict`."""
        return np.asarray(self.coding.spread(self._uncertainty.std(rows)), np.float64)

    def keep(self, name: str, value: Any) -> FittedModel:
        """The same model with something kept beside it, under a name, when it is saved."""
        return replace(self, details={**self.details, name: value})

    def using(self, threads: int | None = None, memory: int | str | None = None) -> FittedModel:
        """The same model with other limits for evaluating its kernel."""
        return replace(self, bound=replace(self.bound, threads=threads, memory=memory))

    @cached_property
    def _uncertainty(self) -> Uncertainty:
        return uncertainty(self.bound, self.x_train, self.ridge)

    def _outputs(self, rows: NDArray[Any], progress: Progress | None) -> Array:
        return predict.stream_predictions(
            self.bound, rows, self.x_train, self.dual, get=self.bound.get, progress=progress
        )

    def _labels(self) -> LabelCoding:
        if not isinstance(self.coding, LabelCoding):
            raise DataError("this model is a regression: it has no classes")
        return self.coding


def prepared(
    x: object, kernel: CompiledKernel, scaling: Standardiser | None, features: int
) -> NDArray[Any]:
    """Inputs (m, …) of so many features as a kernel takes them. Raises `DataError`."""
    array = as_numbers(x)
    width = int(np.prod(array.shape[1:]))
    if width != features:
        raise DataError(f"x has {width} numbers in a row, and the model was fitted to {features}")
    if scaling is not None:
        array = scaling.apply(array)
    return shaped(array, kernel.program.input_sizes, kernel.input)
