"""Buffers for vectors of lanes."""

import numpy as np
import pytest

from ntkc.runtime.lanes import aligned


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [0, 1, 7, 1000])
def test_buffers_begin_where_a_cache_line_does(size, dtype):
    buffers = [aligned(size, dtype) for _ in range(5)]
    for buffer in buffers:
        assert buffer.shape == (size,)
        assert buffer.dtype == np.dtype(dtype)
        assert buffer.ctypes.data % 64 == 0 or not size
        assert not buffer.any()
        buffer[:] = 1.0  # writable
