"""Degenerate and wrong inputs: the right answer, or an error that names the argument."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from ntkc import predict
from ntkc.predict import InputError, InputTypeError


def test_no_training_rows_give_the_prior() -> None:
    none, y, cross, test = np.zeros((0, 0)), np.zeros((0, 2)), np.zeros((3, 0)), np.eye(3)
    assert predict.regress(none, y, cross).test.tolist() == [[0.0, 0.0]] * 3
    found = predict.posterior(none, y, cross, test)
    np.testing.assert_array_equal(found.covariance, test)
    assert predict.log_marginal_likelihood(none, y).value == 0.0
    assert predict.leave_one_out(none, y).mean_squared_error == 0.0
    path = predict.squared_loss_dynamics(none, y, cross, f_test=np.ones((3, 2))).flow([0, np.inf])
    np.testing.assert_array_equal(path.test, np.ones((2, 3, 2)))
    ensemble = predict.infinite_ensemble(
        predict.Blocks(none, cross, test), predict.Blocks(none, cross, test), y
    )
    np.testing.assert_array_equal(ensemble.test_covariance, test)
    ode = predict.integrate(predict.CrossEntropy(), none, y, 1.0, cross)
    assert ode.test.shape == (3, 2)
    flat = predict.regress(none, np.zeros(0), cross)
    assert flat.test.shape == (3,)


def test_one_sample() -> None:
    k, y = [[2.0]], [3.0]
    assert predict.regress(k, y, [[1.0]]).test == pytest.approx([1.5])
    assert predict.leave_one_out(k, y).residuals == pytest.approx([3.0])
    assert predict.posterior(k, y, [[2.0]], [[2.0]]).std == pytest.approx([0.0], abs=1e-7)
    path = predict.squared_loss_dynamics(k, y).flow(1.0)
    assert path.train == pytest.approx([3 - 3 * np.exp(-2)])


def test_constant_targets_and_scaled_kernels(problem: Any) -> None:
    zero = predict.regress(problem.train, np.zeros(9), problem.cross)
    assert not zero.test.any()
    small = predict.regress(1e-200 * problem.train, np.ones(9), 1e-200 * problem.cross)
    large = predict.regress(1e200 * problem.train, np.ones(9), 1e200 * problem.cross)
    np.testing.assert_allclose(small.test, large.test, rtol=1e-9)


def test_a_zero_kernel_is_singular_but_has_a_pseudo_inverse() -> None:
    zero = np.zeros((2, 2))
    with pytest.raises(predict.SingularKernelError):
        predict.regress(zero, np.ones(2))
    with pytest.raises(predict.SingularKernelError):
        predict.regress(zero, np.ones(2), on_singular="jitter")
    found = predict.regress(zero, np.ones(2), np.ones((1, 2)), on_singular="pseudo-inverse")
    assert found.test.tolist() == [0.0]
    assert found.report.rank == 0


def test_nan_is_an_error_with_its_place(problem: Any) -> None:
    for name in ("k_train", "y_train", "k_cross", "f_train", "f_test"):
        arrays = {
            "k_train": problem.train.copy(),
            "y_train": problem.y.copy(),
            "k_cross": problem.cross.copy(),
            "f_train": problem.f_train.copy(),
            "f_test": problem.f_test.copy(),
        }
        for bad in (np.nan, np.inf):
            arrays[name][2, 1] = bad
            with pytest.raises(InputError, match=rf"^{name} has (nan|inf) at \[2, 1\]"):
                predict.regress(**arrays)
            with pytest.raises(InputError, match=rf"^{name} has"):
                predict.squared_loss_dynamics(**arrays)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("k_train", np.ones((9, 8))),
        ("k_train", np.ones(9)),
        ("k_train", np.triu(np.ones((9, 9)))),
        ("k_train", -np.eye(9)),
        ("y_train", np.ones(8)),
        ("y_train", 1.0),
        ("k_cross", np.ones((4, 8))),
        ("f_train", np.ones(9)),
        ("f_test", np.ones((3, 2))),
        ("ridge", -1.0),
        ("ridge", np.nan),
        ("ridge", [1.0, 2.0, 3.0]),
        ("ridge_scale", "half"),
        ("on_singular", "ignore"),
    ],
)
def test_impossible_arguments_are_named(problem: Any, name: str, value: Any) -> None:
    arguments = {"k_train": problem.train, "y_train": problem.y, "k_cross": problem.cross}
    with pytest.raises(InputError, match=f"^{name}"):
        predict.regress(**(arguments | {name: value}))


@pytest.mark.parametrize("dtype", [complex, object, bool, "U3"])
def test_other_types_are_named(problem: Any, dtype: Any) -> None:
    with pytest.raises(InputTypeError, match=r"^k_train"):
        predict.regress(problem.train.astype(dtype), problem.y)
    with pytest.raises(InputTypeError, match=r"^learning_rate"):
        predict.squared_loss_dynamics(problem.train, problem.y, learning_rate="fast")


def test_masked_entries_have_no_numbers(problem: Any) -> None:
    masked = np.ma.masked_greater(problem.y, 0.0)
    with pytest.raises(InputTypeError, match="y_train has masked entries"):
        predict.regress(problem.train, masked)
    with pytest.raises(InputTypeError, match="k_train has masked entries"):
        predict.regress(np.ma.masked_equal(problem.train, problem.train[0, 1]), problem.y)
    unmasked = predict.regress(problem.train, np.ma.masked_array(problem.y))
    np.testing.assert_array_equal(unmasked.dual, predict.regress(problem.train, problem.y).dual)


def test_impossible_times_are_named(problem: Any) -> None:
    found = predict.squared_loss_dynamics(problem.train, problem.y)
    for bad in (-1.0, np.nan, [[1.0]]):
        with pytest.raises(InputError, match=r"^times"):
            found.flow(bad)
    with pytest.raises(InputTypeError, match=r"^times"):
        found.flow("soon")
    with pytest.raises(InputError, match=r"^steps"):
        found.descent(0.5)
    with pytest.raises(InputError, match=r"^momentum"):
        found.heavy_ball(1, 1.0)


def test_the_import_is_light() -> None:
    code = (
        "import sys, ntkc.predict, ntkc.theory;"
        "print([m for m in ('sympy', 'lark', 'numba', 'llvmlite') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
