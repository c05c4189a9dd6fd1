"""Generated modules run without Numba's compiler, for a debugger, and give the same values."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.backends.kernels import hard_pairs, kernel, network, source

_PROGRAM = """
import sys, importlib.util, numpy as np
from ntkc.runtime import Kernel, load_program
spec = importlib.util.spec_from_file_location("generated", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
x1, x2 = np.load(sys.argv[2]), np.load(sys.argv[3])
np.save(sys.argv[4], Kernel(load_program(module))(x1, x2))
"""


@pytest.mark.parametrize(
    "text",
    [
        network("{ dense(w_std = 1.4, b_std = 0.1) -> relu } * 3", "dense"),
        network("{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 2", "dense"),
    ],
)
def test_without_compilation(text: str, tmp_path: Path) -> None:
    x1, x2 = hard_pairs()
    (tmp_path / "generated.py").write_text(source(text), encoding="utf-8")
    np.save(tmp_path / "x1.npy", x1)
    np.save(tmp_path / "x2.npy", x2)
    paths = [str(tmp_path / name) for name in ("generated.py", "x1.npy", "x2.npy", "k.npy")]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", _PROGRAM, *paths], check=True, env=environment)
    expected = kernel(text)(x1, x2)
    # Compiled code contracts products and sums, which saves roundings.
    assert np.allclose(np.load(tmp_path / "k.npy"), expected, rtol=1e-13, atol=0)
