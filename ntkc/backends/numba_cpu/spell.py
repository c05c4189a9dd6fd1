"""How scalar operations are spelled: in vector loops, in NumPy, and in plain Python."""

from __future__ import annotations

from ntkc.backends.spelling import ARITHMETIC, ATOM, Dialect, Form, calls, literals, scalars

_CHOICES = calls(
    {
        "sqrt": "safe_sqrt({0})",
        "inv_sqrt": "safe_inverse_sqrt({0})",
        "min": "minimum({0}, {1})",
        "max": "maximum({0}, {1})",
        "select": "select({0}, {1}, {2})",
        "pow2": "power_of_two({0})",
    }
)
"""Functions of `ntkc.runtime.vectors`, of numbers and of vectors: selections, never branches, and
each argument once."""


def lanes(dtype: str) -> Dialect:
    """Numba's loops over numbers, of which LLVM makes vectors."""
    return Dialect(f"{dtype} lanes", {**scalars(dtype), **_CHOICES}, literals(dtype))


def vectors(dtype: str) -> Dialect:
    """Numba's loops over explicit vectors."""
    common = scalars(dtype)
    kept = {name: common[name] for name in (*ARITHMETIC, "round", "abs")}
    return Dialect(f"{dtype} vectors", {**kept, **_CHOICES}, literals(dtype))


NUMPY = Dialect(
    "numpy",
    {
        **ARITHMETIC,
        "power": Form("{0}**{exponent}", ATOM, (ATOM,)),
        **calls(
            {
                "sqrt": "np.sqrt(np.maximum({0}, 0.0))",
                "inv_sqrt": "inv_sqrt({0})",
                "abs": "np.abs({0})",
                "min": "np.minimum({0}, {1})",
                "max": "np.maximum({0}, {1})",
                "select": "np.where({0} > 0.0, {1}, {2})",
                "exp": "np.exp({0})",
                "expm1": "np.expm1({0})",
                "log": "np.log({0})",
                "sin": "np.sin({0})",
                "cos": "np.cos({0})",
                "asin": "np.arcsin(np.clip({0}, -1.0, 1.0))",
                "atan2": "np.arctan2({0}, {1})",
                "within": "within_all({0}, {low!r}, {high!r}, {what!r})",
                "erf": "erf({0})",
                "normal_cdf": "normal_cdf({0})",
                "owen_t": "owen_t({0}, {1}, {2})",
                "triangle": "triangle({0}, {1}, {2})",
                "edge": "edge({0}, {1}, {2}, {degree})",
            }
        ),
    },
    repr,
)

PYTHON = Dialect(
    "python",
    {
        **ARITHMETIC,
        "power": Form("{0}**{exponent}", ATOM, (ATOM,)),
        **calls(
            {
                "sqrt": "math.sqrt(max({0}, 0.0))",
                "inv_sqrt": "(({0}) ** -0.5 if ({0}) > 0.0 else 0.0)",
                "abs": "abs({0})",
                "min": "min({0}, {1})",
                "max": "max({0}, {1})",
                "select": "({1} if {0} > 0.0 else {2})",
                "exp": "math.exp({0})",
                "expm1": "math.expm1({0})",
                "log": "math.log({0})",
                "sin": "math.sin({0})",
                "cos": "math.cos({0})",
                "asin": "math.asin(min(max({0}, -1.0), 1.0))",
                "atan2": "math.atan2({0}, {1})",
                "erf": "math.erf({0})",
                "normal_cdf": "(0.5 * math.erfc(-({0}) / math.sqrt(2.0)))",
                "owen_t": "float(owen_t({0}, {1}, {2}))",
                "triangle": "float(triangle({0}, {1}, {2}))",
                "edge": "float(edge({0}, {1}, {2}, {degree}))",
                "inverse_size": "(1.0 / size)",
                "within": "within({0}, {low!r}, {high!r}, {strict}, {what!r})",
            }
        ),
    },
    repr,
)

IMAGES = Dialect(
    "images",
    {
        **NUMPY.forms,
        "same_position": Form("({0})"),
        "window": Form(
            "window_mean({0}, {size}, {stride}, {dilation}, {before}, {out}, {circular})"
        ),
        "spread": Form("spread_mean({0}, {size}, {stride}, {dilation}, {before}, {out})"),
        "mean_diagonal": Form("mean_image({0})"),
        "embed": Form("embedded({0}, {start}, {out})"),
    },
    repr,
)
"""Values of single inputs as images (n, *space); (n, 1, ...) for values without positions."""
