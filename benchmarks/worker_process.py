"""The parent's handle on one worker process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.protocol import Command, SideName

ROOT = Path(__file__).resolve().parents[1]
ERROR_LINES = 5


class WorkerError(Exception):
    """A worker refused a command, died, or did not answer in time."""


def worker_environment(dtype: str, threads: int, cache: Path) -> dict[str, str]:
    """What every worker's environment holds on top of the parent's.

    An empty cache folder makes compile times cold. Thread pools are told to sleep when they have
    nothing to do: a pool that spins takes cores from the side whose turn it is.
    """
    counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {
        **{name: str(threads) for name in counts},
        "OMP_WAIT_POLICY": "passive",
        "XDG_CACHE_HOME": str(cache),
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "1" if dtype == "float64" else "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


class WorkerProcess:
    """Starts a worker, and asks it one thing at a time."""

    def __init__(
        self,
        side: SideName,
        module: str,
        python: Path,
        environment: dict[str, str],
        timeout: float,
    ) -> None:
        self.side = side
        self._timeout = timeout
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed in `close`)
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", module],
            cwd=ROOT,
            env=_without_python_path(side) | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def ask(self, command: Command, **details: Any) -> dict[str, Any]:
        """Send a command and wait for its answer, which is an error if the worker says so."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        killer = threading.Timer(self._timeout, self._process.kill)
        killer.start()
        try:
            message = json.dumps({"command": command} | details)
            self._process.stdin.write(message.encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            killer.cancel()
        if not line:
            raise WorkerError(self._obituary(command))
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise WorkerError(f"{command}: {reply['error']}")
        return reply

    def close(self) -> None:
        """End the worker; closing its stdin is all the telling it needs."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _obituary(self, command: Command) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-ERROR_LINES:]
        reason = f"no answer within {self._timeout:.0f} s or killed" if status < 0 else "died"
        return "\n".join([f"{command}: worker {reason} (exit status {status})", *last])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _without_python_path(side: SideName) -> dict[str, str]:
    """The parent's environment; the rival's packages must not mix with the product's."""
    environment = dict(os.environ)
    if side == "rival":
        environment.pop("PYTHONPATH", None)
    return environment


def product_python() -> Path:
    """The product and the floor run in the environment that the harness itself runs in."""
    return Path(sys.executable)
