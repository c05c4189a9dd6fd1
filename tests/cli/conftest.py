import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ntkc.cli.main import main

TEXT = """\
param w_std = 1.5

network net {
    input vector[3]
    { dense(w_std = w_std, b_std = 0.1) -> relu } * 2
    dense
}
"""


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> Path:
    """A working folder with a program, one with a mistake, and arrays."""
    monkeypatch.setenv("NTKC_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("NTKC_DEBUG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    work = tmp_path / "with space"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "model.ntk").write_text(TEXT)
    (work / "bad.ntk").write_text("network net { input vector[3]; relu }\n")
    generator = np.random.default_rng(0)
    np.save(work / "x.npy", generator.standard_normal((20, 3)))
    np.save(work / "z.npy", generator.standard_normal((7, 3)).astype(np.float32))
    return work


@pytest.fixture
def ntkc(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run a command in this process."""

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Done(status, captured.out, captured.err)

    return run


@pytest.fixture
def start(folder: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a command in a process of its own."""

    def run(arguments: Sequence[str], **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ntkc", *arguments],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_listening,
        )

    return run


def _listening() -> None:
    """What a shell starts in the background ignores interrupts, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
