"""Models on disk: what is read is what was written, and nothing else is accepted."""

import contextlib
import copy
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ntkc
from ntkc.fitted import manifest as manifests


@pytest.mark.parametrize("standardize", [True, False])
def test_a_round_trip(kernel: Any, data: Any, tmp_path: Path, standardize: bool) -> None:
    x, y = data
    model = ntkc.fit(
        kernel, x, y, standardize=standardize, params={"w_std": 1.7}, feature_names=["a", "b", "c"]
    )
    found = ntkc.load_model(model.save(tmp_path / "fitted"))
    np.testing.assert_array_equal(found.predict(x), model.predict(x))
    assert found.report == model.report
    assert found.parameters == {"w_std": 1.7}
    assert found.feature_names == ("a", "b", "c")
    for ours, theirs in zip(
        found.predict(x, return_std=True), model.predict(x, return_std=True), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("labels", [["nö", "ja"], [True, False], [2, 5], [2.0, 5.0]])
def test_labels_keep_their_type(kernel: Any, data: Any, tmp_path: Path, labels: Any) -> None:
    y = np.array(labels)[(data[0][:, 0] > 0).astype(int)]
    model = ntkc.fit(kernel, data[0], y, task="classification")
    found = ntkc.load_model(model.save(tmp_path / "fitted"))
    assert found.classes.tolist() == sorted(labels)
    assert found.classes.dtype == model.classes.dtype
    assert (found.predict(data[0]) == model.predict(data[0])).all()


def test_a_program_with_imports_travels_with_its_model(tmp_path: Path, data: Any) -> None:
    (tmp_path / "parts.ntk").write_text("def hidden = dense(b_std = 0.1) -> relu\n")
    (tmp_path / "model.ntk").write_text(
        'import "parts.ntk"\nnetwork net { input vector[3]; hidden; dense }\n'
    )
    model = ntkc.fit(tmp_path / "model.ntk", *data)
    place = model.save(tmp_path / "fitted")
    (tmp_path / "parts.ntk").unlink()
    (tmp_path / "model.ntk").unlink()
    moved = place.rename(tmp_path / "elsewhere")
    np.testing.assert_array_equal(ntkc.load_model(moved).predict(data[0]), model.predict(data[0]))


def test_the_kernels_options_travel_with_its_model(data: Any, tmp_path: Path) -> None:
    source = (
        "network a { input vector[3]; dense; tanh; dense }\nnetwork b { input vector[3]; dense }"
    )
    kernel = ntkc.compile(source=source, network="a", dtype="float32", tolerance=1e-4)
    found = ntkc.load_model(ntkc.fit(kernel, *data).save(tmp_path / "fitted")).bound.kernel
    assert (found.network, found.dtype, found.tolerance) == ("a", np.float32, 1e-4)


def test_there_is_nothing_to_unpickle_or_run(folder: Path) -> None:
    assert {path.suffix for path in folder.rglob("*")} == {".npy", ".ntk", ".json"}
    for path in folder.glob("*.npy"):
        np.load(path, allow_pickle=False)


def test_every_changed_byte_is_found(folder: Path) -> None:
    for path in folder.iterdir():
        whole = path.read_bytes()
        for damaged in (whole[:-9], whole + b" 1", whole[: len(whole) // 2], b""):
            path.write_bytes(damaged)
            with pytest.raises(ntkc.ModelError, match=path.name):
                ntkc.load_model(folder)
        path.unlink()
        with pytest.raises(ntkc.ModelError, match=path.name):
            ntkc.load_model(folder)
        path.write_bytes(whole)
    ntkc.load_model(folder)


def rewrite(folder: Path, change: Any) -> None:
    """Change a manifest and give it a digest that fits, as somebody who means it would."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["digest"]
    change(manifest)
    manifest["digest"] = manifests.manifest_digest(manifest)
    path.write_text(json.dumps(manifest))


def test_a_manifest_that_was_edited(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"ridge": ', '"ridge": 1'))
    with pytest.raises(ntkc.ModelError, match="was changed"):
        ntkc.load_model(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format=99), "format 99, written by ntkc"),
        (lambda m: m.update(kind="something"), "no fitted model"),
        (lambda m: m["files"].update({"../../secret.npy": "0"}), "none of a model"),
        (lambda m: m["files"].update({"/etc/passwd.npy": "0"}), "none of a model"),
        (lambda m: m["files"].update({"run.py": "0"}), "none of a model"),
        (lambda m: m.pop("target"), "lacks or confuses 'target'"),
        (lambda m: m["target"].update(mean=[1.0, 2.0], scale=[1.0, 1.0]), "confuses 'target'"),
        (
            lambda m: m["target"].update(mean=[1.0, 2.0], scale=[1.0, 1.0], flat=False),
            "do not fit together",
        ),
        (lambda m: m["features"].update(count=7, names=None), "do not fit together"),
        (lambda m: m.update(program=[]), "damaged"),
        (lambda m: m.update(files={}), "damaged"),
    ],
)
def test_a_manifest_that_lies(folder: Path, change: Any, message: str) -> None:
    rewrite(folder, change)
    with pytest.raises(ntkc.ModelError, match=message):
        ntkc.load_model(folder)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value in a manifest."""
    yield path
    keys = value if isinstance(value, dict) else range(len(value) if type(value) is list else 0)
    for key in keys:
        yield from places(value[key], (*path, key))


@pytest.mark.parametrize("labels", [False, True])
def test_any_value_may_be_wrong(kernel: Any, data: Any, tmp_path: Path, labels: bool) -> None:
    """Each value of a manifest in turn, replaced by what is none: an error of ours, or a model
    that still predicts numbers. The kernel is made once, so that this takes no compiler's time."""
    y = np.where(data[1] > 0, "a", "b") if labels else data[1]
    model = ntkc.fit(kernel, data[0], y, ridge=0.1, feature_names=["a", "b", "c"])
    folder = model.save(tmp_path / "fitted")
    path, tried = folder / "manifest.json", 0
    whole = json.loads(path.read_text())
    for place in places(whole):
        if not place or place[0] in ("kind", "format", "ntkc", "digest", "details"):
            continue
        for wrong in (None, [], {}, "x", -1.5, True, float("nan"), 10**400, [[["a"]]]):
            changed = copy.deepcopy(whole)
            holder = changed
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = wrong
            tried += 1
            path.write_text(json.dumps(changed))
            rewrite(folder, lambda _: None)
            with contextlib.suppress(ntkc.ModelError, ntkc.ProgramError, ntkc.KernelError):
                found = ntkc.load_model(folder).predict(data[0][:2])
                assert labels or np.isfinite(found).all(), (place, wrong)
    assert tried > 200


def test_arrays_of_another_shape_or_type(folder: Path) -> None:
    """With digests that fit, as somebody who means it would."""
    for name in ("x_train.npy", "dual.npy", "mean.npy", "scale.npy"):
        whole = (folder / name).read_bytes()
        right = np.load(folder / name)
        for wrong in (
            right[:-1], right[None], right.astype(np.int64), right.astype(complex),
            right.astype(str), np.full_like(right, np.nan), np.zeros(0), np.float64(1.0),
        ):  # fmt: skip
            np.save(folder / name, wrong)
            fresh = manifests.digest((folder / name).read_bytes())
            rewrite(folder, lambda m, n=name, d=fresh: m["files"].update({n: d}))
            with pytest.raises(ntkc.ModelError, match="is damaged"):
                ntkc.load_model(folder)
        (folder / name).write_bytes(whole)
        fresh = manifests.digest(whole)
        rewrite(folder, lambda m, n=name, d=fresh: m["files"].update({n: d}))
    ntkc.load_model(folder)


def test_arrays_of_objects_are_never_loaded(folder: Path) -> None:
    np.save(folder / "dual.npy", np.array([{}], object), allow_pickle=True)
    digest = manifests.digest((folder / "dual.npy").read_bytes())
    rewrite(folder, lambda m: m["files"].update({"dual.npy": digest}))
    with pytest.raises(ntkc.ModelError, match=r"dual.npy is damaged"):
        ntkc.load_model(folder)


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ntkc.ModelError, match="there is no folder"):
        ntkc.load_model(tmp_path / "nowhere")
    with pytest.raises(ntkc.ModelError, match="no fitted model"):
        ntkc.load_model(tmp_path)


def test_models_replace_models_and_nothing_else(model: Any, folder: Path, data: Any) -> None:
    other = folder.parent / "precious"
    other.mkdir()
    (other / "thesis.tex").write_text("")
    with pytest.raises(FileExistsError, match="not a fitted model"):
        model.save(other)
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        model.save(folder)
    (folder / "notes.txt").unlink()
    model.save(folder)
    model.save(other, force=True)
    assert ntkc.load_model(other).features == 3
    assert sorted(path.name for path in folder.parent.iterdir()) == ["fitted", "precious"]


def test_a_failure_leaves_what_was_there(
    model: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        model.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["fitted"]


def test_without_permission(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system says it; root, which tests may run as, is refused nothing."""

    def refused(path: Path, *_: object, **__: object) -> None:
        if not path.exists():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(PermissionError, match="fitted"):
        model.save(tmp_path / "fitted")
    assert not any(tmp_path.iterdir())


def test_another_process_reads_a_model(folder: Path, model: Any, data: Any) -> None:
    code = (
        "import sys, ntkc, numpy as np\n"
        "m = ntkc.load_model(sys.argv[1]); print(repr(m.predict(np.eye(3)).tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == model.predict(np.eye(3)).tolist()
