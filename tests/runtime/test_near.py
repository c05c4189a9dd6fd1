"""Pairs of nearly coincident rows, against arithmetic of many digits."""

import mpmath
import numpy as np
import pytest

ANGLES = [10.0**-k for k in range(1, 9)]


def exact_relu(x, z, w_std=1.5):
    """NNGP and NTK of the fixture for two rows of float64, with 60 digits."""
    with mpmath.workdps(60):
        w, size = mpmath.mpf(w_std) ** 2, len(x)
        xs, zs = ([mpmath.mpf(float(value)) for value in row] for row in (x, z))
        p, q = (w * mpmath.fsum(a * a for a in row) / size for row in (xs, zs))
        c = w * mpmath.fsum(a * b for a, b in zip(xs, zs, strict=True)) / size
        scale = mpmath.sqrt(p * q)
        sine_square = p * q - c * c
        sine = mpmath.sqrt(max(sine_square, 0)) / scale
        angle = mpmath.atan2(sine, c / scale)
        dot = (mpmath.pi - angle) / (2 * mpmath.pi)
        nngp = w * (scale * sine / (2 * mpmath.pi) + c * dot)
        return nngp, nngp + w * c * dot


def exact_distance(x, z, root):
    """k(x, x) + k(z, z) - 2 k(x, z)."""
    with mpmath.workdps(60):
        values = [exact_relu(a, b)[root == "ntk"] for a, b in ((x, x), (z, z), (x, z))]
        return values[0] + values[1] - 2 * values[2]


def pair_at(angle, size, rng):
    x, y = rng.standard_normal((2, size))
    x *= np.sqrt(size) / np.linalg.norm(x)
    y -= x * (x @ y) / (x @ x)
    y *= np.sqrt(size) / np.linalg.norm(y)
    return np.cos(angle) * x + np.sin(angle) * y, x


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("size", [3, 100, 1500])
def test_float64_values(programs, rng, angle, size):
    x, z = pair_at(angle, size, rng)
    kernel = programs.relu()
    for given in ((np.stack([x, z]), None), (x[None], z[None])):
        found = kernel(*given, get=("nngp", "ntk"))
        for root, exact in zip(("nngp", "ntk"), exact_relu(x, z), strict=True):
            value = getattr(found, root)[0, -1]
            assert abs(float(value - exact)) <= 2e-15 * float(exact)


@pytest.mark.parametrize("angle", ANGLES)
def test_float64_distances(programs, rng, angle):
    """The textbook recursion gets none of these digits at 1e-8: 1 - cos is 5e-17."""
    x, z = pair_at(angle, 50, rng)
    found = programs.relu()(np.stack([x, z]))
    distance = found[0, 0] + found[1, 1] - 2 * found[0, 1]
    exact = float(exact_distance(x, z, "ntk"))
    assert abs(distance - exact) <= 1e-14  # roundoff of the four values themselves


@pytest.mark.parametrize("given", [np.float32, np.float64])
@pytest.mark.parametrize("angle", [0.3, 0.17, 0.1, 1e-2, 1e-3, 1e-4])
def test_float32_distances(programs, rng, angle, given):
    x, z = (row.astype(given) for row in pair_at(angle, 784, rng))
    others = rng.standard_normal((400, 784)).astype(given)
    batch = np.concatenate([x[None], others, z[None]])
    found = programs.relu("float32")(batch).astype(np.float64)
    distance = found[0, 0] + found[-1, -1] - 2 * found[0, -1]
    exact = float(exact_distance(x, z, "ntk"))
    roundoff = 2 * np.finfo(np.float32).eps * found[0, 0]
    # Three roundings to float32 remain, which at 1e-4 are 1e-3 of the distance.
    assert abs(distance - exact) <= roundoff + 2e-5 * exact


