"""`--emit latex`: the whole recursion of a network, aligned, and its activations' forms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ntkc.driver import FrontEnd
from ntkc.explain.notation import Notation
from ntkc.explain.recursion import Step, grouped, nngp_name, ntk_name, steps
from ntkc.ir.node import topological
from ntkc.layers.base.activation import ActivationLayer

_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_DUAL = r"\check{{\phi}}_{{\mathrm{{{0}}}}}"
_DUAL_DOT = r"\check{{\phi}}'_{{\mathrm{{{0}}}}}"
_NAME = re.compile(r"([ΣΘ])([₀-₉]+)(\(.*\))?")


def latex_model(front: FrontEnd) -> str:
    r"""The recursion as an `align` environment (amsmath), then the duals that it uses.

    \Sigma_k is the covariance after layer k, \Theta_k its tangent kernel.
    """
    found = steps(front.network)
    lines = [f"% network {front.network.name}", r"\begin{align}", *_rows(front, found)]
    lines.append(r"\end{align}")
    lines += _activations(found)
    return "\n".join(lines) + "\n"


def _rows(front: FrontEnd, found: list[Step]) -> Iterator[str]:
    inner = r"\cos\angle(x, z)" if front.network.input.normalized else r"x^\top z / \mathrm{size}"
    if front.network.input.kind != "vector":
        inner = r"x_i^\top z_j / \mathrm{channels}"
    rows = [(_symbol(nngp_name(0)), inner), (_symbol(ntk_name(0)), "0")]
    notes = [""] * 2
    for group in grouped(found):
        for step in group.steps:
            notation = _notation(step)
            rows.append((_symbol(nngp_name(step.number)), notation.write(step.nngp)))
            rows.append((_symbol(ntk_name(step.number)), notation.write(step.ntk)))
            notes += ["", ""]
        if group.count > 1:
            notes[-1] = rf" && \text{{({len(group.steps)} layers, {group.count} times)}}"
    ends = [r" \\"] * (len(rows) - 1) + [""]
    for (left, right), note, end in zip(rows, notes, ends, strict=True):
        yield f"  {left} &= {right}{note}{end}"


def _notation(step: Step) -> Notation:
    names = {
        node.attr("name"): _symbol(node.attr("name"))
        for node in topological((step.nngp, step.ntk))
        if node.op in ("symbol", "param")
    }
    return Notation(
        times=r" \, ",
        power="{0}^{{{1}}}",
        root=r"\sqrt{{{0}}}",
        fraction=r"\frac{{{0}}}{{{1}}}",
        group=r"\left({0}\right)",
        functions={
            "dual": _DUAL,
            "dual_dot": _DUAL_DOT,
            **{name: rf"\operatorname{{{name}}}" for name in ("dropout", "select", "abs")},
            **{name: f"\\{name}" for name in ("exp", "log", "sin", "cos", "min", "max")},
        },
        names=names,
        indexed=r"\operatorname{{{0}}}_{{{1}}}",
        plain=r"\operatorname{{{0}}}",
    )


def _symbol(name: str) -> str:
    found = _NAME.fullmatch(name)
    if found is None:
        return rf"\mathit{{{name.replace('_', chr(92) + '_')}}}"
    letter = {"Σ": r"\Sigma", "Θ": r"\Theta"}[found[1]]
    return f"{letter}_{{{found[2].translate(_DIGITS)}}}{found[3] or ''}"


def _activations(found: list[Step]) -> Iterator[str]:
    from ntkc.symbolic.latex import formulas

    layers = (step.node.layer for step in found)
    for bound in {x.bound.key: x.bound for x in layers if isinstance(x, ActivationLayer)}.values():
        forms = formulas(bound)
        dual, dot = _DUAL.format(_escaped(bound.key)), _DUAL_DOT.format(_escaped(bound.key))
        yield f"% {bound.key}: variances p, q, covariance c, theta = arccos(c / sqrt(pq))"
        yield from (f"% {name}" for name in forms.names)
        yield rf"\[ {dual}(c, p, q) = {forms.dual.latex} \]"
        yield rf"\[ {dot}(c, p, q) = {forms.dual_dot.latex} \]"
        yield rf"\[ {dual}(p, p, p) = {forms.diagonal.latex} \]"


def _escaped(key: str) -> str:
    return key.replace("_", r"\_")
