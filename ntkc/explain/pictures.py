"""Pictures of activations and networks, drawn with Matplotlib, which is optional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ntkc.diagnostics import NtkError
from ntkc.driver import FrontEnd
from ntkc.explain.words import sample
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.interpret import interpret
from ntkc.layers.base.activation import ActivationLayer
from ntkc.network.derive import derive
from ntkc.network.display import show_layer

VARIANCES = (0.1, 1.0, 4.0, 25.0)
"""At which an activation's kernels are drawn."""
_POINTS = 401
_MOST_CURVES = 8


class PlotError(NtkError):
    """A picture that cannot be drawn."""


def plot_activation(name: str, path: Path) -> None:
    """φ over z, and its dual and Σ̇ over the correlation for some variances.

    The dual is drawn relative to its value at coincidence, which grows with the variance.
    Raises `PlotError` where Matplotlib is not installed, `KeyError` for an unknown activation.
    """
    figure = _figure(path)
    from ntkc import activations

    bound = sample(activations.load(name))
    function = bound.function(_symbol("z"))
    panels = figure.subplots(1, 2 if function is None else 3)
    figure.suptitle(bound.key)
    if function is not None:
        z = np.linspace(-4.0, 4.0, _POINTS)
        panels[0].plot(z, _values(function, z=z), color="black")
        _label(panels[0], "z", "activation φ(z)")
    forms, given = bound.forms(), _arguments(bound)
    rho = np.sin(np.linspace(-np.pi / 2, np.pi / 2, _POINTS))  # dense where curves bend
    for number, variance in enumerate(VARIANCES):
        at = {"c": rho * variance, "p": variance, "q": variance, **given}
        dual, dual_dot = _values(forms.dual, **at), _values(forms.dual_dot, **at)
        style = {"color": _colour(number, len(VARIANCES)), "label": f"p = q = {variance:g}"}
        top = float(_values(forms.diagonal, p=np.array([variance]), **given)[0])
        panels[-2].plot(rho, dual / top if top else dual, **style)
        panels[-1].plot(rho, dual_dot, **style)
    _label(panels[-2], "correlation ρ", "dual E[φ(u)φ(v)], relative to ρ = 1")
    _label(panels[-1], "correlation ρ", "Σ̇ = E[φ′(u)φ′(v)]")
    panels[-1].legend(frameon=False)
    _save(figure, path)


def plot_model(front: FrontEnd, path: Path) -> None:
    """A network's NNGP and NTK over the angle between two inputs, after each of its layers.

    The inputs have mean square 1; each kernel is drawn relative to its value at coincidence.
    Raises `PlotError` where Matplotlib is not installed, or the inputs are not vectors.
    """
    declared = front.network.input
    if declared.kind != "vector" or declared.sizes[0] == 1:
        raise PlotError(
            "a network is drawn over the angle between two vectors: its input must be "
            f"`vector[n]` with n above 1, not `{declared.kind}`"
        )
    figure = _figure(path)
    angles = np.linspace(0.0, np.pi, _POINTS)
    curves = _layers(front, angles)
    panels = figure.subplots(1, 2)
    figure.suptitle(f"network {front.network.name}")
    for number, (label, nngp, ntk) in enumerate(curves):
        style = {"color": _colour(number, len(curves)), "label": label}
        for panel, values in zip(panels, (nngp, ntk), strict=True):
            if values[0] > 0:
                panel.plot(angles, values / values[0], **style)
    for panel, what in zip(panels, ("NNGP Σ", "NTK Θ"), strict=True):
        _label(panel, "angle between two inputs", f"{what}, relative to angle 0")
        panel.set_xticks([0, np.pi / 2, np.pi], ["0", "π/2", "π"])
    panels[0].legend(frameon=False, fontsize="small")
    _save(figure, path)


def _layers(front: FrontEnd, angles: Any) -> list[tuple[str, Any, Any]]:
    """(layer, NNGP, NTK) after layers that are spread evenly over the network."""
    size = front.network.input.sizes[0] or 2
    x1, x2 = np.zeros((1, size)), np.zeros((len(angles), size))
    x1[0, 0] = np.sqrt(size)
    x2[:, 0], x2[:, 1] = np.sqrt(size) * np.cos(angles), np.sqrt(size) * np.sin(angles)
    nodes = [node for node in front.network.nodes() if node.layer is not None]
    if len(nodes) > _MOST_CURVES:  # then after the activations alone, and at the end
        nodes = [n for n in nodes[:-1] if isinstance(n.layer, ActivationLayer)] + nodes[-1:]
    last = len(nodes) - 1
    count = min(len(nodes), _MOST_CURVES)
    numbers = {node: k for k, node in enumerate(front.network.nodes())}
    chosen = sorted({round(k * last / max(count - 1, 1)) for k in range(count)})
    found = []
    for number in chosen:
        node = nodes[number]
        module = derive(replace(front.network, output=node))
        values = interpret(module, x1, x2)
        assert node.layer is not None
        label = f"{numbers[node]}  {show_layer(node.layer)}"
        found.append((label, values["nngp"][0], values["ntk"][0]))
    return found


# --- drawing ----------------------------------------------------------------------------


def _figure(path: Path) -> Any:
    """An empty figure, which needs no display."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise PlotError(
            "pictures need Matplotlib, which is not installed: pip install 'ntkc[plot]'"
        ) from None
    figure = Figure(figsize=(12.0, 4.2), layout="constrained")
    known = FigureCanvasAgg(figure).get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        raise PlotError(f"{path}: a picture's name ends in one of {', '.join(sorted(known))}")
    return figure


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=120)


def _label(panel: Any, x: str, y: str) -> None:
    panel.set_xlabel(x)
    panel.set_ylabel(y)
    panel.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
    panel.spines[["top", "right"]].set_visible(False)


def _colour(number: int, count: int) -> Any:
    """From dark to light with growing variance or depth."""
    from matplotlib import colormaps

    return colormaps["viridis"](0.9 * number / max(count - 1, 1))


def _symbol(name: str) -> Any:
    from ntkc.ir.node import symbol

    return symbol(name)


def _arguments(bound: Any) -> dict[str, float]:
    """The numbers that a sample's parameters have, by the names they have in the forms."""
    values: Sequence[Any] = bound.arguments
    return {
        name: float(value.attr("value")) for name, value in zip(bound.symbols, values, strict=True)
    }


def _values(form: Any, **at: Any) -> Any:
    (found,) = evaluate([form], at)
    shape = np.broadcast_shapes(*(np.shape(value) for value in at.values()))
    return np.broadcast_to(found, shape)
