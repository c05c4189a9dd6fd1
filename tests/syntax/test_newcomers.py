"""What newcomers write, and what they are told: how to write it right, once for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from ntkc.diagnostics import Diagnostic, Diagnostics, Kind, Source
from ntkc.driver import check
from ntkc.syntax.files import read_source

VECTOR, IMAGE = "vector[784]", "image[32, 32, 3]"


def said(diagnostic: Diagnostic) -> str:
    labels = [diagnostic.primary, *diagnostic.secondary]
    texts = [label.text for label in labels if label is not None]
    return " | ".join([diagnostic.message, *texts, *diagnostic.help])


def told(text: str, *wanted: tuple[str, str]) -> None:
    """The program gets these codes, in order, each with its phrase."""
    found = check(Source("net.ntk", text))
    assert [(d.code, phrase in said(d)) for d, (_, phrase) in zip(found, wanted, strict=True)] == [
        (code, True) for code, _ in wanted
    ], [said(d) for d in found]
    assert all(d.primary is not None for d in found)


# (a network's body, the code, what it must say)
BODIES = [
    # Widths
    ("dense(512) -> relu -> dense", "E0328", "`dense` has no width: layers are infinitely wide"),
    ("dense(1.5, 100) -> relu -> dense", "E0328", "by its position this is `b_std`"),
    ("dense(w_std = 1, width = 5) -> relu -> dense", "E0302", "infinitely wide: leave it out"),
    ("dense(out_features = 10)", "E0302", "infinitely wide: leave it out"),
    # Sizes and numbers
    ("dense(w_std = 1,5)", "E0123", "write `1.5`"),
    ("dense(b_std = 0,1, w_std = 1)", "E0123", "write `0.1`"),
    ("dense(w_std = 1_000)", "E0123", "digits are not grouped: `1000`"),
    ("dense(w_std = √2)", "E0112", "`sqrt(2)`"),
    ("dense(w_std = sqrt 2)", "E0105", "a call is written `sqrt(2)`"),
    ("dense(w_std 2)", "E0105", "an argument is written `w_std = 2`"),
    ("dense(w_std = 2 sqrt(2))", "E0105", "a product is written with `*`"),
    ("dense(w_std = math.sqrt(2))", "E0112", "leave out `math.`"),
    ('dense(w_std = "1.4")', "E0114", "write `1.4`"),
    ("dense -> relu -> dropout(50%) -> dense", "E0112", "write `0.5`"),
    # Arguments
    ("dense(w_std == 2)", "E0120", "write `w_std = ..`"),
    ("dense(w-std = 2)", "E0120", "`w_std`"),
    ("dense(w_std: 2)", "E0118", "write `=`"),
    ("dense(w_var = 2)", "E0302", "the root of the variance"),
    ("dense(sigma_w = 2)", "E0302", "write `w_std`"),
    ("dense(bias = false)", "E0302", "no bias"),
    ("dense(activation = relu)", "E0302", "an activation is a layer of its own"),
    ("dense(trainable = True)", "E0301", "write `true`"),
    ("dense(units = None)", "E0301", "write `none`"),
    ("dense(w_std = 1;b_std = 0)", "E0101", "separated by `,`"),
    ("dense(w_std = 1,, b_std = 0)", "E0101", "leave this comma out"),
    ("dense(, w_std = 1)", "E0101", "leave this comma out"),
    ("dense\n(w_std = 1)", "E0120", "on the line of its name"),
    ("dense{w_std = 1}", "E0104", "arguments stand in parentheses"),
    ("dense w_std = 1", "E0104", "`dense(w_std = ..)`"),
    ("dense -> leaky_relu(negative_slope = 0.1) -> dense", "E0302", "write `slope`"),
    ("dense -> relu -> dropout(p = 0.5) -> dense", "E0302", "write `rate`"),
    # Composition
    ("dense, relu, dense", "E0104", "a comma does not separate layers"),
    ("(dense, relu) -> dense", "E0118", "layers are composed by `->`"),
    ("dense | dense", "E0118", "write `->`"),
    ("dense . dense", "E0118", "write `->`"),
    ("dense ~> dense", "E0118", "write `->`"),
    ("dense → dense", "E0118", "write `->`"),
    ("dense −> dense", "E0118", "write `->`"),
    ("dense > relu -> dense", "E0306", "`a -> b` composes layers"),
    ("dense > relu > dense", "E0116", "layers are composed by `->`"),
    ("dense -> relu ->", "E0101", "put a layer here"),
    ("dense -> -> relu", "E0101", "leave one out"),
    ("[dense, relu] -> dense", "E0306", "composed by `->`"),
    ("dense -> add([relu -> dense, identity])", "E0306", "write `add(a, b)`"),
    ("dense + dense", "E0306", "`add(a, b)`"),
    # Repetition and names
    ("(dense -> relu)^3 -> dense", "E0306", "`layer * n` repeats a layer"),
    ("(dense -> relu) x 3 -> dense", "E0104", "repeated by `*`"),
    ("3 (dense -> relu) -> dense", "E0104", "repeated by `*`"),
    ("repeat 3 { dense -> relu }", "E0121", "with `*`"),
    ("repeat(3, dense)", "E0301", "repeated by `*`"),
    ("for i in range(3): dense", "E0121", "with `*`"),
    ("x = dense -> relu", "E0120", "write `let x = ..`"),
    ("output dense", "E0121", "the last layer is the network's output"),
    ("dense(w_std = w)\nlet w = 2\nrelu -> dense", "E0301", "move the `let` up"),
    ("{ let w = 2; dense(w_std = w) } -> dense(w_std = w)", "E0301", "in this block alone"),
    # Layers by other names
    ("Dense -> dense", "E0301", "write `dense`"),
    ("Linear(10)", "E0301", "write `dense`"),
    ("linear -> dense", "E0306", "write `dense`"),
    ("nn.Linear(784, 10)", "E0112", "write `dense`"),
    ("dense -> ReLU -> dense", "E0301", "write `relu`"),
    ("dense -> nn.ReLU() -> dense", "E0112", "write `relu`"),
    ("dense -> swish -> dense", "E0301", "write `silu`"),
    ("dense -> PReLU -> dense", "E0301", "write `leaky_relu`"),
    ("dense -> LayerNorm(10) -> relu -> dense", "E0301", "write `layer_norm`"),
    ("dense -> attention -> dense", "E0301", "did you mean `self_attention`?"),
    ("dense -> batchnorm -> relu -> dense", "E0406", "use `layer_norm`"),
    ("dense -> softmax", "E0406", "leave it out"),
    ("dense -> log_softmax", "E0406", "leave it out"),
    ("dense -> lstm", "E0301", "not available yet"),
    ("dense -> sqrt -> dense", "E0306", "`activation f(z) = sqrt(z)`"),
    ("residual(dense)", "E0301", "`add(identity, ..)`"),
    # The end
    ("dense -> relu", "E0338", "end in `dense`"),
    ("dense -> relu -> dropout(0.5)", "E0338", "the features of `relu`"),
]

ON_IMAGES = [
    (
        "conv(64, 3, padding = same) -> relu -> flatten -> dense",
        "E0328",
        "write the window alone: `conv(3x3)`",
    ),
    (
        "conv(64, 3x3, padding = same) -> relu -> flatten -> dense",
        "E0328",
        "write the window alone: `conv(3x3)`",
    ),
    ("conv(3, 3) -> relu -> flatten -> dense", "E0328", "`conv(3, stride = 3)`"),
    ("conv(3x3, filters = 64) -> flatten -> dense", "E0302", "infinitely wide: leave it out"),
    ("conv(kernel_size = 3) -> flatten -> dense", "E0302", "write `k`"),
    ("conv -> flatten -> dense", "E0303", "as in `conv(3x3)`"),
    ("conv((3, 3)) -> flatten -> dense", "E0118", "write `3x3`"),
    ("conv([3, 3]) -> flatten -> dense", "E0306", "write `3x3`"),
    ("conv(3 x 3) -> flatten -> dense", "E0123", "write `3x3`"),
    ("conv(3X3) -> flatten -> dense", "E0123", "write `3x3`"),
    ("conv(3×3) -> flatten -> dense", "E0123", "a product is written `3 * 3`"),
    ("conv(3*3) -> flatten -> dense", "E0329", "this is the number 9"),
    ("conv(3x3, padding = 'same') -> flatten -> dense", "E0114", "write `same`"),
    ('conv(3x3, padding = "same") -> flatten -> dense', "E0114", "write `same`"),
    ("conv(3x3, padding = SAME) -> flatten -> dense", "E0301", "did you mean `same`?"),
    ("conv(3x3, padding = zeros) -> flatten -> dense", "E0301", "`padding = same`"),
    ("conv(3x3, strides = 2) -> flatten -> dense", "E0302", "write `stride`"),
    ("Conv2d(64) -> flatten -> dense", "E0301", "`conv(3x3)`"),
    ("Flatten() -> dense", "E0301", "write `flatten`"),
    ("conv(3) -> maxpool(2) -> flatten -> dense", "E0406", "use `avg_pool`"),
    ("conv(3) -> MaxPool2d(2) -> flatten -> dense", "E0406", "no covariance in closed form"),
    ("conv(3) -> GlobalAveragePooling2D() -> dense", "E0301", "write `global_avg_pool`"),
    ("conv(3) -> relu -> dense", "E0323", "`flatten` or `global_avg_pool`"),
    ("conv(3) -> relu -> global_avg_pool", "E0338", "no readout"),
]

# (a whole program, the code, what it must say)
_REST = "\nnetwork net { input vector[784]; dense }"
PROGRAMS = [
    ("network n:\n    input vector[784]\n    dense\n    relu\n    dense\n", "E0108", "write `{`"),
    ("network my net { input vector[784]; dense }", "E0108", "`my_net`"),
    ("network my-net { input vector[784]; dense }", "E0108", "`my_net`"),
    ("network net() { input vector[784]; dense }", "E0108", "takes no arguments"),
    ("network net = { input vector[784]; dense }", "E0108", "leave it out"),
    ("network net [\n input vector[784]\n dense\n]", "E0108", "write `{`"),
    ("network net begin\n input vector[784]\n dense", "E0108", "write `{`"),
    ("net = { input vector[784]; dense }", "E0111", "`network name { .. }`"),
    ("NETWORK net { input vector[784]; dense }", "E0111", "did you mean `network`?"),
    ("network net { Input vector[784]; dense }", "E0109", "did you mean `input`?"),
    ("network net { input: vector[784]; dense }", "E0118", "leave it out"),
    ("network net { input [784]; dense }", "E0101", "`input vector[784]`"),
    ("network net { input vector(784); dense }", "E0101", "stand in brackets"),
    ("network net { input vector[]; dense }", "E0101", "say the size"),
    ("network net { input vector[None]; dense }", "E0301", "an open size of an input is `?`"),
    ("network net { input vec[784]; dense }", "E0316", "did you mean `vector`?"),
    ("network net { input vector[28x28]; dense }", "E0306", "write `vector[784]`"),
    ("network net { input image[32x32x3]; flatten; dense }", "E0306", "write `32, 32, 3`"),
    ("network net { input image[28, 28]; flatten; dense }", "E0316", "`image[28, 28, 1]`"),
    ("network net { input vector[8, 8, 3]; dense }", "E0316", "write `image[8, 8, 3]`"),
    ("network net { input image[3, 32, 32]; flatten; dense }", "E0337", "`image[32, 32, 3]`"),
    ("network net { input image[1, 28, 28]; flatten; dense }", "E0337", "`image[28, 28, 1]`"),
    ("network net { input vector[7] normalised; dense }", "E0104", "did you mean `normalized`?"),
    ("network net { input vector[7], normalized; dense }", "E0101", "leave the comma out"),
    ("network net { input vector[7] dense }", "E0104", "begin a new line here, or put `;`"),
    ("w_std = 1.4" + _REST, "E0111", "write `let w_std = ..`"),
    ("param w_std" + _REST, "E0106", "put `=` and a value here"),
    ("let a = 1, b = 2" + _REST, "E0104", "a comma does not separate statements"),
    ("let a = 0,5" + _REST, "E0123", "write `0.5`"),
    ('include "blocks.ntk"' + _REST, "E0121", "`import"),
    ('from "blocks.ntk" import x' + _REST, "E0121", "`import"),
    ("import blocks.ntk" + _REST, "E0112", 'write `"blocks.ntk"`'),
    ("import blocks" + _REST, "E0101", '`import "blocks.ntk"`'),
    ("-- a network" + _REST, "E0119", "begin it with `#`"),
    ("% a network" + _REST, "E0119", "begin it with `#`"),
    ('"""A network."""' + _REST, "E0119", "begin it with `#`"),
    ("'''\nA network.\n'''" + _REST, "E0119", "begin every line of it with `#`"),
    ("activation f(z) { z^2 }" + _REST, "E0106", "`activation f(z) = formula`"),
    ("activation f = z^2" + _REST, "E0101", "names its variable first"),
    ("activation f(x) = z^2" + _REST, "E0301", "the variable is `x`"),
    ("activation f(z) = |z|" + _REST, "E0112", "write `abs(z)`"),
    ("activation f(z) = z²" + _REST, "E0112", "`z^2`"),
    ("activation f(z) = z > 0 ? z : 0" + _REST, "E0101", "`if condition then this else that`"),
    ("activation f(z) = z if z > 0 else 0" + _REST, "E0104", "`if condition then this else that`"),
    (
        "def f(z) = z * sigmoid(z)\nnetwork net { input vector[7]; dense -> f -> dense }",
        "E0303",
        "`activation f(z) = ..`",
    ),
    (
        "def block(x) = dense(x) -> relu\nnetwork net { input vector[7]; block -> dense }",
        "E0303",
        "its argument is `x`",
    ),
    ("", "E0313", "`network net { input vector[784]; dense -> relu -> dense }`"),
    ("# nothing\n", "E0313", "there is no network in this file"),
]

PYTHON = [
    "import torch\nimport torch.nn as nn\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
    "        return self.fc(x)\n",
    "model = nn.Sequential(\n    nn.Linear(784, 512),\n    nn.ReLU(),\n)\n",
    "from tensorflow import keras\nmodel = keras.Sequential([keras.layers.Dense(512)])\n",
    "init_fn, apply_fn, kernel_fn = stax.serial(\n    stax.Dense(512), stax.Relu(),\n)\n",
    "def net(x):\n    return x\n",
    "model = Sequential([\n    Dense(10),\n])\n",
]


@pytest.mark.parametrize(("body", "code", "phrase"), BODIES)
def test_bodies(body: str, code: str, phrase: str) -> None:
    told(f"network net {{\n    input {VECTOR}\n    {body}\n}}\n", (code, phrase))


@pytest.mark.parametrize(("body", "code", "phrase"), ON_IMAGES)
def test_bodies_on_images(body: str, code: str, phrase: str) -> None:
    told(f"network net {{\n    input {IMAGE}\n    {body}\n}}\n", (code, phrase))


@pytest.mark.parametrize(("program", "code", "phrase"), PROGRAMS)
def test_programs(program: str, code: str, phrase: str) -> None:
    errors = [d for d in check(Source("net.ntk", program)) if d.code != "E0320"]
    assert [d.code for d in errors] == [code]
    assert phrase in said(errors[0])
    assert errors[0].primary is not None


@pytest.mark.parametrize("program", PYTHON)
def test_python(program: str) -> None:
    told(program, ("E0125", "this is a program in Python"))


def test_a_colon_stands_for_what_is_missing() -> None:
    told(
        f"activation f(z) = if z > 0: z else: 0{_REST}",
        ("E0118", "write `then`"),
        ("E0118", "leave it out"),
    )


RIGHT = [
    "dense(1.4, 0.1) -> relu -> dense(3)",
    "dense(w_std = 512)",
    "dense(units = 512) -> relu -> dense",
    "dense(w_std = max(1, 5)) -> dense(w_std = 1, b_std = 5)",
    "dense(w_std = --2)",
    "dense(\n--2)",
    "dense -> relu -> identity",
    "let e = 2\ndense(w_std = e)",
]


@pytest.mark.parametrize("body", RIGHT)
def test_what_only_looks_wrong_is_right(body: str) -> None:
    assert check(f"network net {{\n    input {VECTOR}\n    {body}\n}}\n") == []


RIGHT_ON_IMAGES = [
    "conv(16x16, 16x16) -> relu -> flatten -> dense",
    "conv(7, 2) -> relu -> flatten -> dense",
    "conv(3x3, 3) -> relu -> flatten -> dense",
    "conv(3, 2) -> relu -> flatten -> dense",
    "conv(8, stride = 8) -> relu -> flatten -> dense",
    "let k = 2\nconv(k * 2) -> relu -> flatten -> dense",
    "conv(3x3) -> relu -> avg_pool(4, 4) -> flatten -> dense",
]


@pytest.mark.parametrize("body", RIGHT_ON_IMAGES)
def test_what_only_looks_wrong_on_images_is_right(body: str) -> None:
    assert check(f"network net {{\n    input {IMAGE}\n    {body}\n}}\n") == []


def test_definitions_that_only_look_like_python_are_none() -> None:
    library = 'import "other.ntk"\ndef f(a) = relu\nlet x = sqrt(2)\n'
    assert {d.code for d in check(Source("net.ntk", library))} == {"E0212"}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_kind_of_line_end(tmp_path: Path, ending: str, mark: bytes) -> None:
    path = tmp_path / "net.ntk"
    text = (
        f"network net {{{ending}\tinput vector[7]{ending}\tdense{ending}\trelu -> dense{ending}}}"
    )
    path.write_bytes(mark + text.encode())
    assert check(path) == []


@pytest.mark.parametrize(
    ("content", "code", "phrase"),
    [(b"\x7fELF\x02\x01\xff\x00", "E0206", "not UTF-8 text"), (None, "E0207", "it is a folder")],
)
def test_what_is_no_text(tmp_path: Path, content: bytes | None, code: str, phrase: str) -> None:
    path = tmp_path / "net.ntk"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    diagnostics = Diagnostics()
    assert read_source(path, diagnostics) is None
    (found,) = diagnostics
    assert (found.code, found.kind) == (code, Kind.ERROR)
    assert phrase in found.message


def test_a_width_of_another_library_beside_what_is_wrong_with_it() -> None:
    told(
        f"network net {{\n    input {IMAGE}\n    conv(3, 64, 5) -> relu -> flatten -> dense\n}}\n",
        ("E0328", "write the window alone: `conv(5x5)`"),
        ("E0306", "`padding` must be one of"),
    )


def test_likely_filters_are_warned_of_and_compile() -> None:
    (found,) = check(
        Source("net.ntk", f"network n {{ input {IMAGE}; conv(8, 4) -> flatten -> dense }}")
    )
    assert (found.code, found.kind) == ("E0328", Kind.WARNING)
