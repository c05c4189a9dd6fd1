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
    max_repetitions: int | None = None,
    slow: bool = False,
) -> Case:
    """`depth` hidden layers and a linear readout over 784 inputs, the size of an MNIST image."""
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
            "activation": activation,
            "depth": depth,
            "w_std": W_STD,
            "b_std": B_STD,
        },
        input_shape=(784,),
        dtype=dtype,
        product_n=n,
        rival_n=n,
        floor="triangle_product",
        max_repetitions=max_repetitions,
        slow=slow,
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
    beside_scikit_ntk(3, B_STD),
    # Compile time in the depth is the point here, so the batch is small.
    fully_connected("relu", 200, "float32", n=500, max_repetitions=3, slow=True),
)
