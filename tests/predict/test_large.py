"""Regression on matrices by tiles: the same numbers as a dense solve, and honest endings."""

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest

from ntkc import predict
from ntkc.predict import InputError, InputTypeError
from ntkc.predict.large.preconditioner import partial_cholesky, precondition, usual_rank

N, BLOCK = 230, 50


def rbf(x1: Any, x2: Any = None, *, get: str = "ntk", scale: float = 1.0) -> Any:
    """A kernel with a nugget that only an input with itself has, as dropout gives."""
    other = x1 if x2 is None else x2
    values = np.exp(-((x1[:, None] - other[None]) ** 2).sum(-1) / 4)
    return scale * (values + (0.25 * np.eye(len(x1)) if x2 is None else 0.0))


class Counting:
    """A kernel that counts the entries it is asked for, and has a diagonal of its own."""

    dtype = np.dtype(np.float64)

    def __init__(self) -> None:
        self.entries = 0

    def __call__(self, x1: Any, x2: Any = None, **options: Any) -> Any:
        self.entries += len(x1) * len(x1 if x2 is None else x2)
        return rbf(x1, x2, **options)

    def diag(self, x: Any, get: str = "ntk", scale: float = 1.0) -> Any:
        return np.full(len(x), 1.25 * scale)


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((N, 2))
    return (
        x,
        np.stack([np.sin(2 * x[:, 0]), x[:, 0] * x[:, 1]], axis=1),
        rng.standard_normal((7, 2)),
    )


@pytest.fixture(scope="module")
def matrix(data: Any) -> Any:
    return rbf(data[0])


def all_tiles(matrix: Any, x: Any, folder: Any) -> dict[str, predict.Tiles]:
    array = predict.ArrayTiles(matrix, block=BLOCK)
    return {
        "array": array,
        "kernel": predict.KernelTiles(rbf, x, block=BLOCK),
        "kernel with diag": predict.KernelTiles(Counting(), x, block=BLOCK),
        "stored": predict.store_tiles(array, folder, dtype="float64"),
    }


