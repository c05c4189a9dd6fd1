"""Files of every format with damage of every kind: read, or refused by an error of ours."""

import contextlib
import random
import warnings
from pathlib import Path

import numpy as np
import pytest

from ntkc.cli import tables
from ntkc.cli.exits import InputError


def damaged(whole: bytes, chance: random.Random) -> bytes:
    """With some bytes changed, cut out or put in, or without its end."""
    data = bytearray(whole)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        place = chance.randrange(len(data) + 1)
        what = chance.randrange(8)
        if what < 4:
            data[place : place + 1] = bytes([chance.randrange(256)])
        elif what < 6:
            del data[place : place + chance.randrange(1, 40)]
        elif what < 7:
            data[place:place] = chance.randbytes(chance.randrange(1, 9))
        else:
            del data[place:]
    return bytes(data)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".npy", ".npz", ".parquet"])
def test_damage(suffix: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((20, 2))
    columns = {"a": x[:, 0], "b": x[:, 1], "c d": np.array(["x, y", 'the "z"'] * 10)}
    if suffix == ".npy":
        del columns["c d"]
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"table{suffix}"
    tables.write(str(path), columns)
    whole, chance, read = path.read_bytes(), random.Random(0), 0
    tables.read(str(path))
    for _ in range(150):
        path.write_bytes(damaged(whole, chance))
        with warnings.catch_warnings(), contextlib.suppress(InputError):
            warnings.simplefilter("ignore")  # NumPy's, of headers
            tables.read(str(path))
            read += 1
    assert read < 100
