"""The manifest of a fitted model's folder: what it must hold, and how it is checked.

It carries the SHA-256 of every file and of itself. Whoever rewrites all of them is not found out by
that, so the values are checked too: what is read is a model, or a `ModelError`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ntkc.version import __version__

from .errors import ModelError

FORMAT = 1
KIND = "ntkc fitted model"
MANIFEST = "manifest.json"


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write `content` with what says that it is a manifest, of which format, and its digest."""
    manifest: dict[str, Any] = {"kind": KIND, "format": FORMAT, "ntkc": __version__, **content}
    manifest["digest"] = manifest_digest(manifest)
    text = json.dumps(manifest, indent=2, default=_plain) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """A manifest without its digest, checked. Raises `ModelError`."""
    if not folder.is_dir():
        raise ModelError(f"there is no folder {folder}")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder} is no fitted model: it has no {MANIFEST}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{folder / MANIFEST} is damaged: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise ModelError(f"{folder} is no fitted model")
    if manifest.get("format") != FORMAT:
        raise ModelError(
            f"{folder} is of format {manifest.get('format')}, written by ntkc "
            f"{manifest.get('ntkc')}; this is ntkc {__version__}, which reads format {FORMAT}"
        )
    if manifest.pop("digest", None) != manifest_digest(manifest):
        raise ModelError(f"{folder / MANIFEST} was changed after it was written")
    _require_sound(folder, manifest)
    return manifest


def digest(data: bytes) -> str:
    """The SHA-256 of a file's content."""
    return hashlib.sha256(data).hexdigest()


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """Of everything in a manifest but itself, however it is laid out."""
    return digest(json.dumps(manifest, sort_keys=True, default=_plain).encode())


def _require_sound(folder: Path, manifest: dict[str, Any]) -> None:
    """Raise where an entry is missing, or is not of its kind."""
    for name, sound in _ENTRIES.items():
        if name not in manifest or not sound(manifest[name]):
            raise ModelError(f"{folder} is damaged: the manifest lacks or confuses {name!r}")


def _number(value: Any) -> bool:
    """A finite number; an integer of any length is compared, not converted."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _program(value: Any) -> bool:
    """[name, place, imports] of each file."""
    return isinstance(value, list) and all(
        isinstance(file, list) and len(file) == 3 and _texts(file[:2]) and isinstance(file[2], list)
        for file in value
    )


def _features(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"count", "names"}:
        return False
    count, names = value["count"], value["names"]
    if isinstance(count, bool) or not isinstance(count, int):
        return False
    return names is None or (_texts(names) and len(names) == count)


def _target(value: Any) -> bool:
    if not isinstance(value, dict) or not _texts(value.get("names")):
        return False
    if value.get("task") == "regression":
        return _means(value.get("mean"), value.get("scale"), value.get("flat"))
    return value.get("task") == "classification" and _classes(value)


def _means(mean: Any, scale: Any, flat: Any) -> bool:
    """Mean and scale of each output; one output alone is flat."""
    if not isinstance(mean, list) or not isinstance(scale, list) or not isinstance(flat, bool):
        return False
    if len(mean) != len(scale) or not mean or (flat and len(mean) > 1):
        return False
    return all(map(_number, [*mean, *scale])) and min(scale) > 0


def _classes(value: dict[str, Any]) -> bool:
    """Labels of one type, in order, each once: as `numpy.unique` left them."""
    kinds: dict[Any, Callable[[Any], bool]] = {
        "text": lambda label: isinstance(label, str),
        "boolean": lambda label: isinstance(label, bool),
        "integer": lambda label: isinstance(label, int) and _number(label),
        "number": _number,
    }
    classes, kind = value.get("classes"), value.get("labels")
    if not isinstance(classes, list) or not classes or kind not in list(kinds):
        return False
    if not all(map(kinds[kind], classes)):
        return False
    return all(a < b for a, b in pairwise(classes))


_ENTRIES: dict[str, Callable[[Any], bool]] = {
    "program": _program,
    "options": lambda value: isinstance(value, dict),
    "get": lambda value: value in ("ntk", "nngp"),
    "parameters": lambda value: isinstance(value, dict) and all(map(_number, value.values())),
    "ridge": lambda value: _number(value) and value >= 0,
    "features": _features,
    "standardized": lambda value: isinstance(value, bool),
    "target": _target,
    "details": lambda value: isinstance(value, dict),
    "files": lambda value: isinstance(value, dict) and _texts(list(value.values())),
}
"""What a manifest of this format holds, and how each entry is recognised."""


def _plain(value: object) -> object:
    """What JSON cannot spell, as what it can."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a manifest cannot hold {value!r}")
