import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TEXT = """\
param w_std = 1.5

network net {
    input vector[3]
    { dense(w_std = w_std, b_std = 0.1) -> relu } * 2
    dense
}
"""


@pytest.fixture
def text() -> str:
    return TEXT


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("NTKC_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """Run a script in a process of its own and return what it prints."""

    def run(script: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A program with an import, in a folder of its own."""
    folder = tmp_path / "project"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "blocks.ntk").write_text("def hidden = dense(b_std = 0.1) -> relu\n")
    (folder / "model.ntk").write_text(
        'import "parts/blocks.ntk"\nnetwork net { input vector[3]; hidden * 2; dense }\n'
    )
    return folder / "model.ntk"