def test_float32_off_diagonal_is_the_rounded_float64_value(programs, rng):
    x, z = (row.astype(np.float32) for row in pair_at(1e-4, 784, rng))
    batch = np.stack([x, z])
    narrow, wide = (programs.relu(dtype)(batch) for dtype in ("float32", "float64"))
    assert np.array_equal(narrow, wide.astype(np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factor", [1, 2, 3, 1 / 3, 0.1, 7e-5, 1e6])
@pytest.mark.parametrize("size", [1, 2, 37, 784])
def test_scaled_rows_are_collinear(programs, rng, dtype, factor, size):
    x = rng.standard_normal(size)
    z = x * factor
    kernel = programs.relu(dtype)
    found = kernel(np.stack([x, z])).astype(np.float64)
    exact = np.sqrt(found[0, 0] * found[1, 1])
    # An angle of 1e-8, which a complement of 1e-16 stands for, would show at 1e-8.
    assert abs(found[0, 1] - exact) <= 4 * np.finfo(dtype).eps * exact
    cross = kernel(x[None], z[None])
    assert cross[0, 0] == found.astype(dtype)[0, 1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_rows_have_the_diagonals_value(programs, rng, dtype):
    x = rng.standard_normal((20, 45))
    batch = np.concatenate([x, x])
    found = programs.relu(dtype)(batch)
    copies = np.diag(found[:20, 20:])
    np.testing.assert_allclose(copies, np.diag(found)[:20], rtol=3 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spread", [0.3, 3e-2, 1e-5])
def test_batches_that_lie_close_together(programs, rng, dtype, spread):
    """Most pairs are near: the path for many of them agrees with the exact values too."""
    x = (1 + spread * rng.standard_normal((90, 70))).astype(dtype)
    x[40] = x[7]
    x[41] = x[7] * 2
    found = programs.relu(dtype)(x, get=("nngp", "ntk"))
    for i, j in ((0, 1), (7, 40), (7, 41), (3, 89), (88, 89), (40, 41), (12, 60)):
        for root, exact in zip(("nngp", "ntk"), exact_relu(x[i], x[j]), strict=True):
            value = float(getattr(found, root)[i, j])
            assert abs(value - exact) <= 6 * np.finfo(dtype).eps * float(exact)
    assert np.linalg.eigvalsh(found.ntk.astype(np.float64)).min() > -1e-6 * found.ntk[0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_row_against_many(programs, rng, dtype):
    """Narrow matrices have long tiles, whose near pairs are found as well."""
    x = rng.standard_normal((9000, 20)).astype(dtype)
    z = x[[17]] * 3
    kernel = programs.relu(dtype)
    across, down = kernel(z, x, threads=2), kernel(x, z, threads=2)
    exact = programs.expected(z, x)["ntk"]
    exact[0, 17] = 3 * kernel.diag(x[[17]])[0]
    for found in (across, down.T):
        np.testing.assert_allclose(found, exact, atol=1e-5 if dtype == "float32" else 1e-12)
        assert abs(found[0, 17] - exact[0, 17]) <= 4 * np.finfo(dtype).eps * exact[0, 17]


@pytest.mark.parametrize("exponent", [-200, -160, -158, -150, -100, 100, 150])
def test_float64_rows_of_extreme_size(programs, rng, exponent):
    """Squares that lose digits or vanish do not disturb the angle, nor make a NaN."""
    x = rng.standard_normal((1, 6)) * 10.0**exponent
    found = programs.relu()(np.concatenate([x, x * 3, rng.standard_normal((1, 6))]))
    assert np.isfinite(found).all()
    if exponent > -150:
        np.testing.assert_allclose(found[0, 1], 3 * found[0, 0], rtol=4e-16)


@pytest.mark.parametrize("exponent", [-38, -23, -20, -10, 10, 15])
def test_float32_rows_of_extreme_size(programs, rng, exponent):
    x = rng.standard_normal((1, 6)) * 10.0**exponent
    found = programs.relu("float32")(np.concatenate([x, x * 3, rng.standard_normal((1, 6))]))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_opposite_rows(programs, rng, dtype):
    x = rng.standard_normal((1, 30))
    found = programs.relu(dtype)(np.concatenate([x, -x, -2 * x]))
    np.testing.assert_allclose(found[0, 1:], 0, atol=1e-6 if dtype == "float32" else 1e-14)


def test_float64_tiles_stay_untouched_without_near_pairs(programs, rng):
    def refuse(*arguments):
        raise AssertionError("the float64 tile function was called")

    module = programs.modules["relu"]("float32")
    tiles = {key: refuse if key[1] == "float64" else tile for key, tile in module.TILES.items()}
    kernel = programs.relu("float32", TILES=tiles)
    x = np.eye(40)
    assert kernel(x).shape == (40, 40)
    x[3] = x[5]
    with pytest.raises(AssertionError, match="float64 tile"):
        kernel(x)
