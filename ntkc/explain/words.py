"""Activations, layers and codes in words."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ntkc import activations, layers
from ntkc.activations._derived import Derived
from ntkc.activations.base import Activation, Bound, ParameterKind
from ntkc.activations.base import Parameter as ActivationParameter
from ntkc.diagnostics import pages
from ntkc.explain.layout import heading, wrapped
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.module import ENDLESS, Certificate, DualForms
from ntkc.ir.node import substitute, topological
from ntkc.layers.base import Layer, WordsParameter

if TYPE_CHECKING:
    from ntkc.symbolic.latex import Formula, Formulas


def explain_code(code: str) -> str:
    """The page of a diagnostic's code. Raises `KeyError` where there is none."""
    return pages.page(code).rstrip() + "\n"


def explain_layer(name: str) -> str:
    """A layer: what it does, and its arguments. Raises `KeyError` where there is none."""
    layer = layers.load(name)
    lines = [f"layer `{name}`", ""]
    for paragraph in (inspect.getdoc(layer) or "").split("\n\n"):
        lines += [*wrapped(" ".join(paragraph.split())), ""]
    lines += _arguments(layer)
    return "\n".join(lines).rstrip() + "\n"


def _arguments(layer: type[Layer]) -> Iterator[str]:
    if not layer.parameters:
        yield "It takes no arguments."
        return
    yield "Arguments:"
    for parameter in layer.parameters:
        default = getattr(parameter, "default", None)
        shown = "" if default is None else f" = {_value(default)}"
        words = getattr(parameter, "choices", ())
        several = " or a list" if isinstance(parameter, WordsParameter) else ""
        choice = f": one of {', '.join(words)}{several}" if words else ""
        yield from wrapped(f"{parameter.name}{shown}{choice}", 2, 6)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


def explain_activation(name: str) -> str:
    """An activation: its arguments and closed forms, as text and as LaTeX.

    Raises `KeyError` where there is none.
    """
    from ntkc.symbolic.latex import formulas

    activation = activations.load(name)
    lines = [f"activation `{name}`", ""]
    for paragraph in activation.documentation.split("\n\n"):
        lines += [*wrapped(" ".join(paragraph.split())), ""]
    lines += [*_parameters(activation), ""]
    bound = sample(activation)
    lines += wrapped(
        "For Gaussian u, v of variances p, q and covariance c, with theta = arccos(c/√(pq)): "
        "dual is E[f(u) f(v)], dual_dot is E[f'(u) f'(v)] = d dual / dc, and the diagonal is dual "
        "at c = q = p."
    )
    found = formulas(bound)
    lines += ["", *_form_lines(bound, found)]
    if found.names:
        lines += ["", *wrapped(" ".join(found.names))]
    lines += [*_route(bound), *_latex(found)]
    return "\n".join(lines) + "\n"


