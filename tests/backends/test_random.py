"""Random networks through the generated code, against the recursion in 40 digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntkc.runtime import Kernel
from tests.backends.kernels import ROOTS, at_angles, exact, kernel, uncompiled, worst
from tests.network.strategies import programs

SIZE = 5
_BASE = np.random.default_rng(7).standard_normal(SIZE)
FIRST = np.stack([_BASE, 0 * _BASE, np.arange(SIZE) - 1.5])
SECOND = np.concatenate(
    [
        at_angles(_BASE, [0.0, 1e-8, 1e-4, 0.3, 2.0]),
        np.outer([2.0, 0.0, -1.0], _BASE),
        at_angles(_BASE, [0.7, 1.1], seed=1) * [[30.0], [0.01]],
    ]
)


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _check(made: Kernel, text: str, parameters: dict[str, float]) -> None:
    given_parameters = {k: v for k, v in parameters.items() if k in made.parameters}
    single = made.dtype == np.float32
    rows = [x.astype(made.dtype) for x in (FIRST, SECOND)]
    # float32: roundings of 6e-8, some of them magnified by a few layers.
    assert worst(made, text, *rows, **given_parameters) <= (1e-5 if single else 1e-12)
    diagonal = made.diag(rows[1], get=ROOTS, **given_parameters)
    for root in ROOTS:
        gram = made(rows[1], get=root, **given_parameters)
        assert (gram == gram.T).all()
        assert (np.diag(gram) == getattr(diagonal, root)).all()
        # Eigenvalues move by at most the norm of the rounding errors: n roundings of the trace.
        least = np.linalg.eigvalsh(gram.astype(np.float64)).min()
        assert least >= (-1e-6 if single else -1e-14) * np.trace(gram) * len(gram)


parameter_values = st.fixed_dictionaries(
    {"w_std": st.sampled_from([0.5, 1.2, 1.7]), "b_std": st.sampled_from([0.0, 0.3, 1.0])}
)


@examples(25)
@given(programs(size=SIZE), parameter_values)
def test_generated_source(text: str, parameters: dict[str, float]) -> None:
    _check(uncompiled(text), text, parameters)


@examples(10)
@given(programs(size=SIZE), parameter_values)
def test_generated_source_in_float32(text: str, parameters: dict[str, float]) -> None:
    _check(uncompiled(text, "float32"), text, parameters)


@examples(2)
@given(programs(size=SIZE), parameter_values)
def test_compiled(text: str, parameters: dict[str, float]) -> None:
    _check(kernel(text), text, parameters)


@pytest.mark.slow
@examples(200)
@given(programs(size=SIZE, layers=12), parameter_values, st.sampled_from(["float64", "float32"]))
def test_many_compiled(text: str, parameters: dict[str, float], dtype: str) -> None:
    _check(kernel(text, dtype), text, parameters)


@examples(8)
@given(programs(size=SIZE))
def test_parameters_at_run_time_are_parameters_in_the_text(text: str) -> None:
    """Another value in a call gives what a program with that default gives."""
    made = uncompiled(text)
    values = {"w_std": 0.7, "b_std": 0.45}
    changed = {name: value for name, value in values.items() if name in made.parameters}
    written = text.replace("param w_std = 1.2", "param w_std = 0.7")
    written = written.replace("param b_std = 0.3", "param b_std = 0.45")
    fixed = uncompiled(written)
    for root in ROOTS:
        assert (made(FIRST, SECOND, get=root, **changed) == fixed(FIRST, SECOND, get=root)).all()


def test_scale_is_that_of_the_diagonal() -> None:
    text = "network net { input vector[5]\n dense -> relu -> dense }"
    truth = exact(text, SECOND, SECOND)
    assert np.allclose(np.diag(truth["ntk_scale"]), truth["ntk_second"])