@pytest.mark.parametrize("piece", [2**16, 700, 1])
def test_every_kind_of_tiles_is_the_same_matrix(
    data: Any, matrix: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """Products up to the roundoff of sums of 230 terms, in pieces of every size."""
    monkeypatch.setattr("ntkc.predict.large.tiles._PIECE", piece)
    right = np.random.default_rng(0).standard_normal((N, 3))
    chosen = np.array([0, 49, 50, 117, 229])
    for name, tiles in all_tiles(matrix, data[0], tmp_path / "k").items():
        np.testing.assert_allclose(tiles.multiply(right), matrix @ right, 1e-12, 1e-12, name)
        np.testing.assert_allclose(tiles.diagonal(), np.diagonal(matrix), 1e-15, 0, name)
        np.testing.assert_allclose(tiles.columns(chosen), matrix[:, chosen], 1e-14, 1e-15, name)


def test_only_the_upper_half_is_computed(data: Any) -> None:
    kernel = Counting()
    predict.KernelTiles(kernel, data[0], block=10).multiply(np.ones((N, 1)))
    assert kernel.entries == N * (N + 10) // 2


@pytest.mark.parametrize("kind", ["cholesky", "nystrom", "none"])
@pytest.mark.parametrize("ridge", [1.0, 1e-3])
def test_a_dense_solve_agrees(data: Any, matrix: Any, kind: Any, ridge: float) -> None:
    """A residual of 1e-10 and a condition below 1e3 leave 1e-7 of the solution."""
    _, y, _ = data
    expected = predict.regress(matrix, y, ridge=ridge)
    tiles = predict.ArrayTiles(matrix, block=BLOCK)
    found = predict.regress_iteratively(
        tiles, y, ridge=ridge, tolerance=1e-10, preconditioner=kind, rank=40
    )
    np.testing.assert_allclose(found.dual, expected.dual, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found.train, expected.train, rtol=0, atol=1e-8)
    residual = y - matrix @ found.dual - ridge * found.dual
    true = np.linalg.norm(residual, axis=0) / np.linalg.norm(y, axis=0)
    np.testing.assert_allclose(found.report.residuals, true, rtol=1e-3, atol=1e-15)
    assert found.report.converged
    assert (found.report.residuals <= 1e-10).all()
    assert len(found.report.history) == found.report.iterations + 1


def test_the_condition_is_bounded_from_both_sides(matrix: Any, data: Any) -> None:
    spectrum = np.linalg.eigvalsh(matrix)
    true = (spectrum[-1] + 0.01) / (spectrum[0] + 0.01)
    plain = predict.regress_iteratively(
        matrix, data[1], ridge=0.01, preconditioner="none", tolerance=1e-12
    )
    assert true / 2 < plain.report.preconditioned_condition <= true * (1 + 1e-6)
    for kind in ("none", "cholesky", "nystrom"):
        found = predict.regress_iteratively(matrix, data[1], ridge=0.01, preconditioner=kind)
        assert found.report.condition >= true
    assert predict.regress_iteratively(matrix, data[1], ridge=0.0).report.condition == np.inf


@pytest.mark.parametrize("kind", ["cholesky", "nystrom"])
def test_a_preconditioner_saves_iterations(data: Any, kind: Any) -> None:
    smooth = rbf(data[0] / 4) - 0.25 * np.eye(N)
    options: Any = {"ridge": 1e-5, "tolerance": 1e-6, "on_failure": "report"}
    plain = predict.regress_iteratively(smooth, data[1], preconditioner="none", **options)
    found = predict.regress_iteratively(smooth, data[1], preconditioner=kind, rank=60, **options)
    assert found.report.converged
    assert found.report.iterations * 4 < plain.report.iterations
    assert found.report.preconditioned_condition < plain.report.preconditioned_condition / 100


def test_partial_cholesky_stays_below_the_matrix(matrix: Any) -> None:
    tiles = predict.ArrayTiles(matrix, block=BLOCK)
    factor = partial_cholesky(tiles, np.diagonal(matrix), 70, np.random.default_rng(0))
    rest = np.linalg.eigvalsh(matrix - factor @ factor.T)
    assert rest[0] > -1e-12 * matrix.trace()
    assert rest.sum() < 0.5 * matrix.trace()


def test_the_usual_rank() -> None:
    assert [usual_rank(n) for n in (10, 20_000, 50_000, 10**6)] == [256, 400, 1000, 1024]


@pytest.mark.parametrize("kind", ["cholesky", "nystrom"])
def test_the_rank_stops_at_that_of_the_matrix(kind: Any) -> None:
    features = np.random.default_rng(0).standard_normal((N, 6))
    low = features @ features.T
    found = precondition(predict.ArrayTiles(low, block=BLOCK), kind, 100, 0.1, 0)
    assert found.rank == 6
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(low)[:-7:-1], rtol=1e-9)
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(6), atol=1e-12)


