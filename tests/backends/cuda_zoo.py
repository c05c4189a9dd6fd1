"""The networks whose CUDA kernels are held to bounds.

Those of other tests, the reference cases, and what the benchmarks measure.
"""

from __future__ import annotations

from benchmarks.cases import convolutional
from tests.backends.kernels import network
from tests.backends.test_slices import ZOO
from tests.backends.test_slices import network as image
from tests.network.programs import REFERENCE, SPATIAL_CASES, VECTOR_CASES


def _reference(names: list[str]) -> dict[str, str]:
    return {name: (REFERENCE / f"{name}.ntk").read_text(encoding="utf-8") for name in names}


def _measured(blocks: str) -> str:
    return convolutional("zoo", blocks, "float32", w_std="sqrt(2)", b_std=0.0).source


VECTORS = {
    "relu": network("{ dense(w_std = sqrt(2)) -> relu } * 3", "dense"),
    "relu with bias": network("{ dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 3", "dense"),
    "erf": network("{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 2", "dense"),
    "gelu": network("dense(b_std = 0.1) -> gelu", "dense"),
    "alternating": network("{ dense -> relu -> dense(b_std = 0.1) -> erf } * 4", "dense"),
    "residual": network(
        "dense", "add(identity, relu -> dense(w_std = w)) * 3", "relu", "dense",
        before="param w = 0.5\n",
    ),
    "deep": network("{ dense(w_std = 1.4, b_std = 0.1) -> relu } * 40", "dense"),
    **_reference(VECTOR_CASES),
}  # fmt: skip

POSITIONS = {
    **{name: image(text) for name, text in ZOO.items()},
    **_reference(SPATIAL_CASES),
    "5-gap": _measured("3 3 3 3 3 gap"),
    "21-gap": _measured(" ".join(["3"] * 21 + ["gap"])),
    "myrtle-10": _measured("3 3 3 p 3 3 3 p 3 3 3 p p p flatten"),
}
