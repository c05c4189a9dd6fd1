"""The examples run, and print what their texts promise."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ntkc

FOLDER = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
Run = Callable[..., str]


def load(name: str) -> object:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an example's small version, elsewhere and with an empty cache; what it prints."""
    monkeypatch.setenv("NTKC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run_example(name: str, *more: str) -> str:
        load(name).main(["--small", *more])  # type: ignore[attr-defined]
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return run_example


def table(text: str) -> list[list[float]]:
    """The rows of numbers in a printed table."""
    rows = (line.split("|")[0].replace("±", "").split() for line in text.splitlines())
    return [[*map(float, row)] for row in rows if row and all(map(is_number, row))]


def is_number(word: str) -> bool:
    return re.fullmatch(r"-?[\d.]+(e-?\d+)?", word) is not None


def test_convolutional_digits(run: Run) -> None:
    output = run("convolutional_digits")
    accuracies = [float(found) for found in re.findall(r"([\d.]+)%", output)]
    assert len(accuracies) == 6
    assert accuracies[-1] >= 93


def test_digits(run: Run) -> None:
    output = run("digits")
    accuracies = [float(found) for found in re.findall(r"([\d.]+)%", output)]
    assert len(accuracies) == 6
    assert output.count("fold") == 5
    assert accuracies[-1] >= 96
    assert accuracies[-1] == pytest.approx(sum(accuracies[:5]) / 5, abs=0.01)


def test_uncertainty(run: Run) -> None:
    rows = table(run("uncertainty"))
    assert [row[0] for row in rows] == [-3, -2, -1, 0, 1, 2, 3]
    for x, true, mean, deviation, trained, spread in rows:
        assert deviation <= spread
        assert abs(mean - true) < 3 * deviation + 0.001
        assert (deviation == 0) == (x == -2)
        assert abs(trained - mean) < 0.5


def test_width(run: Run) -> None:
    output = run("width")
    rows = table(output)
    assert [row[0] for row in rows] == [16, 64, 256]
    assert rows[0][1] > rows[1][1] > rows[2][1]
    assert rows[0][2] > rows[1][2] > rows[2][2]
    rates = [float(found) for found in re.findall(r"width\^(-[\d.]+) \(", output)]
    assert rates == pytest.approx([-0.5, -0.5], abs=0.15)


def test_near_duplicates(run: Run) -> None:
    rows = re.findall(r"^(float\d\d) +(\S+) +(\S+) +(\S+) +(\S+)$", run("near_duplicates"), re.M)
    errors = {(row[0], float(row[1])): (float(row[3]), float(row[4])) for row in rows}
    for (dtype, angle), (_, ours) in errors.items():
        assert ours < (1e-3 if dtype == "float32" else 1e-14 / angle + 1e-12)
    assert errors["float64", 1e-8][0] > 0.1
    assert errors["float32", 1e-4][0] > 0.1


def test_params(run: Run) -> None:
    output = run("params")
    rows = table(output)
    assert [row[:2] for row in rows] == [[0.5, 0], [0.5, 1], [2, 0], [2, 1]]
    best = max(rows, key=lambda row: row[2])
    assert f"best: w_std = {best[0]:g}, b_std = {best[1]:g}" in output


def test_saved_kernel(run: Run) -> None:
    output = run("saved_kernel")
    assert "mlp/kernel.py\n" in output
    assert "elsewhere: <kernel mlp: vector[64], float64, w_std=1.4>\n" in output
    assert "SymPy imported: False, Lark: False\n" in output
    assert output.endswith("to the last bit: True\n")


def drawn(run: Run, name: str, tmp_path: Path) -> str:
    """What an example prints, which has drawn a picture on the way."""
    picture = tmp_path / "picture.png"
    output = run(name, "--plot", str(picture))
    assert output.endswith(f"drawn to {picture}\n")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000
    return output


def test_calibration(run: Run, tmp_path: Path) -> None:
    output = drawn(run, "calibration", tmp_path)
    rows = [[float(v) for v in re.findall(r"([\d.]+)%", line)] for line in output.splitlines()]
    rows = [row for row in rows if row]
    assert [row[0] for row in rows] == [10, 30, 50, 70, 80, 90]
    for level, whole, process, sampling in rows:
        assert abs(whole - level) < 3 * sampling
        assert process < level - 2 * sampling
    explained = re.search(r"explained variance: ([\d.]+)", output)
    assert explained is not None
    assert float(explained[1]) > 0.4


def test_dynamics(run: Run, tmp_path: Path) -> None:
    output = drawn(run, "dynamics", tmp_path)
    best = re.search(r"^ *(\S+) +(\S+) +(\S+)  <- least test error$", output, re.MULTILINE)
    assert best is not None
    rows = table(output.replace("  <- least test error", "").replace("e+0", "e"))
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    assert min(row[2] for row in rows) == float(best[3]) < 0.9 * rows[-1][2]


def test_finite_width(run: Run, tmp_path: Path) -> None:
    output = drawn(run, "finite_width", tmp_path)
    rows = table(output)
    assert [row[0] for row in rows] == [32, 128, 512]
    assert rows[0][1] > rows[1][1] > rows[2][1]
    found = re.search(r"gap ~ width\^(-[\d.]+) ± ([\d.]+)", output)
    assert found is not None
    exponent, error = float(found[1]), float(found[2])
    assert error < 0.05
    assert abs(exponent + 0.5) < 2 * error


def test_a_finite_network_is_trained_by_the_gradient_of_its_loss() -> None:
    module: Any = load("finite_width")
    rng = np.random.default_rng(0)
    x, y, rate, change = rng.standard_normal((5, 3)), rng.standard_normal(5), 0.1, 1e-6
    net = module.start(4, 3, rng)
    moved = module.step(net, x, y, rate)

    def loss(parameters: Any) -> float:
        return float(np.sum((module.Network(*parameters)(x) - y) ** 2) / 10)

    for place, before in enumerate(net):
        direction = rng.standard_normal(np.shape(before))
        values = []
        for sign in (1, -1):
            parameters = list(net)
            parameters[place] = before + sign * change * direction
            values.append(loss(parameters))
        slope = (values[0] - values[1]) / (2 * change)
        gradient = (np.asarray(before) - moved[place]) / rate
        assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-6)


