"""Folders that appear whole or not at all: written beside their place, and renamed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def renamed(place: Path) -> Iterator[Path]:
    """An empty folder to write into, which takes the place of `place` at the end of the block.

    What stands there is replaced at once, be it a folder, a file or a link; where the block or the
    renaming fails, it stays. Missing parents are made.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    made = place.parent / f".{place.name}-{uuid4().hex[:8]}"
    made.mkdir()
    try:
        yield made
        if place.exists() or place.is_symlink():
            _exchange(made, place)
        else:
            made.replace(place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _exchange(made: Path, place: Path) -> None:
    old = made.with_name(f"{made.name}-old")
    place.replace(old)
    try:
        made.replace(place)
    except OSError:
        old.replace(place)
        raise
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink()
