"""The cases: what is measured, as data.

A case names the network twice, once as `.ntk` source for the product and once as a builder of
`sides/rival_networks.py` for the rival. The harness compares a sample of both kernels' entries,
so a case whose two halves mean different networks shows up in the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.protocol import RIVALS, RivalName, SideName

DType = Literal["float32", "float64"]
DTYPES: tuple[DType, ...] = ("float32", "float64")

W_STD = 1.4
B_STD = 0.1


@dataclass(frozen=True)
class Case:
    """One Gram matrix of a batch with itself.

    `product_n` and `rival_n` may differ, because a rival that is hundreds of times slower cannot
    be given the batch that keeps the product busy; ratios are then taken per entry of the matrix.
    """

    name: str
    source: str
    rival_builder: str
    input_shape: tuple[int, ...]
    dtype: DType
    product_n: int
    rival_n: int
    rival_arguments: Mapping[str, str | int | float] = field(default_factory=dict)
    rival: RivalName = "neural-tangents"
    floor: str | None = None
    """Which lower bound of `sides/floor.py` applies; none where no simple one is known."""
    max_repetitions: int | None = None
    slow: bool = False
    """Takes minutes: run only when asked for by name or with `--slow`."""

    def module_of(self, side: SideName) -> str:
        """The module in `sides/` that takes a side."""
        return RIVALS[self.rival] if side == "rival" else side

    def n_of(self, side: str) -> int:
        """The batch size a side gets; the floor is the product's own lower bound."""
        return self.rival_n if side == "rival" else self.product_n


def fully_connected(
    activation: str,
    depth: int,
    dtype: DType,
    *,
    n: int = 3000,
    rival_n: int | None = None,
    rival_activation: str | None = None,
    max_repetitions: int | None = None,
    slow: bool = False,
) -> Case:
    """`depth` hidden layers and a linear readout over 784 inputs, the size of an MNIST image.

    `rival_activation` is the rival's word for the activation, where it is another.
    """
    dense = f"dense(w_std = {W_STD}, b_std = {B_STD})"
    return Case(
        name=f"fc-{activation}-{depth}-{dtype}",
        source=(
            "network fully_connected {\n"
            "    input vector[784]\n"
            f"    ({dense} -> {activation}) * {depth}\n"
            f"    {dense}\n"
            "}\n"
        ),
        rival_builder="fully_connected",
        rival_arguments={
            "activation": activation if rival_activation is None else rival_activation,
            "depth": depth,
            "w_std": W_STD,
            "b_std": B_STD,
        },
        input_shape=(784,),
        dtype=dtype,
        product_n=n,
        rival_n=n if rival_n is None else rival_n,
        floor="triangle_product",
        max_repetitions=max_repetitions,
        slow=slow,
    )


def convolutional(
    name: str,
    blocks: str,
    dtype: DType,
    *,
    w_std: str = "1.4",
    b_std: float = B_STD,
    n: int = 64,
    rival_n: int = 4,
    repetitions: int = 3,
) -> Case:
    """3x3 convolutions with ReLUs on 32x32x3 images; `blocks` as `rival_networks.convolutional`."""
    values = f"padding = same, w_std = {w_std}, b_std = {b_std}"
    layers = {
        "3": f"conv(3x3, {values}) -> relu",
        "/": f"conv(3x3, stride = 2, {values}) -> relu",
        "p": "avg_pool(2x2)",
        "gap": "global_avg_pool",
        "flatten": "flatten",
    }
    readout = w_std if w_std == "sqrt(2)" else "1"
    body = "\n    ".join([*(layers[word] for word in blocks.split()), f"dense(w_std = {readout})"])
    numbers = {"1.4": 1.4, "sqrt(2)": 2**0.5, "1": 1.0}
    return Case(
        name=f"conv-{name}-{dtype}",
        source=f"network convolutional {{\n    input image[32, 32, 3]\n    {body}\n}}\n",
        rival_builder="convolutional",
        rival_arguments={
            "blocks": blocks,
            "w_std": numbers[w_std],
            "b_std": b_std,
            "readout_w_std": numbers[readout],
        },
        input_shape=(32, 32, 3),
        dtype=dtype,
        product_n=n,
        rival_n=rival_n,
        floor="slice_body",
        max_repetitions=repetitions,
    )


def beside_scikit_ntk(depth: int, bias: float, n: int = 3000) -> Case:
    """scikit-ntk's only network: ReLU, with biases that begin at zero: Θ has them, Σ has not.

    Here they are a second `dense` without weights, of a variance that Σ does not see beside 1,
    and of a learning rate that makes bias² of it in Θ. Inputs enter as x·z, not as x·z/d.
    """
    return Case(
        name=f"scikit-ntk-{depth}-float64",
        source=(
            f"def zero_bias = dense(w_std = 0, b_std = 1e-9, learning_rate = ({bias} / 1e-9)^2)\n"
            "def layer(w) = add(dense(w_std = w), zero_bias)\n"
            "network scikit_ntk {\n"
            "    input vector[784]\n"
            "    layer(28)\n"
            f"    (relu -> layer(sqrt(2))) * {depth}\n"
            "}\n"
        ),
        rival="scikit-ntk",
        rival_builder="",
        rival_arguments={"depth": depth, "bias": bias},
        input_shape=(784,),
        dtype="float64",
        product_n=n,
        rival_n=n,
        floor="triangle_product",
    )


_FULLY_CONNECTED: tuple[tuple[str, int], ...] = (
    ("relu", 1),
    ("relu", 3),
    ("relu", 10),
    ("erf", 3),
    ("gelu", 3),
)

CASES: tuple[Case, ...] = (
    *(
        fully_connected(activation, depth, dtype)
        for activation, depth in _FULLY_CONNECTED
        for dtype in DTYPES
    ),
    # The rival has no tanh but quadrature, deg² values an entry: a smaller batch, by entry.
    *(
        fully_connected(
            "tanh",
            3,
            dtype,
            n=1000,
            rival_n=300,
            rival_activation="tanh by quadrature",
            max_repetitions=5,
        )
        for dtype in DTYPES
    ),
    *(convolutional("5-gap", "3 3 3 3 3 gap", dtype) for dtype in DTYPES),
    *(
        convolutional(
            "myrtle-10", "3 3 3 p 3 3 3 p 3 3 3 p p p flatten", dtype, w_std="sqrt(2)", b_std=0
        )
        for dtype in DTYPES
    ),
    *(
        convolutional("21-gap", " ".join(["3"] * 21 + ["gap"]), dtype, n=16, rival_n=2)
        for dtype in DTYPES
    ),
    convolutional("strides-gap", "/ / gap", "float32"),
    convolutional("strides-4-gap", "/ 3 / 3 gap", "float32"),
    convolutional("5-flatten", "3 3 3 3 3 flatten", "float32", n=200, rival_n=200),
    beside_scikit_ntk(3, B_STD),
    # Compile time in the depth is the point here, so the batch is small.
    fully_connected("relu", 200, "float32", n=500, max_repetitions=3, slow=True),
)