def sample(activation: Activation) -> Bound:
    """The activation with its defaults; a required argument has a sample's value."""
    values = [
        p.samples[len(p.samples) // 2] if p.default is None and p.samples else p.default
        for p in activation.parameters
    ]
    return activation.bind(values)


def activation_lines(bound: Bound, certificate: Certificate | None = None) -> Iterator[str]:
    """The forms as text and LaTeX and their route, or the certificate that a network has."""
    from ntkc.symbolic.latex import formulas

    found = formulas(bound)
    yield from _form_lines(bound, found)
    if certificate is not None:
        yield from wrapped(certificate_text(certificate), 4, 4)
    else:
        yield from wrapped(f"Route: {_closed_route(bound)}", 4, 4)
    yield from wrapped(" ".join(found.names), 4, 4)
    if bound.activation.distributional_derivative:
        yield from wrapped(_JUMPS, 4, 4)
    yield from wrapped(f"LaTeX of dual: {found.dual.latex}", 4, 4)


def _form_lines(bound: Bound, found: Formulas) -> Iterator[str]:
    """The forms as text."""
    yield f"  {bound.key}"
    for name, formula in _shown(found):
        yield from wrapped(f"{name:<8} = {formula.text}", 4, 15)


def _shown(found: Formulas) -> tuple[tuple[str, Formula], ...]:
    return ("dual", found.dual), ("dual_dot", found.dual_dot), ("diagonal", found.diagonal)


_JUMPS = (
    "Its derivative has point masses, so E[f'(u) f'(v)] is infinite at coincident inputs; "
    "by convention it counts as 0."
)


_MOMENTS = (
    " Its terms are moments between kinks: where the kernel is less than they are, as that of a "
    "function which is 0 around 0 and curved beyond at variances far below its threshold, it "
    "holds to roundings of the largest of them."
)


def _by_edges(forms: DualForms) -> bool:
    """Whether nothing cancels in a form: see `ntkc.symbolic.tails`."""
    return any(node.op == "edge" for node in topological((forms.dual,)))


def _end(bound: Bound) -> str:
    """Where variances end for an activation that grows like exp(z^2)."""
    end = bound.forms().end
    if end is None:
        return ""
    end = substitute(end, dict(zip(bound.symbols, bound.arguments, strict=True)))
    if any(node.op in ("symbol", "param") for node in topological((end,))):
        return " for which E[f(u)^2] is finite"
    (high,) = evaluate([end], {})
    return f" below {high:g}, from which on E[f(u)^2] is infinite" if high < ENDLESS else ""


def _closed_route(bound: Bound) -> str:
    """How a closed form was found, and where it holds."""
    from ntkc.symbolic.routes import Dual

    holds = f"It holds to roundings of p, q and c at every variance{_end(bound)}."
    if isinstance(bound.activation, Derived):
        found = bound.activation.route(bound)
        if isinstance(found, Dual):
            if "truncated moments" in found.route and not _by_edges(found.forms):
                holds += _MOMENTS
            return f"closed form, derived from the formula: {found.route}. {holds}"
    return f"closed form. {holds}"


_SERIES = {
    "series": "no closed form is known; a Hermite series of {} terms stands for it",
    "decays": "exponentials that a kink at 0 cuts off, whose closed form loses its digits; a "
    "Hermite series of {} terms stands for them, and the jump of the slope is exact",
}


def certificate_text(certificate: Certificate) -> str:
    """The route, the error and the range, in a sentence or two."""
    route = _SERIES[certificate.route].format(certificate.terms)
    return (
        f"Route: {route}. "
        f"Certificate: errors of at most {certificate.error:.1e}, relative to "
        "√(dual(p,p) dual(q,q)), and so for dual_dot. Range: variances from 0 to "
        f"{certificate.largest_variance:g}; a kernel refuses inputs beyond."
    )


def _parameters(activation: Activation) -> Iterator[str]:
    if not activation.parameters:
        yield "It takes no arguments."
        return
    yield "Arguments:"
    for parameter in activation.parameters:
        shown = "" if parameter.default is None else f" = {parameter.default:g}"
        yield from wrapped(
            f"{parameter.name}{shown}: {parameter.kind.value}{_range(parameter)}", 2, 6
        )


def _range(parameter: ActivationParameter) -> str:
    low, high = parameter.low, parameter.high
    what = ", of length" if parameter.kind is ParameterKind.NUMBERS else ","
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high):
        text = f"{what} at least {low:g}"
    elif math.isinf(low):
        text = f"{what} at most {high:g}"
    else:
        text = f"{what} from {low:g} to {high:g}"
    return text + (f" ({parameter.reason})" if parameter.reason else "")


def _route(bound: Bound) -> Iterator[str]:
    forms = bound.forms()
    yield ""
    if forms.certificate is not None:
        yield from wrapped(certificate_text(forms.certificate))
    elif forms.normalised is not None:
        degree = forms.normalised.degree
        yield from wrapped(
            f"It is homogeneous of degree {degree}: its forms are functions of the angle alone "
            "times a power of √(pq), and networks with it carry the complement 1 - cos(theta), "
            "which stays accurate where inputs nearly coincide."
        )
    elif forms.near is not None:
        yield from wrapped(
            "It has kinks away from 0: networks with it carry the complement 1 - c/√(pq). The "
            "complement of its own kernel is known to a rounding of 1, not of itself."
        )
    else:
        yield from wrapped(
            "Its dual is smooth in the covariance: a network with few activations, all of them "
            "smooth, carries covariances, and any other complements 1 - c/√(pq)."
        )
    if bound.activation.distributional_derivative:
        yield from wrapped(_JUMPS)
    if forms.certificate is None:
        yield from wrapped(f"Route: {_closed_route(bound)}")
    low, high = bound.activation.variances
    yield from wrapped(f"It is tested against quadrature for variances from {low:g} to {high:g}.")


def _latex(found: Formulas) -> Iterator[str]:
    yield from heading("LaTeX")
    for name, formula in _shown(found):
        yield f"% {name}"
        yield formula.latex
