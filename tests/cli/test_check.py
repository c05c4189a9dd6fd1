"""`ntkc check` and `ntkc fmt`."""

import io
import json
import stat
from types import SimpleNamespace

import pytest

LAYOUT = "network net {\n    input vector[3]\n    dense  # last\n}\n"
LOOSE = "network  net{\n  input vector[3]\n dense # last\n}\n"


def stdin(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))


def test_no_mistakes(ntkc):
    done = ntkc("check", "model.ntk")
    assert (done.status, done.out, done.err) == (0, "1 program: no mistakes\n", "")


def test_mistakes_in_one_of_two(ntkc):
    done = ntkc("check", "model.ntk", "bad.ntk")
    assert done.status == 1
    assert done.out.startswith("error[E0401]: ")
    assert "--> bad.ntk:1:32" in done.out
    assert done.out.endswith("\n2 programs: 1 error\n")
    assert "\033" not in done.out


def test_warnings_are_no_failure(ntkc, folder):
    (folder / "unused.ntk").write_text("let a = 1\n" + (folder / "model.ntk").read_text())
    done = ntkc("check", "unused.ntk")
    assert done.status == 0
    assert "warning[" in done.out
    assert done.out.endswith("1 program: 1 warning\n")


def test_json(ntkc):
    done = ntkc("check", "--format", "json", "bad.ntk", "nowhere.ntk")
    assert done.status == 1
    first, second = json.loads(done.out)
    assert first["code"] == "E0401"
    assert first["file"] == "bad.ntk"
    assert first["range"]["start"] == {"line": 0, "character": 31}
    assert second["code"] == "E0207"
    assert json.loads(ntkc("check", "--format", "json", "model.ntk").out) == []


def test_check_standard_input(ntkc, monkeypatch):
    stdin(monkeypatch, "network net { input vector[3]; relu }")
    assert "<stdin>:1:32" in ntkc("check", "-").out


def test_a_mistake_in_a_shared_import_is_told_once(ntkc, folder):
    (folder / "shared.ntk").write_text("let a = \n")
    for name in ("one.ntk", "two.ntk"):
        (folder / name).write_text('import "shared.ntk"\nnetwork net { input vector[3]; dense }\n')
    done = ntkc("check", "one.ntk", "two.ntk")
    assert done.out.count("error[") <= 2
    assert done.status == 1


def test_in_place(ntkc, folder):
    path = folder / "loose.ntk"
    path.write_text(LOOSE)
    path.chmod(0o640)
    done = ntkc("fmt", "loose.ntk", "model.ntk")
    assert (done.status, done.out, done.err) == (0, "", "reformatted loose.ntk\n")
    assert path.read_text() == LAYOUT
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert ntkc("fmt", "loose.ntk").err == ""
    assert not list(folder.glob(".loose*"))


def test_through_a_link(ntkc, folder):
    (folder / "loose.ntk").write_text(LOOSE)
    (folder / "link.ntk").symlink_to("loose.ntk")
    assert ntkc("fmt", "link.ntk").status == 0
    assert (folder / "link.ntk").is_symlink()
    assert (folder / "loose.ntk").read_text() == LAYOUT


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_nothing_is_changed(ntkc, folder, option):
    (folder / "loose.ntk").write_text(LOOSE)
    done = ntkc("fmt", option, "loose.ntk", "model.ntk")
    assert done.status == 1
    assert (folder / "loose.ntk").read_text() == LOOSE
    if option == "--check":
        assert done.err == "would reformat loose.ntk\n"
    else:
        assert "+++ loose.ntk" in done.out
        assert "+    dense  # last" in done.out
    assert ntkc("fmt", option, "model.ntk").status == 0


def test_format_standard_input(ntkc, monkeypatch):
    stdin(monkeypatch, LOOSE)
    done = ntkc("fmt", "-")
    assert (done.status, done.out) == (0, LAYOUT)


def test_programs_with_mistakes_stay(ntkc, folder):
    (folder / "broken.ntk").write_text("network {")
    (folder / "loose.ntk").write_text(LOOSE)
    done = ntkc("fmt", "broken.ntk", "loose.ntk")
    assert done.status == 1
    assert "error[" in done.err
    assert (folder / "broken.ntk").read_text() == "network {"
    assert (folder / "loose.ntk").read_text() == LAYOUT
