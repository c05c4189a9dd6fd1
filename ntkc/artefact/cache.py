"""The user's cache of compiled programs: one folder for each digest.

A folder is written under a name of its own and renamed, so what has its final name is whole,
whoever else compiles the same program at the same time. A folder that has been damaged since
is found out by its checksum, and replaced. Of more than `KEPT` programs, those go that were not
used for longest.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final
from uuid import uuid4

from ntkc.artefact.folder import read
from ntkc.artefact.location import VARIABLE, location

_TEMPORARY: Final = ".writing-"
_ABANDONED: Final = 24 * 3600  # seconds after which nobody is writing any more
KEPT = 1000
"""Programs beyond which the least recently used go; what was used within a day stays."""


class _Locks:
    """A lock for each digest."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all locks: in a forked child, nobody holds them any more."""
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def of(self, digest: str) -> threading.Lock:
        """The lock of a digest."""
        with self._guard:
            return self._locks.setdefault(digest, threading.Lock())


_locks = _Locks()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_locks.reset)


class CacheWarning(UserWarning):
    """The cache cannot be used; programs are compiled again in every process."""


def entry(digest: str, build: Callable[[Path], None]) -> Path:
    """The folder of a digest; `build` writes its contents where it is not there yet.

    One thread of a process builds, the others wait for it.
    """
    with _locks.of(digest):
        root = _location_or_none()
        if root is not None and _is_whole(root / digest):
            _mark_used(root / digest)
            return root / digest
        try:
            if root is None:
                raise OSError(0, "there is no home folder to keep it in")
            return _add(root, digest, build)
        except OSError as error:
            _say_once(str(root or VARIABLE), error.strerror or str(error))
            fallback = _fallback()
            return (
                fallback / digest if _is_whole(fallback / digest) else _add(fallback, digest, build)
            )


def temporary(digest: str, build: Callable[[Path], None]) -> Path:
    """A folder that lives as long as this process, built anew."""
    folder = Path(tempfile.mkdtemp(prefix=f"{digest}-", dir=_fallback()))
    build(folder)
    return folder


def entries() -> Iterator[Path]:
    """The folders that the cache holds."""
    root = location()
    if root.is_dir():
        yield from (folder for folder in sorted(root.iterdir()) if _is_entry(folder))


def clear() -> int:
    """Remove everything that ntkc wrote to the cache; how many programs that were."""
    count = 0
    for folder in list(entries()):
        shutil.rmtree(folder)
        count += 1
    _sweep(location(), 0)
    return count


def _is_entry(folder: Path) -> bool:
    name = folder.name
    return folder.is_dir() and all(c in "0123456789abcdef" for c in name)


def _is_whole(folder: Path) -> bool:
    try:
        manifest, _ = read(folder)
    except (OSError, ValueError):
        return False
    return bool(manifest.get("digest") == folder.name)


def _add(root: Path, digest: str, build: Callable[[Path], None]) -> Path:
    """Write a folder beside its place and rename it there."""
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root, _ABANDONED)
    _prune(root)
    made = root / f"{_TEMPORARY}{uuid4().hex}"
    made.mkdir()
    try:
        build(made)
        return _put(made, root / digest)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _put(made: Path, place: Path) -> Path:
    """Rename a folder to its place, unless another process was first."""
    try:
        made.replace(place)
    except OSError:
        if _is_whole(place):
            return place
        damaged = place.with_name(f"{_TEMPORARY}{uuid4().hex}")
        place.replace(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
        made.replace(place)
    return place


def _sweep(root: Path, age: float) -> None:
    """Remove what processes that died while they wrote have left."""
    for folder in root.glob(f"{_TEMPORARY}*"):
        try:
            if time.time() - folder.stat().st_mtime >= age:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _mark_used(folder: Path) -> None:
    """Let a folder's time say when it was last used."""
    try:
        os.utime(folder)
    except OSError:  # somebody else's cache
        return


def _prune(root: Path) -> None:
    """Remove the programs beyond the limit that were not used for longest."""
    try:
        found = [folder for folder in root.iterdir() if _is_entry(folder)]
        if len(found) < KEPT:
            return
        used = {folder: folder.stat().st_mtime for folder in found}
        oldest = sorted(found, key=used.__getitem__)[: len(found) - KEPT + 1]
        for folder in oldest:
            if time.time() - used[folder] >= _ABANDONED:
                removed = folder.with_name(f"{_TEMPORARY}{uuid4().hex}")  # at once, or not at all
                folder.replace(removed)
                shutil.rmtree(removed, ignore_errors=True)
    except OSError:  # another process is at it
        return


def _location_or_none() -> Path | None:
    try:
        return location()
    except RuntimeError:  # nobody knows where home is
        return None


@cache
def _fallback() -> Path:
    """A folder that lives as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="ntkc-"))
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # a forked child leaves its parent's folder alone
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


@cache
def _say_once(root: str, why: str) -> None:
    warnings.warn(
        f"the cache {root} cannot be written ({why}): compiled programs are kept for this "
        f"process only; set {VARIABLE} to a folder that can be written",
        CacheWarning,
        stacklevel=2,
    )
