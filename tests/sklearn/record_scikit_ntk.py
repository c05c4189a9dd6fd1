"""Record values of scikit-ntk 1.2.1 in `scikit_ntk.npz`. The tests read that file alone.

python -m venv rival && rival/bin/pip install scikit-ntk==1.2.1
rival/bin/python tests/sklearn/record_scikit_ntk.py
"""

from pathlib import Path

import numpy as np
from skntk import NeuralTangentKernel

FILE = Path(__file__).with_name("scikit_ntk.npz")
DEPTHS = (1, 3, 6)
BIASES = (0.0, 0.1, 1.3)

if __name__ == "__main__":
    rng = np.random.default_rng(2026)
    x, z = rng.standard_normal((7, 4)), rng.standard_normal((3, 4))
    arrays = {"x": x, "z": z}
    for depth in DEPTHS:
        for bias in BIASES:
            kernel = NeuralTangentKernel(depth, bias)
            gram, gradient = kernel(x, eval_gradient=True)
            arrays[f"gram_{depth}_{bias}"] = gram
            arrays[f"gradient_{depth}_{bias}"] = gradient[..., 0]
            arrays[f"cross_{depth}_{bias}"] = kernel(x, z)
    np.savez(FILE, **arrays)
