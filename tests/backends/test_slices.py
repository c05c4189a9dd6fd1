"""Networks on positions: generated code against the interpreter and the reference cases.

Most networks are run as Python, which compiles nothing; the reference cases as machine code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import ntkc
from ntkc.diagnostics import Source
from ntkc.driver import FrontEnd, Options, front_end, generate
from ntkc.ir.arithmetic import numpy_arithmetic
from ntkc.ir.interpret import interpret
from ntkc.passes.diagonals import diagonals
from ntkc.runtime import Kernel, load_program
from ntkc.runtime.generated import import_generated
from ntkc.runtime.slice_program import SliceProgram
from tests.backends.spatial import spatial_networks

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = (
    "cnn_avgpool",
    "cnn_flatten_same",
    "cnn_flatten_then_mlp",
    "cnn_flatten_valid",
    "cnn_gap_circular",
    "cnn_gap_same",
    "conv_residual",
    "local_conv",
    "myrtle5_8x8",
    "sequence_gap",
)
BOTH = ("nngp", "ntk")


def python_kernel(
    text: str,
    dtype: str,
    folder: Path,
    generator: Callable[[FrontEnd, str], str] = generate,
) -> Kernel:
    """A kernel whose generated functions run as plain Python."""
    front = front_end(Source("<test>", text), Options(dtype=dtype))
    generated = generator(front, dtype)
    digest = blake2b(generated.encode(), digest_size=8).hexdigest()
    path = folder / f"k{digest}.py"
    path.write_text(generated, encoding="utf-8")
    program = load_program(import_generated(path, digest))
    assert isinstance(program, SliceProgram)

    def plain(sliced: Any) -> Any:
        run = sliced.run.py_func
        shared = getattr(sliced.shared, "py_func", None)
        helpers = run.__globals__  # which call one another
        for name, value in list(helpers.items()):
            helpers[name] = getattr(value, "py_func", value)
            if name.startswith("power_of_two_"):
                helpers[name] = np.exp2
        return replace(sliced, run=run, shared=shared)

    tiles = {name: plain(sliced) for name, sliced in program.tiles.items()}
    return Kernel(replace(program, tiles=tiles, own=tuple(map(plain, program.own))))


def check(
    text: str,
    folder: Path,
    dtype: str = "float64",
    rows: tuple[int, int] = (3, 2),
    tolerance: float | None = None,
) -> None:
    """Both kernels, the Gram matrix and the diagonal agree with the interpreter."""
    kernel = python_kernel(text, dtype, folder)
    sizes = kernel.program.input_sizes
    rng = np.random.default_rng(7)
    x1 = rng.standard_normal((rows[0], *sizes))  # type: ignore[arg-type]
    x2 = rng.standard_normal((rows[1], *sizes))  # type: ignore[arg-type]
    module = diagonals(front_end(Source("<test>", text), Options()).module)
    kind = np.float64 if tolerance is None else np.longdouble  # SciPy has no long doubles
    arithmetic, wide1, wide2 = numpy_arithmetic(kind), x1.astype(kind), x2.astype(kind)
    # Float64: a few dozen roundings. Float32: the same, of 6e-8 each, in sums of many entries.
    if tolerance is None:
        tolerance = 1e-12 if dtype == "float64" else 3e-6
    cross = interpret(module, wide1, wide2, arithmetic=arithmetic)
    gram = interpret(module, wide1, wide1, arithmetic=arithmetic)
    found, own = kernel(x1, x2, get=BOTH), kernel(x1, get=BOTH)
    for root in BOTH:
        near(getattr(found, root), cross[root], tolerance)
        diagonal = gram[f"{root}_diagonal"]
        near(kernel.diag(x1, get=root), diagonal, tolerance)
        expected = gram[root].copy()
        np.fill_diagonal(expected, diagonal)
        near(getattr(own, root), expected, tolerance)
        np.testing.assert_array_equal(getattr(own, root), getattr(own, root).T)


def near(found: Any, expected: Any, tolerance: float) -> None:
    """Equal relative to the largest entry."""
    scale = float(np.abs(expected).max()) or 1.0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def network(body: str, input: str = "image[4, 3, 2]") -> str:
    """A program around layers, in which `@` pads with zeros and `@@` wraps around."""
    body = body.replace("@@", "padding = circular").replace("@", "padding = same")
    return f"network net {{\n    input {input}\n    {body}\n}}\n"


ZOO = {
    "valid": "conv(3x2) -> relu -> conv(2x1) -> relu -> flatten -> dense",
    "strides": "conv(3x3, stride = 2, @) -> relu -> global_avg_pool -> dense",
    "dilation": "conv(2x2, dilation = 2, @) -> relu -> global_avg_pool -> dense",
    "wide": "conv(5x3, @) -> relu -> conv(1x1) -> erf -> flatten -> dense",
    "circular": "{ conv(3x3, @@, b_std = 0.1) -> relu } * 3 -> global_avg_pool",
    "mixed": "conv(3x3, @@) -> relu -> conv(3x3, @) -> relu -> flatten",
    "mixed pooled": "conv(3x3, @@) -> relu -> avg_pool(2x1) -> global_avg_pool",
    "sum pool": "conv(3x3, @) -> relu -> sum_pool(2x2, stride = 1) -> flatten -> dense",
    "inside": "conv(3x3, @) -> relu -> avg_pool(3x3, stride = 2, @)"
    " -> conv(2x2) -> relu -> global_avg_pool -> dense",
    "local": "conv(3x3, @) -> relu -> local_conv(2x2, b_std = 0.2) -> relu -> flatten",
    "transposed": "conv(3x3) -> relu -> conv_transpose(2x2, stride = 2) -> relu -> flatten",
    "residual": "conv(3x3, @)\n"
    "    add(relu -> conv(3x3, @), identity)\n"
    "    add(relu -> conv(3x3, stride = 2, @), conv(1x1, stride = 2))\n"
    "    relu -> global_sum_pool -> dense(b_std = 0.3)",
    "pooled branch": "conv(3x3, @)\n"
    "    add(relu -> avg_pool(2x1) -> conv(1), conv(1, stride = 2x1)) -> relu -> global_avg_pool",
    "two spaces": "concat("
    "conv(3x3, @, units = 3) -> relu -> avg_pool(4x3, stride = 4x3),"
    " conv(4x3, units = 2)) -> flatten -> dense",
    "dropout": "conv(3x3, @) -> relu -> dropout(0.3) -> avg_pool(2x1)"
    " -> conv(1x1) -> relu -> flatten -> dense",
    "norm": "conv(3x3, @) -> layer_norm -> relu -> conv(3x3) -> relu -> global_avg_pool",
    "norm over space": "conv(3x3, @) -> layer_norm(axis = [space, channel]) -> relu"
    " -> global_avg_pool -> dense",
    "standard": "conv(2x2, parameterization = standard, units = 4, b_std = 0.1) -> relu"
    " -> flatten -> dense(parameterization = standard)",
    "tail": "conv(2x2) -> relu -> flatten -> { dense(b_std = 0.1) -> relu } * 2 -> dense",
    "smooth": "conv(3x3, @) -> gelu -> conv(3x3, @) -> tanh -> flatten",
    "multiply": "conv(1x1) -> multiply(relu -> conv(2x2), conv(2x2)) -> global_avg_pool -> dense",
}


@pytest.mark.parametrize("name", ZOO)
def test_zoo(name: str, tmp_path: Path) -> None:
    check(network(ZOO[name]), tmp_path)


@pytest.mark.parametrize("name", ["strides", "circular", "inside", "residual", "norm"])
def test_zoo_in_float32(name: str, tmp_path: Path) -> None:
    check(network(ZOO[name]), tmp_path, "float32")


def test_sequences_and_volumes(tmp_path: Path) -> None:
    check(
        network("conv(3, padding = same) -> relu -> avg_pool(2) -> conv(2) -> relu -> flatten",
                "sequence[7, 3]"),
        tmp_path,
    )  # fmt: skip
    check(
        network("conv(2x2x3, padding = same) -> relu -> avg_pool(1x2x2) -> global_avg_pool",
                "volume[2, 3, 4, 2]"),
        tmp_path,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("input", "body"),
    [
        ("image[2, 3, 2]", "conv(5x4, @@) -> relu -> conv(3x7, @@, dilation = 2) -> erf"
         " -> flatten"),
        ("image[4, 3, 2]", "conv_transpose(3x2, @@, stride = 2x1) -> relu -> flatten"),
        ("image[3, 2, 2]", "conv_transpose(2x3, @@, dilation = 2x1) -> erf -> global_avg_pool"),
        ("sequence[3, 2]", "conv(2) -> relu -> avg_pool(5, stride = 1, @@) -> conv(1) -> abs"
         " -> global_avg_pool"),
        ("image[4, 3, 2]", "conv(1) -> abs -> avg_pool(2x3, stride = 1, @) -> conv(2x2, @@) -> erf"
         " -> global_sum_pool"),
        ("image[3, 4, 2]", "conv(2x2, stride = 3x3, @, b_std = 1) -> relu -> flatten"),
        ("image[2, 2, 2]", "conv(5x4, @) -> relu -> conv(4x2, @, dilation = 3) -> erf -> flatten"),
        ("image[1, 1, 3]", "conv(3x3, @) -> relu -> conv(2x2, @@) -> relu -> global_avg_pool"),
        ("volume[3, 2, 1, 2]", "conv(2x3x1, @, stride = 3x1x3) -> relu"
         " -> conv(4x1x1, @, stride = 3x2x1) -> relu -> flatten"),
        ("volume[2, 2, 3, 2]", "conv(1x1x2, @@) -> relu -> avg_pool(2x1x2, stride = 1, @@)"
         " -> conv(1) -> erf -> global_avg_pool"),
        # Padding of both kinds beside a value, where one window or one axis of it needs none.
        ("sequence[3, 2]", "add(conv(3, @), conv(1, @@)) -> relu -> flatten"),
        ("image[4, 3, 2]", "add(conv(3x1, @@), conv(1x3, @)) -> relu -> global_avg_pool"),
    ],
)  # fmt: skip
def test_windows_of_any_reach(input: str, body: str, tmp_path: Path) -> None:
    """Larger than their ring or their image, even, dilated; strides larger than windows."""
    check(network(body + " -> dense", input), tmp_path, tolerance=RING)


@pytest.mark.parametrize(
    "body",
    [
        "conv(2, w_std = 0, b_std = 1) -> relu -> conv(3, @) -> relu -> flatten -> dense",
        "conv(2, w_std = 0, b_std = 1, @) -> relu -> avg_pool(2x1) -> conv(1) -> relu -> flatten",
        "conv(1, w_std = 0) -> relu -> conv(3, @@) -> relu -> global_avg_pool",
        "conv(2, w_std = 0, trainable = false) -> relu -> conv(2, @) -> flatten",
        "conv(2) -> add(relu -> conv(1, w_std = 0, b_std = 1), identity) -> gelu -> flatten",
        "conv(2) -> step -> conv(2, @) -> relu -> flatten",
        "conv(2) -> polynomial([1]) -> conv(2, @) -> flatten",
        "normalize(axis = channel) -> avg_pool(2x1) -> conv(1) -> relu -> flatten -> dense",
        "conv(2, trainable = false) -> layer_norm -> sum_pool(2x1) -> conv(1) -> flatten",
        "concat(conv(1, units = 1, trainable = false), conv(1, units = 2, trainable = false))"
        " -> avg_pool(2x1) -> normalize(axis = channel) -> avg_pool(1x2) -> conv(1) -> flatten",
        "conv(2) -> polynomial([1]) -> conv_transpose(2) -> local_conv(2) -> global_avg_pool",
    ],
)
def test_what_no_input_moves_has_positions(body: str, tmp_path: Path) -> None:
    """Constant covariances, and slopes that are 0, below windows and pools."""
    check(network(body), tmp_path)


@pytest.mark.parametrize(
    ("input", "body"),
    [
        # Weights that are not shared, beside a value that is needed at all displacements.
        ("sequence[4, 2]", "add(local_conv(1), dense) -> global_avg_pool"),
        ("sequence[4, 2]", "dense -> add(relu -> local_conv(3, @), identity) -> relu -> avg_pool(2)"
         " -> flatten"),
        ("image[4, 2, 2]", "dense -> add(relu -> local_conv(3, stride = 2, @@),"
         " conv(3, stride = 2, @@)) -> relu -> global_avg_pool"),
        ("sequence[6, 2]", "concat(local_conv(2), conv(2) -> relu -> conv(3, stride = 3),"
         " axis = space) -> relu -> global_avg_pool"),
        # A stride beside a value that is needed at all displacements: a network like a U.
        ("sequence[4, 2]", "dense -> add(identity, relu -> conv(2, stride = 2) -> relu"
         " -> conv_transpose(2, stride = 2)) -> relu -> global_avg_pool"),
        ("image[2, 4, 1]", "add(dense, conv(1, stride = 2) -> conv_transpose(2, stride = 2))"
         " -> avg_pool(2, stride = 1) -> flatten"),
        # Strides without a common multiple among the displacements.
        ("sequence[6, 2]", "dense -> relu -> concat(conv(1, stride = 2), conv(1, stride = 3),"
         " dense, axis = space) -> relu -> global_avg_pool"),
        ("sequence[12, 1]", "concat(conv(1, stride = 2), conv(1, stride = 3) -> relu"
         " -> conv(1, stride = 2, @@), conv(2, stride = 4, @), axis = space) -> avg_pool(2)"
         " -> global_avg_pool"),
        # A ring beside values of another length.
        ("sequence[3, 1]", "concat(conv_transpose(2, @@, b_std = 0.3), dense, axis = space)"
         " -> global_avg_pool"),
        ("image[2, 1, 1]", "concat(dense, conv_transpose(1) -> relu -> conv(2x1, @@),"
         " axis = height) -> relu -> avg_pool(1x1) -> global_avg_pool"),
        ("image[3, 5, 1]", "multiply(conv(1, stride = 3) -> conv(2, @@) -> relu"
         " -> conv_transpose(2x4), conv(2x5) -> conv_transpose(1x5)) -> global_avg_pool"),
    ],
)  # fmt: skip
def test_branches_that_need_other_displacements(input: str, body: str, tmp_path: Path) -> None:
    check(network(body + " -> dense", input), tmp_path, tolerance=RING)


def test_many_channels_are_a_loop(tmp_path: Path) -> None:
    check(network("conv(2x2) -> relu -> global_avg_pool", "image[3, 3, 12]"), tmp_path)


def test_lanes_and_tails(tmp_path: Path) -> None:
    """More inputs than lanes: full groups, rows before them, and pairs one by one."""
    check(network("conv(2) -> relu -> flatten -> dense", "sequence[3, 2]"), tmp_path, rows=(19, 9))


RING = 2e-9 if np.finfo(np.longdouble).eps < 1e-18 else 1e-7
"""A window that goes around a ring, or a norm over space, makes entries coincide up to rounding.
Generated code tells that they do; the interpreter keeps half of the digits of its numbers there (a
few roundings of 1e-19, where long doubles have 64 bits)."""


@settings(max_examples=25, deadline=None)
@given(spatial_networks())
def test_random_networks(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    check(text, tmp_path_factory.mktemp("random"), rows=(2, 2), tolerance=RING)


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(spatial_networks())
def test_many_random_networks(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    check(text, tmp_path_factory.mktemp("random"), rows=(2, 2), tolerance=RING)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_reference(name: str, dtype: str) -> None:
    """Float64 to 1e-10, where the reference is as good: at coincident pairs it is right to 1e-8."""
    case = np.load(REFERENCE / f"{name}.npz")
    kernel = ntkc.compile(REFERENCE / f"{name}.ntk", dtype=dtype)
    found = kernel(case["x1"], case["x2"], get=BOTH)
    own = kernel(case["x1"], get=BOTH)
    for root in BOTH:
        expected = case[root]
        loose = 1e-5 if dtype == "float32" else 3e-8
        tolerance = np.full(expected.shape, 1e-5 if dtype == "float32" else 1e-10)
        tolerance[0, 0] = loose  # the first row of x2 is that of x1
        assert np.all(np.abs(getattr(found, root) - expected) <= tolerance * np.abs(expected).max())
        if f"{root}_self" in case:
            near(getattr(own, root), case[f"{root}_self"], loose)


def test_stages_share_routines() -> None:
    """Four stages of other sizes are calls of the routines that three stages are: no more code."""

    def routines(stages: int) -> list[str]:
        stage = "(conv(3x3, padding = same) -> relu) * 2 -> avg_pool(2x2)\n"
        text = "network net {\ninput image[16, 16, 2]\n" + stage * stages + "flatten\ndense\n}\n"
        kernel = ntkc.compile(source=text, dtype="float32")
        source = (kernel.path / "kernel.py").read_text()
        return re.findall(r"^def (?:step|push|take|add|give)_\d+", source, re.MULTILINE)

    assert routines(4) == routines(3)


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ("conv(3x3, @) -> relu -> flatten", True),
        ("conv(3x3, stride = 2, @) -> relu -> conv(3x3, stride = 2, @) -> flatten", True),
        ("conv(2x3, stride = 3x2) -> relu -> flatten", True),
        ("conv(1x2, stride = 2x1, @) -> erf -> global_avg_pool", True),
        ("conv(2x2, dilation = 2, @) -> relu -> global_avg_pool", True),
        ("avg_pool(3x3, stride = 1, @) -> conv(1) -> relu -> flatten", False),
        ("conv(3x3, @@) -> relu -> global_avg_pool", False),
        ("conv(7x3, @) -> relu -> global_avg_pool", True),
        ("add(conv(3x3, @), conv(1x1)) -> relu -> global_avg_pool", False),
    ],
)
def test_products_are_made_as_a_window_reads_them(body: str, made: bool, tmp_path: Path) -> None:
    """By the first window, where it alone reads them and goes around nothing."""
    text = network(body + " -> dense", "image[6, 5, 2]")
    check(text, tmp_path, tolerance=RING)
    (path,) = tmp_path.glob("k*.py")
    assert ("into = " in path.read_text(encoding="utf-8")) == made


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_loops_without_vectors_give_the_same(dtype: str, tmp_path: Path) -> None:
    text = (
        "network net { input image[5, 4, 2]; conv(3x3, padding = same, b_std = 0.1) -> relu;"
        " avg_pool(2x2, stride = 1, padding = same); conv(3x2, stride = 2, padding = same) -> erf;"
        " conv(2x2, dilation = 2, padding = circular) -> relu; global_avg_pool; dense }"
    )

    def portable(front: FrontEnd, dtype: str) -> str:
        return generate(front, dtype, vectors=False)

    x = np.random.default_rng(0).standard_normal((4, 5, 4, 2)).astype(dtype)
    one, other = (
        python_kernel(text, dtype, tmp_path),
        python_kernel(text, dtype, tmp_path, portable),
    )
    tolerance = 1e-14 if dtype == "float64" else 2e-6  # windows are summed in another order
    for found, expected in zip(one(x, get=BOTH), other(x, get=BOTH), strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance)


@pytest.mark.parametrize("count", [1, 8, 15, 16, 17, 31, 32, 40, 48, 50, 64])
def test_blocks_on_the_diagonal_share_their_lanes(count: int) -> None:
    """Every entry is settled, whatever blocks there are: the cross-Gram matrix has none on a
    diagonal."""
    kernel = ntkc.compile(
        source="network net { input image[2, 3, 1]; conv(3x3, padding = same) -> relu;"
        " conv(2x2, stride = 2, padding = same) -> relu; global_avg_pool; dense }"
    )
    x = np.random.default_rng(count).standard_normal((count, 2, 3, 1))
    done: list[int] = []
    gram = kernel(x, progress=lambda settled, total: done.append(settled))
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_allclose(gram, kernel(x, x.copy()), rtol=1e-13)
    assert max(done) == count**2
