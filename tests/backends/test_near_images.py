"""Nearly coincident inputs on positions: the program over distances, and who goes through it.

Against the recursion in 40 digits, at images that differ by 1e-2 to 1e-10, relatively.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import ntkc
from ntkc.diagnostics import Source
from ntkc.driver import Options, emitted_slices, front_end, middle_for_near_images
from ntkc.ir.arithmetic import numpy_arithmetic
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.interpret import interpret
from ntkc.ir.module import Module
from ntkc.ir.verify import watch
from ntkc.passes.diagonals import diagonals
from ntkc.passes.distances import expand_distances, has_distances
from ntkc.passes.expand import expand
from ntkc.runtime import Kernel, near_images
from ntkc.runtime.near_images import near_pairs
from tests.backends.spatial import spatial_networks
from tests.backends.test_slices import RING, near, network, python_kernel

BOTH = ("nngp", "ntk")
APART = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 0.0)
EXACT = 1e-14
"""Some tens of roundings: none of them is magnified near coincidence."""

JUMP = 1e-11
"""Behind a jump: angles are known to a rounding, 1e-16; `step` makes complements of them, and their
roots are the next angles, 1e-5 where the inputs differ by 1e-10."""

SEQUENCES = {
    "flatten": "conv(2, @, b_std = 0.1) -> relu -> conv(2, @) -> relu -> flatten -> dense",
    "tail": "conv(2) -> relu -> flatten -> { dense(b_std = 0.1) -> relu } * 2 -> dense",
    "norm": "conv(2) -> erf -> local_conv(2) -> layer_norm -> leaky_relu(0.1) -> dropout(0.2)"
    " -> conv(1) -> relu -> flatten -> dense",
    "norm over space": "conv(2, @) -> layer_norm(axis = [space, channel]) -> abs"
    " -> global_avg_pool",
    "blocks": "concat(conv(1) -> relu -> conv(2, @), conv(1), axis = length) -> relu -> conv(1)"
    " -> hard_tanh -> flatten",
    "transposed": "conv(2, @) -> relu -> conv_transpose(2, stride = 2) -> relu -> global_avg_pool",
    "residual": "conv(2, @, b_std = 0.3) -> add(relu -> conv(2, @), identity) -> relu"
    " -> global_sum_pool -> dense",
    "multiply": "conv(1) -> multiply(relu -> conv(2), conv(2)) -> conv(1) -> relu -> flatten",
    "smooth and deep": "{ conv(2, @, w_std = 2) -> erf } * 5 -> flatten",
    "jump": "conv(1) -> step -> conv(1) -> relu -> flatten",
}
IMAGES = {
    "pooled at the end": "conv(2x2, @) -> relu -> conv(2x1, stride = 2x1, @) -> relu"
    " -> global_avg_pool -> dense",
    "around": "conv(2x2, @@) -> relu -> conv(2x2, @@) -> relu -> global_avg_pool",
    "inside": "conv(2x2) -> relu -> conv(1x2) -> relu -> flatten",
}


def text_of(name: str) -> str:
    """The program."""
    if name in SEQUENCES:
        return network(SEQUENCES[name], "sequence[4, 2]")
    return network(IMAGES[name], "image[3, 3, 2]")


def understood(text: str) -> Module:
    """The recursion."""
    return diagonals(front_end(Source("<test>", text), Options()).module)


def exact(module: Module, x1: Any, x2: Any) -> dict[str, Any]:
    """Kernels from the recursion in 40 digits, rounded once."""
    arithmetic = mpmath_arithmetic(40)
    convert = np.frompyfunc(lambda value: arithmetic.number(0) + float(value), 1, 1)
    found = interpret(module, convert(x1), convert(x2), None, arithmetic)
    return {root: value.astype(float) for root, value in found.items()}


def near_kernel(text: str, folder: Path) -> Kernel:
    """The program for nearly coincident inputs, as plain Python."""

    def generated(front: Any, dtype: str) -> str:
        program = middle_for_near_images(front.module, watch)
        assert program is not None
        return emitted_slices(front, program)

    return python_kernel(text, "float64", folder, generated)


def inputs_apart(sizes: Any) -> tuple[Any, Any]:
    """An input, and others that differ from it by `APART`."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((1, *sizes))
    return x, np.concatenate([x + e * rng.standard_normal(x.shape) for e in APART])


