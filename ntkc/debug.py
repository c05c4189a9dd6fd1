"""`NTKC_DEBUG`: what the compiler tells about its own work, on the standard error.

1  the time of each stage
2  the number of nodes after each pass, and what was found in the cache
3  what a pair costs, operation by operation
4  writes the kernel IR after each pass, and the generated source, to files
5  writes LLVM IR and assembly too

Files go to the folder `ntkc-debug`, or to the one that `NTKC_DEBUG_DIR` names.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HIGHEST = 5


def level() -> int:
    """The level that is set: 0, where it is not set or not a number, to 5."""
    text = os.environ.get("NTKC_DEBUG", "")
    return min(int(text), HIGHEST) if text.isascii() and text.isdigit() else 0


def tell(least: int, text: str) -> None:
    """Say something at this level and above."""
    if level() >= least:
        sys.stderr.write(f"ntkc: {text}\n")


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time what is done in this context."""
    if level() == 0:
        yield
        return
    start = time.perf_counter()
    try:
        yield
    finally:
        tell(1, f"{name:<10} {1000 * (time.perf_counter() - start):8.1f} ms")


def dump(least: int, name: str, text: str) -> None:
    """Write a file at this level and above; a folder that cannot be written is said, no more."""
    if level() < least:
        return
    folder = Path(os.environ.get("NTKC_DEBUG_DIR") or "ntkc-debug")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        tell(least, f"cannot write {folder / name}: {error.strerror}")
    else:
        tell(least, f"wrote {folder / name}")
