"""Which word was meant: near ones are found, far ones not offered, and hostile ones are cheap."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ntkc.diagnostics import foreign
from ntkc.diagnostics.suggest import closest, did_you_mean
from ntkc.layers.base.known import PLANNED, WITHOUT_LIMIT
from ntkc.network.builtins import activation_names, layer_names

WORDS = ["dense", "flatten", "relu", "gelu", "leaky_relu", "layer_norm", "global_avg_pool", "conv"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("dens", "dense"),
        ("Dense", "dense"),
        ("FLATTEN", "flatten"),
        ("fltaten", "flatten"),
        ("LeakyReLU", "leaky_relu"),
        ("layer-norm", "layer_norm"),
        ("global_average_pool", "global_avg_pool"),
        ("gllu", "gelu"),
        ("glob", "global_avg_pool"),
        ("avg_pool", "global_avg_pool"),
        ("convolution", None),
        ("xyzzy", None),
        ("", None),
        ("r", None),
        ("a" * 100_000, None),
    ],
)
def test_closest(word: str, meant: str | None) -> None:
    assert closest(word, WORDS) == meant


def test_the_nearest_of_several_is_meant() -> None:
    assert closest("stride", ["strides", "stride_", "strike"]) == "stride_"
    assert closest("rel", ["real", "relu", "rely"]) == "real"  # as near: in alphabetical order


def test_question() -> None:
    assert did_you_mean("dens", WORDS) == "did you mean `dense`?"
    assert did_you_mean("dens", WORDS, quote="") == "did you mean dense?"
    assert did_you_mean("xyzzy", WORDS) == ""


def test_there_is_one_finder_and_that_of_the_runtime() -> None:
    package = Path(__file__).parents[2] / "ntkc"
    users = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"get_close_matches|SequenceMatcher", path.read_text(encoding="utf-8"))
    }
    assert users == {"runtime/options.py"}


def test_what_is_told_to_write_exists() -> None:
    known = {*layer_names(), *activation_names(), *PLANNED, *WITHOUT_LIMIT, ""}
    for name in foreign._LAYERS:
        found = foreign.layer(name)
        assert found is not None, name
        assert found[0] in known
        assert any(found)


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("nn.Linear", "write `dense`: layers are infinitely wide, so it has no width"),
        ("tf.keras.layers.AveragePooling2D", "write `avg_pool`"),
        ("Sequential", "layers are composed by `->`: `dense -> relu -> dense`"),
        ("mystery", ""),
    ],
)
def test_layers_of_other_libraries(name: str, help: str) -> None:
    assert foreign.layer_help(name) == help


def test_arguments_are_offered_where_the_layer_has_them() -> None:
    assert foreign.argument_help("kernel_size", ("k", "stride")) == "write `k`"
    assert foreign.argument_help("kernel_size", ("w_std",)) == ""
    assert foreign.argument_help("filters", ("k",)) == "layers are infinitely wide: leave it out"