@pytest.mark.parametrize(("kind", "copies"), [("cholesky", 1), ("nystrom", 3)])
def test_a_preconditioner_is_made_in_little_memory(
    kind: Any, copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place; Nyström has test vectors and their images beside. At this size, tiles, the columns
    that are evaluated at a time and the small matrices take about a copy more."""
    x, rank = np.random.default_rng(0).standard_normal((1500, 150)), 128
    monkeypatch.setattr("ntkc.predict.large.preconditioner._ROWS", 128)

    def linear(a: Any, b: Any = None, *, get: str = "ntk") -> Any:
        return a @ (a if b is None else b).T / 150

    tracemalloc.start()
    try:
        found = precondition(predict.KernelTiles(linear, x, block=64), kind, rank, 0.1, 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.rank == rank
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(rank), atol=1e-12)
    assert peak < (copies + 1.5) * 8 * len(x) * rank


def test_float32_tiles_solve_the_rounded_matrix(data: Any, matrix: Any, tmp_path: Any) -> None:
    stored = predict.store_tiles(predict.ArrayTiles(matrix, block=BLOCK), tmp_path / "k")
    found = predict.regress_iteratively(stored, data[1], ridge=0.1, tolerance=1e-10)
    rounded = predict.regress(matrix.astype(np.float32), data[1], ridge=0.1)
    np.testing.assert_allclose(found.dual, rounded.dual, rtol=0, atol=1e-8)
    assert stored.epsilon == 2.0**-23
    size = sum(path.stat().st_size for path in (tmp_path / "k").glob("rows-*.npy"))
    assert size < 4 * (N * (N + BLOCK) // 2) + 5 * 200


def test_a_stored_matrix_is_completed(data: Any, matrix: Any, tmp_path: Any) -> None:
    folder, tiles = tmp_path / "k", predict.ArrayTiles(matrix, block=BLOCK)

    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict.store_tiles(tiles, folder, progress=stop)
    with pytest.raises(InputError, match=r"not complete: rows-000100.npy is missing"):
        predict.StoredTiles(folder)
    assert not list(folder.glob(".*"))
    first = (folder / "rows-000000.npy").stat().st_mtime_ns
    kernel = Counting()
    steps: list[tuple[int, int]] = []
    predict.store_tiles(
        predict.KernelTiles(kernel, data[0], block=BLOCK),
        folder,
        progress=lambda *step: steps.append(step),
    )
    assert (folder / "rows-000000.npy").stat().st_mtime_ns == first
    assert kernel.entries < N * N // 2
    assert steps[-1] == (N * N, N * N)
    right = np.ones((N, 1))
    np.testing.assert_allclose(
        predict.StoredTiles(folder).multiply(right), matrix @ right, rtol=1e-6
    )


def test_a_stored_matrix_that_does_not_belong(data: Any, matrix: Any, tmp_path: Any) -> None:
    folder, tiles = tmp_path / "k", predict.ArrayTiles(matrix, block=BLOCK)
    predict.store_tiles(tiles, folder)
    with pytest.raises(InputError, match="other inputs or of another kernel"):
        predict.store_tiles(predict.ArrayTiles(matrix * 2, block=BLOCK), folder)
    with pytest.raises(InputError, match="holds another kernel matrix"):
        predict.store_tiles(tiles, folder, dtype="float64")
    with pytest.raises(InputError, match="neither empty nor"):
        predict.store_tiles(tiles, tmp_path)
    with pytest.raises(InputError, match="no folder that store_tiles wrote"):
        predict.StoredTiles(tmp_path)


def test_damage_to_a_stored_matrix_is_found(matrix: Any, tmp_path: Any) -> None:
    folder = tmp_path / "k"
    predict.store_tiles(predict.ArrayTiles(matrix, block=BLOCK), folder)
    slab = folder / "rows-000050.npy"
    whole = slab.read_bytes()
    for damaged in (whole[:-400], b"", b"not an array", whole[:60]):
        slab.write_bytes(damaged)
        with pytest.raises(InputError, match=r"rows-000050.npy is damaged"):
            predict.StoredTiles(folder)
    np.save(slab, np.ones((50, 3), np.float32))
    with pytest.raises(InputError, match="of the shape"):
        predict.StoredTiles(folder)
    for text in ("{", "[]", json.dumps({"format": 2}), json.dumps({"format": 1, "size": -1})):
        (folder / "manifest.json").write_text(text)
        with pytest.raises(InputError, match=r"manifest.json is"):
            predict.StoredTiles(folder)


@pytest.mark.parametrize("every", [1, 1000])
def test_an_interrupted_solve_goes_on(matrix: Any, data: Any, tmp_path: Any, every: int) -> None:
    """The iterations after a restart are those that were missing, to the last bit."""
    path = tmp_path / "solve.npz"
    options: Any = {"ridge": 1e-3, "rank": 20, "seed": 5, "tolerance": 1e-10}
    whole = predict.regress_iteratively(matrix, data[1], **options)
    seen: list[tuple[int, float]] = []

    def interrupt(iteration: int, residual: float) -> None:
        seen.append((iteration, residual))
        if iteration == 7:
            raise KeyboardInterrupt

    options |= {"checkpoint": path, "checkpoint_every": every}
    with pytest.raises(KeyboardInterrupt):
        predict.regress_iteratively(matrix, data[1], on_iteration=interrupt, **options)
    later: list[int] = []
    found = predict.regress_iteratively(
        matrix, data[1], on_iteration=lambda i, _: later.append(i), **options
    )
    assert later[0] == 8
    np.testing.assert_array_equal(found.dual, whole.dual)
    np.testing.assert_array_equal(found.report.history, whole.report.history)
    assert [residual for _, residual in seen] == whole.report.history[1:8].tolist()
    again = predict.regress_iteratively(matrix, data[1], **options)
    assert again.report.iterations == found.report.iterations
    tighter = predict.regress_iteratively(matrix, data[1], **(options | {"tolerance": 1e-12}))
    assert tighter.report.converged
    assert not list(tmp_path.glob(".*"))


def test_an_interrupt_within_a_product_loses_one_iteration(data: Any, tmp_path: Any) -> None:
    calls = 0

    def interrupt(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 23:
            raise KeyboardInterrupt

    path = tmp_path / "solve.npz"
    tiles = predict.KernelTiles(rbf, data[0], block=BLOCK)  # five slabs, so five calls a product
    options: Any = {"ridge": 1e-3, "rank": 20, "checkpoint": path}
    with pytest.raises(KeyboardInterrupt):
        predict.regress_iteratively(tiles, data[1], progress=interrupt, **options)
    with np.load(path) as saved:
        assert len(saved["steps"]) == 4
    assert predict.regress_iteratively(tiles, data[1], **options).report.converged


def test_a_checkpoint_of_another_problem_or_damaged(matrix: Any, data: Any, tmp_path: Any) -> None:
    path = tmp_path / "solve.npz"
    y = data[1]
    predict.regress_iteratively(matrix, y, ridge=0.1, rank=20, checkpoint=path)
    whole = path.read_bytes()
    for change, other in (
        ({"y": y + 1}, "other targets"),
        ({"y": y[:, 0]}, "targets of the shape"),
        ({"ridge": 0.2}, "the ridge 0.1, and not 0.2"),
        ({"k": matrix + np.eye(N)}, "another kernel matrix"),
    ):
        given = {"k": matrix, "y": y, "ridge": 0.1} | change
        with pytest.raises(InputError, match=other):
            predict.regress_iteratively(
                given["k"], given["y"], ridge=given["ridge"], checkpoint=path
            )
    for damaged in (whole[: len(whole) // 2], b"", b"nothing"):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="is damaged"):
            predict.regress_iteratively(matrix, y, ridge=0.1, checkpoint=path)
    np.savez(path, format=np.array(1), right=y)
    with pytest.raises(InputError, match="is damaged"):
        predict.regress_iteratively(matrix, y, ridge=0.1, checkpoint=path)
    np.savez(path, format=np.array({}, dtype=object))
    with pytest.raises(InputError, match="is damaged"):
        predict.regress_iteratively(matrix, y, ridge=0.1, checkpoint=path)


def test_endings_short_of_the_tolerance_are_told(matrix: Any, data: Any) -> None:
    options: Any = {"ridge": 1e-3, "preconditioner": "none"}
    with pytest.raises(predict.ConvergenceError, match="max_iterations = 3") as caught:
        predict.regress_iteratively(matrix, data[1], max_iterations=3, **options)
    assert caught.value.report.reason == "iterations"
    found = predict.regress_iteratively(
        matrix, data[1], max_iterations=3, on_failure="report", **options
    )
    assert not found.report.converged
    assert found.report.residuals.max() > 1e-8
    np.testing.assert_array_equal(found.dual, caught.value.solution)
    np.testing.assert_allclose(found.train, matrix @ found.dual, atol=1e-12)


def test_what_roundoff_forbids_is_told(data: Any) -> None:
    smooth = rbf(data[0] / 4) - 0.25 * np.eye(N)
    found = predict.regress_iteratively(
        smooth, data[1], ridge=0.0, tolerance=1e-13, max_iterations=20000, on_failure="report"
    )
    assert found.report.reason in ("stagnated", "indefinite")
    negative = np.diag(np.r_[np.full(40, 2.0), 1.0])
    negative[:2, :2] = [[1.0, 3.0], [3.0, 1.0]]
    with pytest.raises(predict.ConvergenceError, match="not positive definite"):
        predict.regress_iteratively(
            negative, np.r_[1.0, -1.0, np.zeros(39)], ridge=0.5, preconditioner="none"
        )


def test_nan_is_named_where_it_appears(matrix: Any, data: Any) -> None:
    broken = matrix.copy()
    broken[120, 7] = broken[7, 120] = np.nan
    with pytest.raises(InputError, match=r"^k_train: the kernel matrix has nan at \[7, 120\]"):
        predict.regress_iteratively(broken, data[1], ridge=0.1)
    tiles = predict.ArrayTiles(broken, block=BLOCK, check=False)
    with pytest.raises(InputError, match=r"nan at \[7, 120\]"):
        predict.regress_iteratively(tiles, data[1], ridge=0.1, preconditioner="none")
    with pytest.raises(InputError, match=r"nan at \[7, 120\]"):
        tiles.multiply(np.ones((N, 1)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("y_train", np.ones(3)),
        ("ridge", -1.0),
        ("ridge", np.nan),
        ("ridge_scale", "half"),
        ("tolerance", 0.0),
        ("tolerance", 1.0),
        ("max_iterations", 0.5),
        ("preconditioner", "jacobi"),
        ("rank", -1),
        ("checkpoint_every", 0),
        ("on_failure", "ignore"),
    ],
)
def test_impossible_arguments_are_named(matrix: Any, data: Any, name: str, value: Any) -> None:
    arguments: Any = {"y_train": data[1], "ridge": 0.1, name: value}
    with pytest.raises(InputError, match=f"^{name}"):
        predict.regress_iteratively(matrix, **arguments)


def test_what_is_no_kernel_matrix(matrix: Any) -> None:
    with pytest.raises(InputTypeError, match=r"^k_train"):
        predict.ArrayTiles(np.ones((2, 2), bool))
    with pytest.raises(InputError, match="square"):
        predict.ArrayTiles(np.ones((2, 3)))
    with pytest.raises(InputError, match="not symmetric"):
        predict.ArrayTiles(np.triu(matrix))
    with pytest.raises(InputError, match=r"^block"):
        predict.ArrayTiles(matrix, block=0)


def test_degenerate_sizes(data: Any) -> None:
    none = predict.regress_iteratively(np.zeros((0, 0)), np.zeros((0, 2)), ridge=1.0)
    assert none.dual.shape == (0, 2)
    one = predict.regress_iteratively([[3.0]], [2.0], ridge=1.0)
    assert one.dual == pytest.approx([0.5], rel=1e-12)
    zeros = predict.regress_iteratively(np.eye(4), np.zeros(4), ridge=1.0)
    assert (zeros.report.iterations, zeros.dual.tolist()) == (0, [0.0] * 4)
    twice = np.concatenate([data[0], data[0]])
    k = rbf(twice) - 0.25 * np.eye(2 * N)
    y = np.concatenate([data[1], data[1]])
    found = predict.regress_iteratively(k, y, ridge=1e-3)
    np.testing.assert_allclose(found.dual[:N], found.dual[N:], atol=1e-6)


def test_a_relative_ridge(matrix: Any, data: Any) -> None:
    found = predict.regress_iteratively(matrix, data[1], ridge=0.1, ridge_scale="relative")
    assert found.report.ridge == pytest.approx(0.125, rel=1e-12)


@pytest.mark.parametrize("tile_bytes", [64 * 2**20, 8, 8 * N * 3])
def test_streamed_predictions(data: Any, matrix: Any, tile_bytes: int) -> None:
    x, y, x_test = data
    dual = predict.regress(matrix, y, ridge=0.1).dual
    steps: list[tuple[int, int]] = []
    found = predict.stream_predictions(
        rbf, x_test, x, dual, tile_bytes=tile_bytes, scale=2.0, progress=lambda *s: steps.append(s)
    )
    np.testing.assert_allclose(found, 2 * rbf(x_test, x) @ dual, rtol=1e-12, atol=1e-12)
    assert steps[-1] == (7 * N, 7 * N)
    flat = predict.stream_predictions(rbf, x_test, x, dual[:, 0])
    assert flat.shape == (7,)


def test_a_memory_mapped_matrix(matrix: Any, data: Any, tmp_path: Any) -> None:
    np.save(tmp_path / "k.npy", matrix.astype(np.float32))
    mapped = np.load(tmp_path / "k.npy", mmap_mode="r")
    found = predict.regress_iteratively(mapped, data[1], ridge=0.1)
    expected = predict.regress(mapped, data[1], ridge=0.1)
    np.testing.assert_allclose(found.dual, expected.dual, atol=1e-6)


def test_a_compiled_kernel(tmp_path: Any) -> None:
    """Dropout: an input with itself has another kernel than two equal inputs."""
    import ntkc

    source = "network net { input vector[3]; dense; relu; dropout(0.5); dense }"
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((90, 3)), rng.standard_normal(90)
    x[1] = x[0]
    kernel = ntkc.compile(source=source)
    expected = predict.regress(kernel(x), y, ridge=0.1)
    tiles = predict.KernelTiles(kernel, x, block=32)
    found = predict.regress_iteratively(tiles, y, ridge=0.1, tolerance=1e-12)
    np.testing.assert_allclose(found.dual, expected.dual, atol=1e-9)
    single = predict.KernelTiles(ntkc.compile(source=source, dtype="float32"), x, block=32)
    assert single.epsilon == 2.0**-23
