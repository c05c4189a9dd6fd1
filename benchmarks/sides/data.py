"""The input batch, the same numbers on every side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from benchmarks.protocol import Job


def make_batch(job: Job) -> np.ndarray[Any, Any]:
    """Standard normal inputs, drawn in float64 so that both precisions see the same points.

    The draw fills rows in order: sides with different batch sizes share their first rows.
    """
    import numpy as np

    generator = np.random.default_rng(job.seed)
    return generator.standard_normal((job.n, *job.input_shape)).astype(job.dtype)
