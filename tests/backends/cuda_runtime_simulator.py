"""Kernels of networks on positions, called as users do, for `test_cuda_slices`.

Numba's simulator is chosen when Numba is imported, so that this runs in a process of its own: it
writes what it found as JSON, and the tests judge it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from numba import cuda

import ntkc
from ntkc.runtime import ArrayError, MemoryBudgetError
from tests.backends.cuda_dense_simulator import raised, stop
from tests.backends.test_near_images import exact, understood

TEXT = """param w = 1.2
network net {
    input image[2, 2, 2]
    conv(2x1, padding = same, w_std = w) -> relu -> avg_pool(2x1) -> conv(1) -> relu
    global_avg_pool -> dense(b_std = 0.3)
}
"""
NEAR = """network net {
    input image[2, 2, 2]
    conv(2x1, padding = same) -> relu -> conv(1) -> relu -> flatten -> dense
}
"""
IMAGES = np.random.default_rng(11).standard_normal((4, 2, 2, 2))
BOTH = ("nngp", "ntk")


class Guarded(type(cuda.to_device(IMAGES))):  # type: ignore[misc]
    """A device array that no one makes a host's by chance, as CuPy's and PyTorch's are."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array")


def guarded() -> bool:
    """Inputs of open sizes, and a cotangent, that lie on a device."""
    open_sizes = ntkc.compile(source=TEXT.replace("2, 2, 2", "?, ?, 2"), backend="cuda")
    sent, cotangent = Guarded(IMAGES[:2]), Guarded(np.array([[1.0, 2.0], [0.5, -1.0]]))
    asked = {"wrt": "w", "get": "nngp"}
    rates = open_sizes.value_and_gradient(IMAGES[:2], **asked).gradient["w"]
    found = open_sizes.value_and_gradient(sent, cotangent=cotangent, **asked).gradient["w"]
    same = open_sizes(sent).copy_to_host() == open_sizes(IMAGES[:2])
    wanted = float((rates * cotangent.copy_to_host()).sum())
    return bool(same.all()) and abs(found - wanted) <= 1e-14 * abs(wanted)


def near_images() -> dict[str, float]:
    """The largest relative error of Gram and cross-Gram matrices of images that nearly coincide,
    of those in arrays on the host and on the device, against 40 digits.
    """
    rng, found = np.random.default_rng(12), {}
    images = IMAGES[:1] + np.array([0.0, 1e-8, 1e-3])[:, None, None, None] * rng.standard_normal(
        (3, 2, 2, 2)
    )
    for dtype in ("float64", "float32"):
        x = images.astype(dtype)
        expected = exact(understood(NEAR), x, x)["ntk"]
        kernel = ntkc.compile(source=NEAR, backend="cuda", dtype=dtype)
        on_device = kernel(cuda.to_device(x)).copy_to_host()
        cross = kernel(cuda.to_device(x[:1]), x[1:]).copy_to_host()
        errors = [kernel(x) - expected, on_device - expected, cross - expected[:1, 1:]]
        found[dtype] = max(float(np.abs(e).max()) for e in errors) / float(expected.max())
        found[f"{dtype} symmetric"] = float((on_device == on_device.T).all())
    return found


def lost() -> dict[str, str]:
    """What is told of a pair whose value is no number, in results on the host and on the device."""
    from ntkc.runtime.cuda.pairs import PairRunner

    kernel, queue = ntkc.compile(source=NEAR, backend="cuda"), PairRunner.queue

    def broken(runner: PairRunner, left: Any, right: Any, constants: Any, *chosen: Any) -> None:
        queue(runner, left, right, constants, *chosen)
        for at, pair in enumerate(zip(*chosen, strict=True)):
            if pair == (1, 2):
                runner.result[2 * at : 2 * at + 2] = np.nan

    PairRunner.queue = broken  # type: ignore[method-assign]
    try:
        return {
            "host": raised(lambda: kernel(IMAGES, get=BOTH), ArrayError),
            "device": raised(lambda: kernel(cuda.to_device(IMAGES), get=BOTH), ArrayError),
        }
    finally:
        PairRunner.queue = queue  # type: ignore[method-assign]


def main() -> None:
    """What the tests ask for."""
    kernel = ntkc.compile(source=TEXT, backend="cuda")
    processor = ntkc.compile(source=TEXT, backend="cpu")
    reports: list[Any] = []
    whole = kernel(IMAGES, get=BOTH)
    pieces = kernel(IMAGES, get=BOTH, memory=4_000, progress=lambda *a: reports.append(a))
    cross = kernel(IMAGES[:2], IMAGES[1:4])
    sent = cuda.to_device(IMAGES)
    on_device, place = kernel(sent), cuda.device_array((2, 3))
    returned = kernel(cuda.to_device(IMAGES[:2]), IMAGES[1:4], out=place)
    ours = kernel.value_and_gradient(IMAGES[:2], wrt="w")
    theirs = processor.value_and_gradient(IMAGES[:2], wrt="w")
    diagonal = kernel.diag(sent)
    found = {
        "same": all(bool((a == b).all()) for a, b in zip(whole, pieces, strict=True)),
        "symmetric": all(bool((a == a.T).all()) for a in whole),
        "processor": float(np.abs(whole.ntk - processor(IMAGES)).max()),
        "last report": reports[-1],
        "cross": bool((cross[0] == whole.ntk[0, 1:4]).all()),
        "stays": hasattr(on_device, "copy_to_host") and returned is place,
        "device": bool((on_device.copy_to_host() == whole.ntk).all()),
        "out": bool((place.copy_to_host() == cross).all()),
        "integers": bool(
            (kernel(cuda.to_device(np.arange(8).reshape(1, 2, 2, 2))).copy_to_host()
             == kernel(np.arange(8.0).reshape(1, 2, 2, 2))).all()
        ),
        "strided": bool((kernel(sent[::2]).copy_to_host() == kernel(IMAGES[::2])).all()),
        "diag": float(np.abs(diagonal - np.diag(whole.ntk)).max()),
        "value": float(np.abs(ours.value - theirs.value).max()),
        "gradient": float(np.abs(ours.gradient["w"] - theirs.gradient["w"]).max()),
        "too little": raised(lambda: kernel(IMAGES, memory=100), MemoryBudgetError),
        "interrupt": raised(lambda: kernel(IMAGES, memory=4_000, progress=stop), KeyboardInterrupt),
        "empty": list(kernel(IMAGES[:0], IMAGES).shape),
        "near": near_images(),
        "guarded": guarded(),
        "lost": lost(),
    }  # fmt: skip
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
