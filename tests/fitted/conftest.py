from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ntkc

SOURCE = """\
param w_std = 1.4
network net { input vector[?]; dense(w_std = w_std, b_std = 0.2); relu; dense }
"""


@pytest.fixture(scope="session")
def kernel() -> Any:
    return ntkc.compile(source=SOURCE)


@pytest.fixture(scope="session")
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    return x, 5.0 + 3.0 * np.sin(x[:, 0]) + x[:, 1]


@pytest.fixture
def model(kernel: Any, data: Any) -> Any:
    return ntkc.fit(kernel, *data, ridge=1e-3)


@pytest.fixture
def folder(model: Any, tmp_path: Path) -> Path:
    return Path(model.save(tmp_path / "fitted"))
