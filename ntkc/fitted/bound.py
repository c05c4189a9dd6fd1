"""A compiled kernel with everything but the inputs chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.artefact.compiled import CompiledKernel


@dataclass(frozen=True)
class BoundKernel:
    """One of a kernel's two roots ("ntk" or "nngp") with parameters, threads and memory."""

    kernel: CompiledKernel
    get: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    threads: int | None = None
    memory: int | str | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """What values are computed in."""
        return self.kernel.dtype

    def __call__(
        self,
        x1: NDArray[Any],
        x2: NDArray[Any] | None = None,
        *,
        get: str | None = None,
        progress: Callable[[int, int], object] | None = None,
    ) -> NDArray[Any]:
        """The Gram matrix of x1, or the cross-Gram matrix of both."""
        values = self.kernel(
            x1,
            x2,
            get=self.get if get is None else get,
            progress=progress,
            threads=self.threads,
            memory=self.memory,
            **self.parameters,
        )
        return np.asarray(values)

    def diag(self, x: NDArray[Any], get: str | None = None) -> NDArray[Any]:
        """The kernel of each input with itself."""
        root = self.get if get is None else get
        return np.asarray(self.kernel.diag(x, get=root, threads=self.threads, **self.parameters))
