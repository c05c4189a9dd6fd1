"""What `ntkc explain` says: programs, activations, layers and codes in words."""

from ntkc.explain.latex import latex_model
from ntkc.explain.model import explain_model
from ntkc.explain.schedule import format_schedule
from ntkc.explain.words import explain_activation, explain_code, explain_layer

__all__ = [
    "explain_activation",
    "explain_code",
    "explain_layer",
    "explain_model",
    "format_schedule",
    "latex_model",
]
