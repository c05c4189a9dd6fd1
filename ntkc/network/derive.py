"""From a network to kernel IR: each layer's map on (Σ, Θ), from the input to the output."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ntkc.diagnostics import Diagnostic, Kind, Label, NtkError, ProgramError, Span
from ntkc.ir.module import DualForms, LazyForms, Module
from ntkc.ir.node import Node, Varies
from ntkc.layers.base import Covariance, Layer
from ntkc.network.display import show_input
from ntkc.network.graph import LayerNode, Network

if TYPE_CHECKING:
    from ntkc.symbolic.uncertified import NotCertifiedError


class OpenSizesError(NtkError, ValueError):
    """A network whose kernel depends on sizes that are not known yet."""


def derive(network: Network, tolerance: float = 1e-10) -> Module:
    """The kernel of the network: the roots `nngp` and `ntk` between two inputs.

    Activations without closed form are approximated within the tolerance, when their forms are
    asked for: that raises `ProgramError` where none is within it. Raises `OpenSizesError` where the
    input's positions are open.
    """
    known: dict[LayerNode, Covariance] = {}
    spans: dict[Node, Span] = {}
    activations: dict[str, Callable[[], DualForms]] = {}
    start = Covariance.of_input(_space(network))
    for node in network.nodes():
        if node.layer is None:
            known[node] = start
        else:
            inputs = tuple(known[before] for before in node.inputs)
            shapes = tuple(before.shape for before in node.inputs)
            known[node] = node.layer.propagate(inputs, shapes)
            for key, forms in node.layer.activations.items():
                activations[key] = partial(_certified, forms, tolerance, node.layer)
        _note(known[node], node.span, spans)
    output = known[network.output]
    return Module(
        name=network.name,
        input=network.input,
        parameters=network.parameters,
        roots={"nngp": output.nngp, "ntk": output.ntk},
        activations=LazyForms(activations),
        spans=spans,
    )


def _certified(forms: Callable[[float], DualForms], tolerance: float, layer: Layer) -> DualForms:
    """The forms of a layer's activation. Raises `ProgramError` where the tolerance is not met."""
    from ntkc.symbolic.uncertified import NotCertifiedError

    try:
        return forms(tolerance)
    except NotCertifiedError as error:
        raise ProgramError((_uncertified(error, tolerance, layer),)) from None


def _uncertified(error: NotCertifiedError, tolerance: float, layer: Layer) -> Diagnostic:
    defined = layer.definition
    return Diagnostic(
        "E0506",
        f"`{layer.name}` cannot be certified to {tolerance:g}",
        Label(layer.span, f"it has no closed form, and {error.reason}"),
        () if defined is None else (Label(defined, "it is defined here"),),
        (error.help,),
        kind=Kind.LIMITATION,
    )


def check_sizes(network: Network) -> None:
    """Raise `OpenSizesError` where code cannot be made yet: slices need channels, too."""
    if network.input.kind != "vector" and None in network.input.sizes:
        raise _open("sizes", network)


def _space(network: Network) -> tuple[int, ...]:
    """The input's spatial sizes."""
    space = network.input.sizes[:-1]
    sizes = tuple(size for size in space if size is not None)
    if len(sizes) < len(space):
        raise _open("positions", network)
    return sizes


def _open(what: str, network: Network) -> OpenSizesError:
    return OpenSizesError(
        f"the {what} of `{show_input(network.input)}` are open, and code is made for given ones: "
        "write them there, or give those of an example, with ntkc.compile(..., sizes=(32, 32, 3)) "
        "or --sizes 32,32,3"
    )


def _note(covariance: Covariance, span: Span, spans: dict[Node, Span]) -> None:
    """Remember the span of every node that is new; what is older came from another layer."""
    pending = [covariance.nngp, covariance.ntk]
    while pending:
        node = pending.pop()
        if node.varies is not Varies.CONST and node not in spans:
            spans[node] = span
            pending.extend(node.args)