@pytest.mark.parametrize("name", [*SEQUENCES, *IMAGES])
def test_program(name: str, tmp_path: Path) -> None:
    text = text_of(name)
    kernel = near_kernel(text, tmp_path)
    assert kernel.program.differences  # type: ignore[union-attr]
    x, z = inputs_apart(kernel.program.input_sizes)
    expected = exact(understood(text), x, z)
    found = kernel(x, z, get=BOTH)
    for root in BOTH:
        limit = JUMP if name == "jump" else EXACT
        np.testing.assert_allclose(getattr(found, root), expected[root], rtol=limit)
        own = expected[f"{root}_diagonal"]
        np.testing.assert_allclose(kernel.diag(x, get=root), own, rtol=EXACT)


@pytest.mark.parametrize("name", ["norm", "blocks", "transposed", "around", "multiply"])
def test_pass_preserves_values(name: str) -> None:
    """At every pair of positions, far apart too: the interpreter of both forms."""
    module = understood(text_of(name))
    sizes = module.input.sizes
    rng = np.random.default_rng(5)
    x, z = rng.standard_normal((2, 2, *sizes))  # type: ignore[arg-type]
    one, two = (interpret(made(module), x, z) for made in (expand, expand_distances))
    for root in BOTH:  # diagonals are no pairs
        np.testing.assert_allclose(two[root], one[root], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_matrices(dtype: str) -> None:
    """A batch with near, equal, scaled and other images, with another and with itself."""
    text = network(
        "conv(2x2, @, b_std = 0.1) -> relu -> global_avg_pool -> dense", "image[3, 2, 2]"
    )
    kernel = ntkc.compile(source=text, dtype=dtype)
    rng = np.random.default_rng(2)
    x, noise = rng.standard_normal((2, 4, 3, 2, 2))
    z = np.stack([x[0], x[0] + 1e-4 * noise[0], 1.5 * x[1], noise[2], x[2] + 1e-3 * noise[3]])
    x, z = x.astype(dtype), z.astype(dtype)
    limit = EXACT if dtype == "float64" else 2e-7  # rounded once
    for root in BOTH:
        expected = exact(understood(text), x, z)[root]
        np.testing.assert_allclose(kernel(x, z, get=root), expected, rtol=limit)
        whole = kernel(np.concatenate([x, z]), get=root)
        np.testing.assert_array_equal(whole, whole.T)
        np.testing.assert_allclose(whole[:4, 4:], expected, rtol=limit)


def test_only_near_pairs_load_their_program() -> None:
    text = network("conv(2x1) -> relu -> flatten -> dense", "image[2, 2, 2]")
    kernel = ntkc.compile(source=text)

    def refuse() -> Any:
        raise AssertionError("loaded")

    guarded = Kernel(replace(kernel.program, near=refuse))  # type: ignore[type-var]
    x = np.random.default_rng(0).standard_normal((5, 2, 2, 2))
    x[3], x[4] = x[0], 0.0  # equal inputs coincide, and zeros are near to none
    np.testing.assert_array_equal(guarded(x), kernel(x))
    x[3] *= 1.0 + 1e-9
    with pytest.raises(AssertionError, match="loaded"):
        guarded(x)


@pytest.mark.parametrize("budget", [1, 10_000, 1 << 28])
@pytest.mark.parametrize("symmetric", [True, False])
def test_which_pairs_are_near(budget: int, symmetric: bool) -> None:
    """Every block size finds what all products at once do."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((40, 3, 2))
    x[10:20] = x[:10] + 0.01 * rng.standard_normal((10, 3, 2))
    x[20] = x[21] = 0.0
    z = x if symmetric else np.concatenate([x[5:15] * 2, x[::3]])
    flat = [array.reshape(len(array), -1) for array in (x, z)]
    flat = [rows / np.maximum(np.linalg.norm(rows, axis=1), 1e-300)[:, None] for rows in flat]
    wanted = flat[0] @ flat[1].T > 1 - 0.01
    wanted &= (x[:, None] != z[None]).any(axis=(2, 3))
    if symmetric:
        wanted = np.triu(wanted, 1)
    found = [pair for rows, cols in near_pairs([x] if symmetric else [x, z], 0.01, budget)
             for pair in zip(rows.tolist(), cols.tolist(), strict=True)]  # fmt: skip
    assert len(found) == len(set(found)) > 5
    assert set(found) == set(zip(*map(np.ndarray.tolist, np.nonzero(wanted)), strict=True))


@pytest.mark.parametrize("scale", [1e-22, 1e-18, 1.0, 1e15, 1e25])
def test_float32_products_rule_out_no_near_pair(scale: float) -> None:
    """Whatever their size: products that lose digits, or overflow, are not asked."""
    rng = np.random.default_rng(6)
    x = (scale * rng.standard_normal((60, 5, 4))).astype(np.float32)
    z = (scale * rng.standard_normal((30, 5, 4))).astype(np.float32)
    x[7] = 0.0
    assert not list(near_pairs([x], 0.01, 1 << 28))
    z[:3] = (x[20:23] * (1 + 0.05 * rng.standard_normal((3, 5, 4)))).astype(np.float32)
    both = np.concatenate([x, z])
    for inputs, start in (([x, z], 0), ([both], 60)):
        ((rows, columns),) = near_pairs(inputs, 0.01, 1 << 28)
        assert (rows.tolist(), columns.tolist()) == ([20, 21, 22], [start, start + 1, start + 2])


def test_smooth_networks_have_no_such_program() -> None:
    text = network("conv(2x1) -> erf -> flatten -> dense", "image[2, 2, 2]")
    kernel = ntkc.compile(source=text)
    assert kernel.program.near is None  # type: ignore[union-attr]
    assert not (kernel.path / "near.py").exists()


def test_saved_kernels_have_it(tmp_path: Path) -> None:
    text = network("conv(2x1) -> relu -> flatten -> dense", "image[2, 2, 2]")
    kernel = ntkc.compile(source=text)
    folder = kernel.save(tmp_path)
    spec = importlib.util.spec_from_file_location("saved_near", folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["saved_near"] = module
    try:
        spec.loader.exec_module(module)
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2, 2, 2, 2))
        x[1] = x[0] + 1e-7 * x[1]
        expected = exact(understood(text), x, x)["ntk"]
        np.testing.assert_allclose(module.kernel(x), expected, rtol=EXACT)
        assert kernel.save(tmp_path) == folder  # it is known for an artefact again
    finally:
        for name in [n for n in sys.modules if n.startswith("saved_near")]:
            del sys.modules[name]


def test_many_near_pairs_go_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pairs of a batch in a narrow cone, by chunks of 5, in little memory, and at once."""
    text = network("conv(2x1) -> relu -> flatten -> dense", "image[2, 2, 2]")
    kernel = ntkc.compile(source=text)
    rng = np.random.default_rng(4)
    x = rng.standard_normal((1, 2, 2, 2)) + 1e-6 * rng.standard_normal((21, 2, 2, 2))
    whole = kernel(x)
    np.testing.assert_array_equal(kernel(x, memory="200KiB"), whole)
    monkeypatch.setattr(near_images, "_CHUNK", 5)
    np.testing.assert_array_equal(kernel(x), whole)
    np.testing.assert_allclose(whole, exact(understood(text), x, x)["ntk"], rtol=EXACT)


@settings(max_examples=15, deadline=None)
@given(spatial_networks(products=False))
def test_random_networks(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    check_random(text, tmp_path_factory.mktemp("near"))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(spatial_networks(products=False))
def test_many_random_networks(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    check_random(text, tmp_path_factory.mktemp("near"))


def check_random(text: str, folder: Path) -> None:
    """Far and near inputs, in every geometry; pools and rings keep half of the digits.

    Products of kinks behind pools keep a digit less than the others, so there are none here.
    """
    module = understood(text)
    if not has_distances(module):
        return
    kernel = near_kernel(text, folder)
    x, z = inputs_apart(kernel.program.input_sizes)
    z = np.concatenate([z[[0, 2, 5]], z[:1][..., ::-1]])
    wide = numpy_arithmetic(np.longdouble)
    expected = interpret(module, x.astype(np.longdouble), z.astype(np.longdouble), None, wide)
    with np.errstate(divide="ignore", invalid="ignore"):  # at variance 0, and not chosen
        found = kernel(x, z, get=BOTH)
    for root in BOTH:
        near(getattr(found, root), expected[root], RING)
