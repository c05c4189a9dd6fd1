"""Pictures of activations and networks, drawn with Matplotlib, which is optional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from ntkc.activations.base import Bound
from ntkc.diagnostics import NtkError
from ntkc.driver import FrontEnd
from ntkc.explain.words import sample
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.interpret import interpret
from ntkc.layers.base.activation import ActivationLayer
from ntkc.network.derive import derive
from ntkc.network.display import show_activation, show_layer

VARIANCES = (0.1, 1.0, 4.0, 25.0)
"""At which an activation's kernels are drawn."""
_POINTS = 401
_MOST_CURVES = 8
_LIGHTEST = 0.85
"""Of the colours: yellow is hard to see on white."""
_SLOPES = r"$\dot{\Sigma}$ = E[φ′(u)φ′(v)]"
"""Matplotlib's own mathematics: its fonts set the combining dot into the letter."""


class PlotError(NtkError):
    """A picture that cannot be drawn."""


def plot_activation(name: str, path: Path) -> None:
    """φ over z, and its dual and Σ̇ over the correlation for some variances.

    The dual is drawn relative to its value at coincidence, which grows with the variance, and so
    is Σ̇ where it differs much among them.
    Raises `PlotError` where Matplotlib is not installed, `KeyError` for an unknown activation.
    """
    figure = _figure(path)
    from ntkc import activations

    bound = sample(activations.load(name))
    function = bound.function(_symbol("z"))
    panels = figure.subplots(1, 2 if function is None else 3)
    figure.suptitle(show_activation(bound))
    if function is not None:
        z = np.linspace(-4.0, 4.0, _POINTS)
        panels[0].plot(z, _values(function, z=z), color="black")
        _label(panels[0], "z", "activation φ(z)")
    dual, dual_dot = panels[-2:]
    _curves(dual, _over_correlation(bound, "dual"), "dual E[φ(u)φ(v)]", relative=True)
    if bound.activation.distributional_derivative:
        _note(dual_dot, "0 by convention:\nφ′ has point masses", _SLOPES)
    else:
        _curves(dual_dot, _over_correlation(bound, "dual_dot"), _SLOPES)
    _legend(figure, dual)
    _save(figure, path)


_RHO = np.sin(np.linspace(-np.pi / 2, np.pi / 2, _POINTS))
"""Correlations, dense where curves bend."""
_FAR_APART = 100.0
"""Curves whose ends differ by this factor do not fit on one axis as they are."""


def _over_correlation(bound: Bound, form: str) -> dict[str, Any]:
    """A form over the correlation, by the words for its variances."""
    given = _arguments(bound)
    found: dict[str, Any] = {}
    for variance in VARIANCES:
        at = {"c": _RHO * variance, "p": variance, "q": variance, **given}
        found[f"p = q = {variance:g}"] = _values(getattr(bound.forms(), form), **at)
    return found


def _curves(panel: Any, found: Mapping[str, Any], what: str, relative: bool = False) -> None:
    """Curves over the correlation, relative to their ends where those are far apart; one curve
    where they are all the same.
    """
    ends = np.array([values[-1] for values in found.values()])
    if not relative:
        relative = bool(ends.all() and np.ptp(np.log(np.abs(ends))) > np.log(_FAR_APART))
    if relative:
        found = {k: v / v[-1] if v[-1] else v for k, v in found.items()}
        what += ", relative to ρ = 1"
    first, *others = found.values()
    if all(np.allclose(first, other, rtol=0, atol=1e-9) for other in others):
        found = {"every p = q": first}
    for number, (label, values) in enumerate(found.items()):
        panel.plot(_RHO, values, color=_colour(number, len(found)), label=label)
    _label(panel, "correlation ρ", what)


def _note(panel: Any, words: str, what: str) -> None:
    """A panel that says why it shows nothing."""
    panel.text(0.5, 0.6, words, ha="center", va="center", transform=panel.transAxes, color="0.3")
    panel.set_xlim(-1.1, 1.1)
    panel.set_ylim(-0.05, 1.05)
    _label(panel, "correlation ρ", what)


def _legend(figure: Any, *panels: Any) -> None:
    """Below the panels, where it hides no curve: every label of theirs once."""
    found: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        found.update(zip(labels, handles, strict=True))
    columns = max(1, min(len(found), _LEGEND_WIDTH // max(map(len, found))))
    figure.legend(
        found.values(), found.keys(), loc="outside lower center", ncols=columns, frameon=False
    )


_LEGEND_WIDTH = 110
"""Characters that stand side by side below the panels."""


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
    taken = "".join(f", {p.name} = {p.default:g}" for p in front.network.parameters)
    figure.suptitle(f"network {front.network.name}{taken}")
    for number, (label, nngp, ntk) in enumerate(curves):
        finite = bool(np.isfinite(nngp).all() and np.isfinite(ntk).all())
        style = {
            "color": _colour(number, len(curves)),
            "label": label if finite else f"{label}: infinite",
        }
        for panel, values in zip(panels, (nngp, ntk), strict=True):
            drawn = finite and values[0] > 0
            panel.plot(angles if drawn else [], values / values[0] if drawn else [], **style)
    for panel, what in zip(panels, ("NNGP Σ", "NTK Θ"), strict=True):
        _label(panel, "angle between two inputs", f"{what}, relative to angle 0")
        panel.set_xticks([0, np.pi / 2, np.pi], ["0", "π/2", "π"])
    _legend(figure, panels[0])
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
    figure = Figure(figsize=(12.0, 4.6), layout="constrained")
    known = FigureCanvasAgg(figure).get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        raise PlotError(f"{path}: a picture's name ends in one of {', '.join(sorted(known))}")
    return figure


def _save(figure: Any, path: Path) -> None:
    """Write the picture, whole or not at all."""
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part{path.suffix}")
    try:
        figure.savefig(partial, dpi=120)
        partial.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        partial.unlink(missing_ok=True)


def _label(panel: Any, x: str, y: str) -> None:
    panel.set_xlabel(x)
    panel.set_ylabel(y)
    panel.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
    panel.spines[["top", "right"]].set_visible(False)


def _colour(number: int, count: int) -> Any:
    """From dark to light with growing variance or depth."""
    from matplotlib import colormaps

    return colormaps["viridis"](_LIGHTEST * number / max(count - 1, 1))


def _symbol(name: str) -> Any:
    from ntkc.ir.node import symbol

    return symbol(name)


def _arguments(bound: Bound) -> dict[str, float]:
    """The numbers that a sample's parameters have, by the names they have in the forms."""
    values: Sequence[Any] = bound.arguments
    return {
        name: float(value.attr("value")) for name, value in zip(bound.symbols, values, strict=True)
    }


def _values(form: Any, **at: Any) -> Any:
    (found,) = evaluate([form], at)
    shape = np.broadcast_shapes(*(np.shape(value) for value in at.values()))
    return np.broadcast_to(found, shape)
