"""The operation `edge` as a helper that generated modules carry, whatever compiles them.

What it is, and how it is found: `ntkc.runtime.edge`.
"""

from __future__ import annotations

import math

import numpy as np

from ntkc.runtime.edge import FAR, NEAR, NODES, REACH, REST

_EDGE = '''\
{decorator}
def edge_{dtype}(h, y, x, degree):
    """The integral from s = h y/|x| of w(t) exp(-(h^2 + t^2)/2) dt / (2 pi), where w is
    h/(h^2 + t^2), t^2/(h^2 + t^2), 2 h t^2/(h^2 + t^2)^2 for the degrees 0, 1, 2.

    For s >= 0 a Gauss-Legendre sum of positive terms, and near 0 by Owen's T; for s < 0 twice the
    integral from 0, less the one from -s.
    """
    size, rise, run = abs(h), abs(y), max(abs(x), F(LEAST))
    distance = min(size * min(rise / run, F(STEEP)), F(FAR))
    below = (y < F(0.0)) != (h < F(0.0))
    value, whole = F(0.0), F(0.0)
    for turn in range(2):
        s = distance if turn == 0 else F(0.0)
        if turn == 1 and not below:
            continue
        found = F(0.0)
        square = size * size + s * s
        if max(size, s) < F(NEAR):
            found = F(0.5) * math.erfc(size * F(ROOT)) * F(0.5)
            found -= owen_t_{dtype}(size, rise if turn == 0 else F(0.0), run)
            if degree > 0:
                flat = F(0.5) * math.erfc(s * F(ROOT)) * math.exp(F(-0.5) * size * size)
                first = flat * F(DENSITY) - size * found
                if degree == 2:
                    bell = math.exp(F(-0.5) * square) * F(CIRCLE)
                    turned = size * s / square if square > F(0.0) else F(0.0)
                    found += turned * bell - size * first
                else:
                    found = first
        else:
            length = F(REACH) / (max(s, F(REST)) + s)
            for place, weight in {rule}:
                step = length * place
                t = s + step
                square = size * size + t * t
                share = (size if degree == 0 else t * t) / square
                if degree == 2:
                    share = F(2.0) * size * share / square
                found += weight * share * math.exp(-step * (s + F(0.5) * step))
            found *= length * math.exp(F(-0.5) * (size * size + s * s))
        if turn == 0:
            value = found
        else:
            whole = found
    if below:
        value = F(2.0) * whole - value
    return -value if h < F(0.0) and degree != 1 else value'''
_NODES = {"float64": NODES, "float32": 13}


def edge(dtype: str, decorator: str) -> str:
    """The helper, with the nodes on [0, 1] and the weights / 2 pi."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES[dtype])
    rule = tuple(
        ((float(x) + 1.0) / 2.0, float(w) / (4.0 * math.pi))
        for x, w in zip(nodes, weights, strict=True)
    )
    lines = "".join(f"\n        (F({x!r}), F({w!r}))," for x, w in rule)
    single = dtype == "float32"
    numbers = {
        "LEAST": "1e-37" if single else "1e-300",
        "STEEP": "1e30" if single else "1e100",
        "FAR": repr(FAR),
        "NEAR": repr(NEAR),
        "REACH": "36.0" if single else repr(REACH),
        "REST": "6.0" if single else repr(REST),
        "ROOT": repr(math.sqrt(0.5)),
        "DENSITY": repr(1.0 / math.sqrt(2.0 * math.pi)),
        "CIRCLE": repr(0.5 / math.pi),
    }
    text = _EDGE.replace("{decorator}", decorator).replace("{dtype}", dtype)
    for name, number in numbers.items():
        text = text.replace(f"F({name})", f"F({number})")
    text = text.replace("{rule}", f"({lines}\n    )")
    return text.replace("F(", "np.float32(" if single else "(")
