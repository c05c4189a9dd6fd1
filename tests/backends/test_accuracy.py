"""Generated code against the recursion in 40 digits, where it is hard: nearly coincident pairs,
zeros, scaled rows, and depth.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.backends.kernels import (
    BASE,
    OPPOSITE,
    ROOTS,
    at_angles,
    exact,
    hard_pairs,
    kernel,
    network,
    uncompiled,
    worst,
)

EXACT = 1e-12
"""The accuracy that is promised for float64, relative to sqrt(k(x, x) k(z, z))."""
NETWORKS = {
    "relu": network("{ dense(w_std = sqrt(2)) -> relu } * 3", "dense"),
    "relu, bias": network("{ dense(w_std = sqrt(2), b_std = 0.3) -> relu } * 3", "dense"),
    "ends in relu": network("dense -> relu"),
    "erf": network("{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 2", "dense"),
    "gelu": network("{ dense(w_std = 1.4, b_std = 0.1) -> gelu } * 3", "dense"),
    "abs": network("{ dense(w_std = 1.1, b_std = 0.1) -> abs } * 3", "dense"),
    "erf, relu": network("dense(w_std = 1.4, b_std = 0.2) -> erf -> dense -> relu -> dense"),
    "gelu, relu": network("dense(b_std = 0.2) -> gelu -> dense(b_std = 0.1) -> relu -> dense"),
    "cos, relu": network("dense -> cos(0.9, 1.2, 0.1) -> dense -> relu -> dense"),
    "rbf, relu": network("dense -> rbf(0.7) -> dense -> relu -> dense"),
    "gaussian, relu": network("dense -> gaussian -> dense -> relu -> dense"),
    "gabor, relu": network("dense -> gabor -> dense -> relu -> dense"),
    "exp_normalized, relu": network("dense -> exp_normalized(1, 1) -> dense -> relu -> dense"),
    "polynomial, relu": network("dense -> polynomial([0.5, 1, -0.3]) -> dense -> relu -> dense"),
    "rectified": network("dense -> rectified_monomial(3)", "dense -> rectified_monomial(2)"),
    "monomial, relu": network("dense -> monomial(2) -> dropout(0.5) -> dense -> relu -> dense"),
    "residual": network("dense", "add(identity, relu -> dense(b_std = 0.1)) * 3", "relu", "dense"),
    "layer_norm": network("{ dense(w_std = 1.4, b_std = 0.4) -> layer_norm -> relu } * 2", "dense"),
    "dropout": network("{ dense -> relu -> dropout(0.3) } * 2", "dense -> erf -> dense -> relu"),
    "multiply": network("dense", "multiply(relu -> dense -> erf, identity)", "dense -> relu"),
    "concat": network(
        "concat(dense(units = 3), dense(units = 5, b_std = 0.4))", "dense -> relu -> dense"
    ),
    "normalize": network("normalize", "{ dense(w_std = 1.4) -> relu } * 3", "dense"),
    "normalize at the end": network("dense -> relu -> normalize -> dense -> relu -> normalize"),
    "standard": network(
        "dense(units = 51, b_std = 0.1, parameterization = standard) -> relu",
        "dense(units = 25, b_std = 0.2, parameterization = standard) -> erf",
        "dense(parameterization = standard, b_std = 0.3)",
    ),
    "alone": network("dense(w_std = 1.5, b_std = 0.2)"),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_hard_pairs(name: str) -> None:
    assert worst(uncompiled(NETWORKS[name]), NETWORKS[name], *hard_pairs()) <= EXACT


@pytest.mark.parametrize("name", ["relu", "relu, bias", "residual", "gelu, relu", "erf"])
def test_hard_pairs_compiled(name: str) -> None:
    """Contracted multiplications and vector lanes change roundings and nothing else."""
    assert worst(kernel(NETWORKS[name]), NETWORKS[name], *hard_pairs()) <= EXACT


def test_discontinuous_activations() -> None:
    """`sign` and `step` see the angle itself: a rounding of 1e-16 in a norm moves values by as
    much, and by its square root after the next kink. The pairs are kept apart from coincidence.
    """
    x1, x2 = hard_pairs((0.0, 1e-4, 1e-2, 1.0, 2.0))
    for activation in ("sign", "step"):
        text = network(f"dense(b_std = 0.1) -> {activation} -> dense -> relu -> dense")
        made = uncompiled(text)
        assert worst(made, text, x1[:1], x2[1:5]) <= EXACT
        assert worst(made, text, x1, 0 * x2[:1]) <= EXACT


@pytest.mark.parametrize("name", ["relu", "residual", "erf, relu", "monomial, relu", "concat"])
def test_opposite_inputs(name: str) -> None:
    """A cosine of -1 is kept as a complement of 2, so an angle of pi - e is known to eps / e, and
    to sqrt(eps) at best. Nothing is lost from coincidence there, but a kinked activation's
    tangent kernel vanishes with the first power of that angle.
    """
    text = NETWORKS[name]
    x1, _ = hard_pairs(())
    assert worst(uncompiled(text), text, x1, OPPOSITE) <= 2 * np.sqrt(np.finfo(float).eps)
    away = at_angles(BASE, [3.0, 3.1, np.pi - 1e-3])
    assert worst(uncompiled(text), text, x1, away) <= EXACT


DEEP = {
    "relu": "dense(w_std = sqrt(2)) -> relu",
    "relu, bias": "dense(w_std = sqrt(2), b_std = 0.1) -> relu",
    "relu, erf": "dense(w_std = 1.4, b_std = 0.2) -> erf -> dense -> relu",
    "layer_norm": "dense(w_std = 1.4, b_std = 0.4) -> layer_norm -> relu",
    "gelu": "dense(w_std = 1.4, b_std = 0.1) -> gelu",
    "erf, ordered": "dense(w_std = 0.9, b_std = 0.1) -> erf",
}
FEW = hard_pairs((0.0, 1e-8, 1e-4, 0.06, 1.0))


@pytest.mark.parametrize("name", DEEP)
def test_depth(name: str) -> None:
    text = network(f"{{ {DEEP[name]} }} * 20", "dense")
    assert worst(uncompiled(text), text, *FEW) <= EXACT


def test_depth_200() -> None:
    text = network("{ dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 200", "dense")
    assert worst(kernel(text), text, *FEW) <= EXACT


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
def test_every_depth_200(name: str) -> None:
    text = network(f"{{ {DEEP[name]} }} * 200", "dense")
    assert worst(kernel(text), text, *FEW) <= EXACT


@pytest.mark.parametrize(
    "layer", ["dense(w_std = 3, b_std = 0.1) -> erf", "dense(w_std = 2) -> sin"]
)
def test_chaotic_depth(layer: str) -> None:
    """These networks magnify angles by 1.4 to 2 a layer: after 50, an angle of 1e-8 is of order 1.
    Coincident inputs stay coincident, and what an angle becomes is known as well as the angle:
    rows of length 1 have their angle to 1e-16 absolutely, here 1e-8 relatively.
    """
    text = network(f"{{ {layer} }} * 50", "dense")
    made = uncompiled(text)
    x = at_angles(BASE, [0.0, 1e-8, 1e-4, 0.1])
    assert worst(made, text, x[:1], x[:1]) <= EXACT
    assert worst(made, text, x[:1], x) <= 1e-8


def _distances(gram: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first + second - 2 * gram


@pytest.mark.parametrize("angle", [1e-4, 1e-3, 1e-2])
def test_float32_distances_of_near_duplicates(angle: float) -> None:
    """k(x,x) + k(z,z) - 2 k(x,z) in float32, to 1e-3: the rows are of one length to its rounding,
    and the distance is that of the float32 rows, which are what the kernel is given.
    """
    text = network("{ dense(w_std = sqrt(2)) -> relu } * 3", "dense(w_std = sqrt(2))")
    x = at_angles(BASE, np.full(8, angle), seed=3).astype(np.float32)
    z = BASE.astype(np.float32)[None]
    made = kernel(text, "float32")
    truth = exact(text, z, x)
    found = _distances(
        np.asarray(made(z, x), np.float64)[0],
        np.asarray(made.diag(z), np.float64)[0],
        np.asarray(made.diag(x), np.float64),
    )
    right = _distances(truth["ntk"][0], truth["ntk_scale"][0] ** 2 / truth["ntk_second"],
                       truth["ntk_second"])  # fmt: skip
    assert (np.abs(found - right) <= 1e-3 * right).all()


@pytest.mark.parametrize("name", ["relu, bias", "erf", "gelu, relu"])
def test_float32(name: str) -> None:
    """A few roundings (6e-8) a layer, for rows of usual length: the duals of smooth activations
    subtract squared covariances from products of variances, which costs digits as these grow.
    """
    x1, x2 = (x.astype(np.float32) for x in hard_pairs())
    x2 = x2[:-1]
    for made in (uncompiled(NETWORKS[name], "float32"), kernel(NETWORKS[name], "float32")):
        assert worst(made, NETWORKS[name], x1, x2) <= 3e-6
        assert made(x1, x2).dtype == np.float32


@pytest.mark.parametrize("name", ["relu", "relu, bias", "erf", "residual"])
def test_gram_matrices(name: str) -> None:
    """Exactly symmetric, with `diag` on the diagonal, and positive semi-definite up to roundings
    of n entries, near duplicates and zeros included.
    """
    _, x = hard_pairs()
    made = kernel(NETWORKS[name])
    diagonal = made.diag(x, get=ROOTS)
    for root in ROOTS:
        gram = made(x, get=root)
        assert (gram == gram.T).all()
        assert (np.diag(gram) == getattr(diagonal, root)).all()
        scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
        correlations = gram / np.outer(scale, scale)
        assert np.linalg.eigvalsh(correlations).min() >= -1e-14 * len(x)


@pytest.mark.parametrize("activation", ["erf", "sin", "hermite(3)", "tanh"])
def test_one_ray_through_what_is_nearly_linear(activation):
    """What docs/architecture.md states of inputs on one ray, at small variances."""
    base = np.random.default_rng(0).standard_normal(4)
    base *= 2 / np.linalg.norm(base)
    for w_std in (0.1, 1e-2, 1e-3):
        text = f"dense(w_std = {w_std}) -> {activation} -> dense -> relu -> dense"
        text = f"network net {{ input vector[4]; {text} }}"
        largest = 25 * w_std**2
        found = worst(uncompiled(text), text, base[None], np.outer([1.0, 1.5, 5.0], base))
        assert found <= max(1e-12, (0 if activation == "tanh" else 1e-15) / largest)


@pytest.mark.parametrize("value", [0.0, 1e-200])
def test_an_activation_that_a_parameter_makes_0(value: float) -> None:
    body = "dense -> abrelu(s, s) -> dense -> relu -> dense"
    text = f"param s = 0\nnetwork net {{ input vector[3]; {body} }}"
    made = uncompiled(text)
    for root in ("nngp", "ntk"):
        np.testing.assert_array_equal(made(np.eye(3), get=root, s=value), np.zeros((3, 3)))