def test_learning_curve(run: Run, tmp_path: Path) -> None:
    output = drawn(run, "learning_curve", tmp_path)
    sphere, digits = output.split("digits\n")
    found = re.findall(r"([-+][\d.]+) standard errors", sphere)
    assert len(found) == 6
    assert max(abs(float(value)) for value in found) < 2
    found = re.findall(r"([-+][\d.]+)%", digits)
    assert len(found) == 6
    assert max(abs(float(value)) for value in found) < 10


def test_breast_cancer(run: Run) -> None:
    output = run("breast_cancer")
    rows = re.findall(r"^ *(\d|mean) +([\d.]+)% +([\d.]+)% +([\d.]+) +([\d.]+)$", output, re.M)
    parts, mean = [[*map(float, row[1:])] for row in rows[:5]], [*map(float, rows[5][1:])]
    assert len(rows) == 6
    for column in range(4):
        assert mean[column] == pytest.approx(sum(row[column] for row in parts) / 5, abs=0.01)
    assert mean[3] < mean[2]
    assert "gradients by the compiler" in output
    assert "leave-one-out mean squared error" in output


def test_every_example_is_tested() -> None:
    assert {f"test_{name}" for name in NAMES} <= set(globals())


@pytest.mark.parametrize("name", NAMES)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = load(name)
    with pytest.raises(SystemExit, match="0"):
        module.main(["--help"])  # type: ignore[attr-defined]
    assert "--small" in capsys.readouterr().out
    assert f"python examples/{name}.py" in (module.__doc__ or "")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ntk")), ids=lambda path: path.name)
def test_programs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ntkc.check(path) == []
    assert ntkc.format(text) == text
