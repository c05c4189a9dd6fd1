"""Models fitted to data: a network's kernel, training inputs and weights, kept as one folder.

    model = ntkc.fit("model.ntk", x, y)
    model.predict(x_test)
    model.save("fitted")
    ntkc.load_model("fitted").predict(x_test)

`fit` and `predict` of the command line are these, with tables from files.
"""

from __future__ import annotations

from .errors import DataError, FittedError, ModelError
from .fitting import fit
from .folder import load_model
from .model import FittedModel

__all__ = ["DataError", "FittedError", "FittedModel", "ModelError", "fit", "load_model"]
