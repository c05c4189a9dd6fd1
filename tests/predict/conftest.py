"""One small random problem, of which every block comes from one positive definite matrix."""

from typing import Any, NamedTuple

import numpy as np
import pytest


class Problem(NamedTuple):
    train: Any
    cross: Any
    test: Any
    prior_train: Any
    prior_cross: Any
    prior_test: Any
    y: Any
    f_train: Any
    f_test: Any


def make_problem(n: int = 9, m: int = 4, outputs: int = 2, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)

    def blocks() -> tuple[Any, Any, Any]:
        features = rng.standard_normal((n + m, 2 * (n + m)))
        k = features @ features.T / (n + m)
        k = (k + k.T) / 2
        return k[:n, :n], k[n:, :n], k[n:, n:]

    arrays = [rng.standard_normal((rows, outputs)) for rows in (n, n, m)]
    return Problem(*blocks(), *blocks(), *arrays)


@pytest.fixture
def problem() -> Problem:
    return make_problem()


@pytest.fixture(scope="session")
def make() -> Any:
    """`make_problem`, for tests that need sizes of their own."""
    return make_problem
