"""`out`: arrays that the caller brings."""

import numpy as np
import pytest

from ntkc.runtime import ArgumentError, ArgumentTypeError


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_layout(programs, rng, dtype):
    x = rng.standard_normal((130, 6))
    kernel = programs.relu(dtype)
    exact = kernel(x)
    outs = [
        np.empty((130, 130), dtype),
        np.empty((130, 130), dtype, order="F"),
        np.empty((260, 390), dtype)[::2, ::-3],
        np.empty((130, 200), dtype)[:, 17:147],
    ]
    for out in outs:
        assert kernel(x, out=out) is out
        assert np.array_equal(out, exact)
    assert kernel(x, get=("ntk",), out=outs[0]).ntk is outs[0]


def test_two_outputs(programs, rng):
    x = rng.standard_normal((20, 6))
    kernel = programs.relu()
    exact = kernel(x, get=("nngp", "ntk"))
    room = np.empty((2, 20, 20))
    found = kernel(x, get=("nngp", "ntk"), out=(room[0], room[1]))
    assert found.nngp.base is room
    assert np.array_equal(room, np.stack(exact))
    again = type(exact)(np.empty((20, 20)), np.empty((20, 20)))
    assert kernel(x, get=("ntk", "nngp"), out=again).ntk is again.ntk
    assert np.array_equal(again.nngp, exact.nngp)
    assert np.array_equal(again.ntk, exact.ntk)
    ntk, nngp = np.empty((2, 20, 20))
    found = kernel(x, get=("ntk", "nngp"), out=(ntk, nngp))
    assert found.ntk is found[0]
    assert np.array_equal(ntk, exact.ntk)
    assert np.array_equal(nngp, exact.nngp)


def test_memory_mapped(programs, rng, tmp_path):
    x = rng.standard_normal((300, 6))
    kernel = programs.relu()
    room = np.memmap(tmp_path / "gram", np.float64, "w+", shape=(300, 300))
    found = kernel(x, out=room, memory="2MB", threads=2)
    assert found is room
    room.flush()
    stored = np.fromfile(tmp_path / "gram").reshape(300, 300)
    assert np.array_equal(stored, kernel(x, memory="2MB"))


def test_what_is_refused(programs, rng):
    x = rng.standard_normal((6, 6))
    kernel = programs.relu()
    read_only = np.empty((6, 6))
    read_only.flags.writeable = False
    shared = np.empty((6, 6))
    strided = np.lib.stride_tricks.as_strided(np.empty(6), (6, 6), (0, 8))
    overlapping = np.lib.stride_tricks.as_strided(np.empty(11), (6, 6), (8, 8))
    refused = [
        (np.empty((6, 5)), "out: expected shape (6, 6), got (6, 5)"),
        (np.empty((6, 6), np.float32), "out: expected dtype float64, got float32"),
        (np.empty((6, 6), ">f8"), "out: expected dtype float64, got >f8"),
        (read_only, "out: is read-only"),
        (x, "out: shares memory"),
        (strided, "out: several of its elements share memory"),
        (overlapping, "out: several of its elements share memory"),
        ((shared, shared), "out: expected 1 array(s), for ntk, got 2"),
    ]
    for out, message in refused:
        with pytest.raises(ArgumentError) as caught:
            kernel(x, out=out)
        assert message in str(caught.value)
    with pytest.raises(ArgumentTypeError, match="expected a NumPy array, got str"):
        kernel(x, out="text")
    with pytest.raises(ArgumentError, match=r"expected 2 array"):
        kernel(x, get=("nngp", "ntk"), out=shared)
    with pytest.raises(ArgumentError, match=r"out\[1\]: shares memory"):
        kernel(x, get=("nngp", "ntk"), out=(shared, shared))


def test_neighbours_in_one_array_do_not_overlap(programs, rng):
    room = rng.standard_normal((5, 12))
    x, out = room[:, :7], room[:, 7:]
    exact = programs.relu()(x.copy())
    assert np.array_equal(programs.relu()(x, out=out), exact)
