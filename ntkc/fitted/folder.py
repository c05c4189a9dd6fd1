"""A fitted model on disk: a folder of text, arrays and a manifest, and nothing that runs.

    model.ntk        the program, with what it imports beside it
    x_train.npy      training inputs, as the kernel sees them
    dual.npy         the weights
    mean.npy, scale.npy     the standardisation of the inputs, where there is one
    manifest.json    format, options, targets, report, and the SHA-256 of every file and of itself

Every file is checked when it is read; arrays are never unpickled. The checksums find damage and
accidents: they are no signature, and somebody who rewrites all of them is not found out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntkc.api import make_options
from ntkc.artefact.bundle import Bundle, BundledFile
from ntkc.artefact.compiled import CompiledKernel, compile_program
from ntkc.artefact.open_kernel import OpenKernel
from ntkc.artefact.renamed import renamed

from .bound import BoundKernel
from .errors import ModelError
from .inputs import Standardiser
from .manifest import MANIFEST, digest, read_manifest, write_manifest
from .model import FittedModel
from .targets import Coding, LabelCoding, NumberCoding

_LABELS = {"U": "text", "b": "boolean", "i": "integer", "u": "integer", "f": "number"}


def load_model(folder: str | Path) -> FittedModel:
    """Read a model that `FittedModel.save` or `ntkc fit` wrote; its program is compiled here.

    Raises `ModelError` where the folder is not a model, is damaged, or was changed, and
    `ProgramError` where this version of ntkc refuses the program.
    """
    place = Path(folder)
    manifest = read_manifest(place)
    files = {name: _read(place, name, wanted) for name, wanted in manifest["files"].items()}
    try:
        return _assemble(place, manifest, files)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        if isinstance(error, ModelError) or type(error).__module__.startswith("ntkc."):
            raise
        raise ModelError(f"{place} is damaged: the manifest lacks or confuses {error}") from None


def save_model(model: FittedModel, folder: Path, force: bool) -> Path:
    """Write a model beside its place and rename it."""
    if folder.exists() and not force and not _replaceable(folder):
        raise FileExistsError(f"{folder} is there, and is not a fitted model")
    with renamed(folder) as made:
        _write(model, made)
    return folder


def _write(model: FittedModel, folder: Path) -> None:
    kernel = model.bound.kernel
    arrays: dict[str, NDArray[Any]] = {"x_train": model.x_train, "dual": model.dual}
    if model.standardiser is not None:
        arrays |= {"mean": model.standardiser.mean, "scale": model.standardiser.scale}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    bundle = kernel.bundle
    for file in bundle.files:
        path = folder / file.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.text.encode("utf-8", "surrogatepass"))
    names = [f"{name}.npy" for name in arrays] + [file.place for file in bundle.files]
    manifest = {
        "program": [[f.name, f.place, list(f.imports)] for f in bundle.files],
        "options": {**kernel.options, "tolerance": kernel.tolerance},
        "get": model.bound.get,
        "parameters": dict(model.bound.parameters),
        "ridge": model.ridge,
        "features": {"count": model.features, "names": model.feature_names},
        "standardized": model.standardiser is not None,
        "target": _coding_to_json(model.coding),
        "details": model.details,
        "files": {name: digest((folder / name).read_bytes()) for name in names},
    }
    write_manifest(folder, manifest)


def _read(folder: Path, name: str, wanted: str) -> bytes:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.suffix not in (".npy", ".ntk"):
        raise ModelError(f"{folder} names a file {name!r}, which is none of a model")
    try:
        data = (folder / path).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{folder} is not complete: {name} is missing") from None
    if digest(data) != wanted:
        raise ModelError(f"{folder / path} is damaged, or was changed after it was written")
    return data


def _assemble(folder: Path, manifest: dict[str, Any], files: Mapping[str, bytes]) -> FittedModel:
    bundle = Bundle(
        tuple(
            BundledFile(name, files[place].decode("utf-8", "surrogatepass"), tuple(imports), place)
            for name, place, imports in manifest["program"]
        )
    )
    options = manifest["options"]
    chosen = make_options(
        options["network"], options["backend"], options["dtype"], tolerance=options["tolerance"]
    )
    x_train, dual = _array(folder, files, "x_train"), _array(folder, files, "dual")
    kernel: CompiledKernel = compile_program(bundle, chosen)
    if isinstance(kernel, OpenKernel):
        kernel = kernel.at(x_train.shape[1:])
    bound = BoundKernel(kernel, manifest["get"], manifest["parameters"])
    coding = _coding_from_json(manifest["target"])
    count = manifest["features"]["count"]
    if dual.shape != (len(x_train), coding.outputs) or int(np.prod(x_train.shape[1:])) != count:
        raise ModelError(f"{folder} is damaged: its arrays do not fit together")
    scaling = None
    if manifest["standardized"]:
        scaling = Standardiser(_array(folder, files, "mean"), _array(folder, files, "scale"))
        if scaling.mean.shape != (count,) or scaling.scale.shape != (count,):
            raise ModelError(f"{folder} is damaged: its arrays do not fit together")
    names = manifest["features"]["names"]
    return FittedModel(
        bound,
        x_train,
        dual,
        float(manifest["ridge"]),
        coding,
        scaling,
        None if names is None else tuple(names),
        count,
        manifest["details"],
    )


def _array(folder: Path, files: Mapping[str, bytes], name: str) -> NDArray[Any]:
    from io import BytesIO

    try:
        found = np.load(BytesIO(files[f"{name}.npy"]), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ModelError(f"{folder / name}.npy is damaged: {error}") from None
    if found.dtype.kind != "f" or not np.isfinite(found).all():
        raise ModelError(f"{folder / name}.npy is damaged: it must hold finite numbers")
    return np.asarray(found)


def _coding_to_json(coding: Coding) -> dict[str, Any]:
    names = list(coding.names)
    if isinstance(coding, NumberCoding):
        mean, scale = coding.mean.tolist(), coding.scale.tolist()
        return {
            "task": coding.task, "names": names, "mean": mean, "scale": scale, "flat": coding.flat,
        }  # fmt: skip
    classes = coding.classes
    return {
        "task": coding.task, "names": names, "labels": _LABELS[classes.dtype.kind],
        "classes": classes.tolist(),
    }  # fmt: skip


def _coding_from_json(found: dict[str, Any]) -> Coding:
    names = tuple(found["names"])
    if found["task"] == "regression":
        mean, scale = np.array(found["mean"], np.float64), np.array(found["scale"], np.float64)
        return NumberCoding(mean, scale, bool(found["flat"]), names)
    kinds: dict[str, Any] = {
        "text": np.str_, "boolean": np.bool_, "integer": np.int64, "number": np.float64,
    }  # fmt: skip
    return LabelCoding(np.array(found["classes"], kinds[found["labels"]]), names)


def _replaceable(folder: Path) -> bool:
    """Whether a folder is empty, or a model with nothing of anybody else's in it."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    if not any(folder.iterdir()):
        return True
    try:
        manifest = read_manifest(folder)
    except (ModelError, OSError):
        return False
    own = {PurePosixPath(name).parts[0] for name in manifest["files"]} | {MANIFEST}
    return all(entry.name in own for entry in folder.iterdir())
