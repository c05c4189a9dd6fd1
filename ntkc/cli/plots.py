"""Pictures of curves, by matplotlib where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ntkc.cli.exits import InputError, UsageError
from ntkc.cli.tables import check_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SUFFIXES = (".png", ".pdf", ".svg")
_FLOOR = 1e-4
"""Of the largest error: a training error below leaves the picture, which shows the test error."""
_LABELS = 10
"""Numbers of rows that have place below an axis."""
_BLUE, _ORANGE = "#1f5fa8", "#c8641e"


def check(name: str) -> None:
    """Find out what can be known of a picture before the work begins."""
    path = Path(name)
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"--plot: expected a file of one of the types {', '.join(_SUFFIXES)}")
    check_folder(path.parent, "--plot")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError("--plot needs matplotlib: pip install matplotlib") from None


def draw(name: str, kind: str, columns: Mapping[str, NDArray[Any]], title: str) -> None:
    """Draw a curve of the kind "dynamics" or "learning" into a file, replaced at once."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    if kind == "dynamics":
        _dynamics(axes, columns)
    else:
        _learning(axes, columns)
    axes.set_title(title, fontsize=10)
    axes.set_ylabel("mean squared error")
    axes.grid(alpha=0.3, which="both", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    path = Path(name)
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part{path.suffix}")
    try:
        figure.savefig(partial, dpi=150)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _dynamics(axes: Any, columns: Mapping[str, NDArray[Any]]) -> None:
    """Lines over time; time 0 has no place on a logarithmic axis, and ∞ none at all."""
    import numpy as np

    times = columns["time"]
    shown = np.isfinite(times) & (times > 0)
    for name, colour in (("train", _BLUE), ("test", _ORANGE)):
        if name in columns:
            line = columns[name][shown]
            axes.plot(times[shown], line, color=colour, label=name)
    axes.set_xscale("log")
    largest = max(columns["train"].max(), columns.get("test", columns["train"]).max())
    if largest > 0:
        axes.set_yscale("log")
        axes.set_ylim(bottom=max(columns["train"][shown].min(initial=largest), _FLOOR * largest))
    axes.set_xlabel("training time (learning rate × steps)")


def _learning(axes: Any, columns: Mapping[str, NDArray[Any]]) -> None:
    import numpy as np

    n, spread = columns["n"], np.nan_to_num(columns["standard_error"])
    axes.plot(n, columns["forecast"], color=_BLUE, label="forecast from the kernel matrix")
    axes.errorbar(
        n, columns["measured"], 2 * spread, fmt="o", markersize=4, capsize=3, color=_ORANGE,
        label="measured, ±2 standard errors",
    )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_plain())
        axis.set_minor_formatter(_plain())
    if len(n) <= _LABELS:
        axes.set_xticks(n, [str(rows) for rows in n])
        axes.xaxis.minorticks_off()
    axes.set_xlabel("training rows")


def _plain() -> Any:
    """Numbers as 0.6 and not as 6×10⁻¹, at the places that matplotlib labels."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    return Plain()
