"""A Gram matrix on disk: a folder with one NPY file for each slab of rows, the upper half only.

    manifest.json       format, size, block, dtype
    probe.npy           the diagonal and a few columns: what tells one matrix from another
    rows-000000.npy     K[0:block, 0:n];  rows-001024.npy  K[1024:2048, 1024:n]; and so on

n rows take n²/2 numbers: 5 GB for n = 50 000 in float32. Each file is written under another name
and renamed, so what is there is whole: an interrupted computation goes on where it stopped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, choice
from ..errors import InputError
from .tiles import Progress, Tiles

FORMAT = 1
_MANIFEST, _PROBE = "manifest.json", "probe.npy"
_PROBES = 3
_TOLERANCE = 256.0
"""Units of roundoff by which the same matrix may differ when it is computed again."""


class StoredTiles(Tiles):
    """The tiles of a folder that `store_tiles` wrote, memory-mapped.

    Raises `InputError` where the folder is no such folder, is incomplete or was truncated.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        manifest = _read_manifest(self._folder)
        self.dtype = np.dtype(manifest["dtype"])
        super().__init__(manifest["size"], manifest["block"], float(np.finfo(self.dtype).eps))
        self._maps = {rows.start: self._open(rows) for rows in self.slabs}

    def tile(self, rows: slice, columns: slice) -> NDArray[Any]:
        """A part of a slab's map."""
        slab = self._maps[rows.start]
        return np.asarray(slab[:, columns.start - rows.start : columns.stop - rows.start])

    def _open(self, rows: slice) -> NDArray[Any]:
        path = _slab_path(self._folder, rows)
        shape = (rows.stop - rows.start, self.size - rows.start)
        try:
            found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise InputError(
                f"{self._folder} is not complete: {path.name} is missing; store_tiles goes on"
            ) from None
        except (ValueError, EOFError) as error:
            raise InputError(f"{path} is damaged: {error}") from None
        if found.shape != shape or found.dtype != self.dtype:
            raise InputError(
                f"{path} is damaged: expected {self.dtype} of the shape {shape}, found "
                f"{found.dtype} of the shape {found.shape}"
            )
        return found


def store_tiles(
    tiles: Tiles,
    folder: str | Path,
    *,
    dtype: str = "float32",
    progress: Progress | None = None,
) -> StoredTiles:
    """Write a matrix into a folder, slab by slab, and open it.

    A folder that an earlier, interrupted call left is completed; one of another matrix, size or
    type is an `InputError`, and so is a matrix that is not finite. A slab is held in memory:
    block × n numbers.
    """
    choice(dtype, "dtype", ("float32", "float64"))
    place = Path(folder)
    manifest = {"format": FORMAT, "size": tiles.size, "block": tiles.block, "dtype": dtype}
    place.mkdir(parents=True, exist_ok=True)
    _begin(place, manifest, probe(tiles))
    done, total = 0, tiles.size * tiles.size
    for rows in tiles.slabs:
        path = _slab_path(place, rows)
        if not path.exists():
            _save(path, _slab(tiles, rows, np.dtype(dtype)))
        height, width = rows.stop - rows.start, tiles.size - rows.start
        done += height * (2 * width - height)
        if progress is not None:
            progress(done, total)
    return StoredTiles(place)


def probe(tiles: Tiles) -> Array:
    """The diagonal and a few columns (n, 4): two matrices that share them are taken for one."""
    count = min(_PROBES, tiles.size)
    indices = np.linspace(0, tiles.size - 1, count).astype(np.intp)
    columns = tiles.columns(np.unique(indices)) if count else np.zeros((0, 0))
    return np.column_stack([tiles.diagonal(), columns])


def same_probe(first: Array, second: Array, epsilon: float) -> bool:
    """Whether two probes are of one matrix, up to the roundoff of computing it again."""
    if first.shape != second.shape:
        return False
    scale = float(np.abs(first).max(initial=0.0))
    return bool(np.abs(first - second).max(initial=0.0) <= _TOLERANCE * epsilon * scale)


def _begin(folder: Path, manifest: dict[str, Any], found: Array) -> None:
    """Write manifest and probe, or make sure that those of the folder are the same."""
    if not np.isfinite(found).all():
        row = int(np.argwhere(~np.isfinite(found))[0, 0])
        raise InputError(f"the kernel matrix is not finite in row {row}")
    if not (folder / _MANIFEST).exists():
        if any(folder.iterdir()):
            raise InputError(f"{folder} is neither empty nor a stored kernel matrix")
        _save(folder / _PROBE, found)
        _write(folder / _MANIFEST, json.dumps(manifest, indent=2) + "\n")
        return
    before = _read_manifest(folder)
    if before != manifest:
        raise InputError(f"{folder} holds another kernel matrix: {before}, and not {manifest}")
    stored = _load_probe(folder)
    epsilon = max(float(np.finfo(manifest["dtype"]).eps), 2.0**-52)
    if not same_probe(stored, found, epsilon):
        raise InputError(f"{folder} holds the matrix of other inputs or of another kernel")


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder} is no folder that store_tiles wrote") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{folder / _MANIFEST} is damaged: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"{folder / _MANIFEST} is not of format {FORMAT}")
    size, block = manifest.get("size"), manifest.get("block")
    sound = isinstance(size, int) and size >= 0 and isinstance(block, int) and block > 0
    if not sound or manifest.get("dtype") not in ("float32", "float64"):
        raise InputError(f"{folder / _MANIFEST} is damaged: {manifest}")
    return manifest


def _load_probe(folder: Path) -> Array:
    try:
        return np.asarray(np.load(folder / _PROBE, allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{folder / _PROBE} is damaged: {error}") from None


def _slab(tiles: Tiles, rows: slice, dtype: np.dtype[Any]) -> NDArray[Any]:
    slab = np.empty((rows.stop - rows.start, tiles.size - rows.start), dtype)
    for columns, tile in tiles.slab(rows):
        slab[:, columns.start - rows.start : columns.stop - rows.start] = tile
    if not np.isfinite(slab).all():
        i, j = (int(k) for k in np.argwhere(~np.isfinite(slab))[0])
        place = f"[{rows.start + i}, {rows.start + j}]"
        raise InputError(f"the kernel matrix has {slab[i, j]} at {place}, in {dtype}")
    return slab


def _slab_path(folder: Path, rows: slice) -> Path:
    return folder / f"rows-{rows.start:06d}.npy"


def _save(path: Path, array: NDArray[Any]) -> None:
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with partial.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
