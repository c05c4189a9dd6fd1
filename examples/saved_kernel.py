"""Compile a kernel to a folder, and use it where ntkc is not installed.

`save` writes an importable package: generated source, the program's text, a manifest, and the few
modules that run a kernel. It needs NumPy, Numba and threadpoolctl, and nothing of ntkc.
A second Python, in which `import ntkc` fails, imports the folder and computes the same kernel.

Expect the folder's contents, and an answer that is the same to the last bit.

    python examples/saved_kernel.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import ntkc

PROGRAM = Path(__file__).with_name("mlp.ntk")
ELSEWHERE = """
import sys
sys.modules["ntkc"] = None  # `import ntkc` fails, as where it is not installed

import numpy as np
from mlp import kernel

x = np.load("x.npy")
np.save("k.npy", kernel(x))
print(f"elsewhere: {kernel}")
print(f"elsewhere: SymPy imported: {'sympy' in sys.modules}, Lark: {'lark' in sys.modules}")
"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Save a kernel and use it without ntkc.")
    parser.add_argument("--small", action="store_true", help="20 rows instead of 1000")
    rows = 20 if parser.parse_args(argv).small else 1000

    x = np.random.default_rng(0).standard_normal((rows, 64))
    kernel = ntkc.compile(PROGRAM)
    with TemporaryDirectory() as folder:
        package = kernel.save(folder)
        for path in sorted(package.iterdir()):
            print(f"{package.name}/{path.name}{'/' if path.is_dir() else ''}")
        np.save(Path(folder, "x.npy"), x)
        found = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            cwd=folder,
            check=True,
            text=True,
            capture_output=True,
        )
        k = np.load(Path(folder, "k.npy"))
    print(found.stdout, end="")
    same = np.array_equal(k, kernel(x))
    print(f"the same {k.shape[0]} x {k.shape[1]} values to the last bit: {same}")
    assert same


if __name__ == "__main__":
    main()
