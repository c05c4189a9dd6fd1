"""What `--emit network` prints for the reference programs."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.network.programs import REFERENCE, SPATIAL_CASES, VECTOR_CASES, resolve

SHOWN = [
    name
    for name in [*VECTOR_CASES, *SPATIAL_CASES]
    if not name.startswith("fc3") and name != "fc20_relu"
]


@pytest.mark.parametrize("name", SHOWN)
def test_network_of_a_reference_program(name: str, snapshot: SnapshotAssertion) -> None:
    assert str(resolve((REFERENCE / f"{name}.ntk").read_text())) == snapshot


def test_arguments_with_parameters(snapshot: SnapshotAssertion) -> None:
    text = """
        param w = sqrt(2)
        param slope = 0.1
        let scaled = w * 2 / 3
        def layer(b = 0.1) = dense(w_std = scaled ^ 2, b_std = max(b, exp(-w))) -> leaky_relu(slope)
        network net {
            input vector[?] normalized
            layer * 2
            add(identity -> dense(units = 4, trainable = false), layer(2) -> dense(units = 4))
            layer_norm(axis = [space, channel], eps = 0.001)
            dense(parameterization = standard)
        }
    """
    assert str(resolve(text)) == snapshot


def test_sizes_and_axes(snapshot: SnapshotAssertion) -> None:
    text = """network net {
        input volume[8, ?, 6, 3]
        normalize(axis = channel)
        concat(conv(3x1x2, stride = 1x2x1), local_conv(3x1x2, stride = 1x2x1), axis = depth)
        avg_pool(2x1x2) -> sum_pool(2x1x1, stride = 2x1x1, padding = same)
        conv_transpose(2, dilation = 1x2x1, padding = circular)
        layer_norm(axis = [space, channel]) -> flatten
    }"""
    assert str(resolve(text)) == snapshot
