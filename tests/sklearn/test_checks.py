"""scikit-learn's own checks of what an estimator must do: all of them, none excused.

With SCIPY_ARRAY_API=1 and pandas, none is skipped either.
"""

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from ntkc.sklearn import NNGPRegressor, NTKClassifier, NTKRegressor


# Some checks fit a process without noise to speak of to features of size 100: it warns.
@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
@parametrize_with_checks([NTKRegressor(), NTKClassifier(), NNGPRegressor()])
def test_scikit_learn_check(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
