"""What a call allocates beyond its inputs and its result stays under the budget."""

import re
import tracemalloc

import numpy as np
import pytest

from ntkc.runtime import MemoryBudgetError


def peak(call):
    call()  # compiles, which is not the call's memory
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def near_batch(rng, size, width, dtype):
    """Every path is taken: rows far apart, nearly coincident, and dense in a cone."""
    x = rng.standard_normal((size, width))
    x[size // 2 :] = 1 + 0.01 * x[size // 2 :]
    x[1] = x[0]
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", [np.float32, np.float64])
@pytest.mark.parametrize("memory", [1_500_000, 4_000_000, 20_000_000])
@pytest.mark.parametrize("get", ["ntk", ("nngp", "ntk")])
def test_gram(programs, rng, dtype, given, memory, get):
    x = near_batch(rng, 900, 150, given)
    kernel = programs.relu(dtype)
    out = tuple(np.empty((900, 900), dtype) for _ in range(1 if get == "ntk" else 2))
    assert peak(lambda: kernel(x, get=get, out=out, memory=memory, threads=3)) <= memory


def test_inputs_far_larger_than_the_budget(programs, rng):
    x = rng.standard_normal((400, 9000)).astype(np.float32)  # 29 MB in float64
    x[5] = x[3]
    z = x[:100:2]
    out = np.empty((400, 50))
    memory = 3_000_000
    for kernel in (programs.relu(), programs.linear()):
        assert peak(lambda kernel=kernel: kernel(x, z, out=out, memory=memory)) <= memory
        np.testing.assert_allclose(out, kernel(x, z, memory="1GB"), rtol=1e-11, atol=1e-12)


def test_the_least_budget_is_stated_and_enough(programs, rng):
    x = near_batch(rng, 500, 60, np.float32)
    kernel = programs.relu()
    with pytest.raises(MemoryBudgetError) as caught:
        kernel(x, memory="50kB")
    least = int(re.search(r"at least (\d+) bytes", str(caught.value)).group(1))
    out = np.empty((500, 500))
    assert peak(lambda: kernel(x, out=out, memory=least)) <= least
    with pytest.raises(MemoryBudgetError):
        kernel(x, memory=least - 1)
    assert issubclass(MemoryBudgetError, ValueError)
