"""Commands end soon after they are asked to, whatever they are at."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

STUCK = """
import sys, time
from pathlib import Path
from ntkc.cli import signals

part = Path("k.part")
with signals.interruptible(), signals.terminating(), signals.half_written(part):
    part.touch()
    try:
        print("begun", flush=True)
        time.sleep(300)
    finally:
        time.sleep(300)  # as for a thread that compiles
"""

FREE = """
from ntkc.cli import signals

try:
    with signals.interruptible():
        import os, signal, time
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(300)
except KeyboardInterrupt:
    time.sleep(2 * signals.GRACE)  # nothing ends a command that has ended
    print("unwound")
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def listening() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_waits_for_others_ends(tmp_path, number, status):
    with subprocess.Popen(
        [sys.executable, "-c", STUCK],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert (tmp_path / "k.part").exists()
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (status, "")
    assert not list(tmp_path.iterdir())


def test_one_that_unwinds_is_left_alone():
    done = subprocess.run(
        [sys.executable, "-c", FREE], capture_output=True, text=True, preexec_fn=listening
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "unwound\n", "")


MANY_TERMS = "network n { input vector[3]; { dense(b_std = 0.1) -> selu } * 3 -> dense }"


def test_an_interrupt_while_a_kernel_is_compiled(start, folder):
    (folder / "long.ntk").write_text(MANY_TERMS)
    process = start(["gram", "long.ntk", "x.npy", "-o", "k.npy"], NTKC_CACHE_DIR=str(folder / "c"))
    while process.poll() is None and not list(folder.glob(".k.npy*")):
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, "", "")
    assert not list(folder.glob("*k.npy*"))
