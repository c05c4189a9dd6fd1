"""Names, arguments and their errors."""

import subprocess
import sys
import threading

import pytest

from ntkc import activations
from ntkc.activations import ArgumentError
from ntkc.activations.base import ParameterKind
from ntkc.ir.node import const, param, symbol


def test_every_word_has_an_oracle(case):
    assert case.oracle is not None


def test_names_are_words_of_the_language():
    names = activations.names()
    assert names == sorted(names)
    assert {"relu", "erf", "gelu", "abs", "sin", "polynomial", "exp_normalized"} <= set(names)
    assert not {"base", "__init__"} & set(names)
    assert not any(name.startswith("_") for name in names)


def test_numbers_that_forms_fold_are_part_of_their_key():
    """What they decide, whether the slope of elu jumps, decides between forms."""
    elu = activations.load("elu")
    one, other = elu.bind(), elu.bind([symbol("a")])
    assert (one.key, one.symbols, one.arguments) == ("elu(1.0)", (), ())
    assert (other.key, other.symbols, other.arguments) == ("elu", ("elu_alpha",), (symbol("a"),))


def test_unknown_names_raise():
    with pytest.raises(KeyError, match="reluu"):
        activations.load("reluu")


def test_every_activation_is_documented():
    for name in activations.names():
        assert len(activations.load(name).documentation) > 3


@pytest.mark.parametrize(
    ("name", "positional", "named", "key"),
    [
        ("relu", [], {}, "relu"),
        ("erf", [2.0], {"c": 1}, "erf"),
        ("monomial", [3], {}, "monomial(3)"),
        ("monomial", [], {"degree": const(3.0)}, "monomial(3)"),
        ("polynomial", [[1, 2.0, const(0.5)]], {}, "polynomial(3)"),
    ],
)
def test_keys_name_what_is_known_at_compile_time(name, positional, named, key):
    assert activations.load(name).bind(positional, named).key == key


def test_arguments_are_nodes_in_the_order_of_symbols():
    bound = activations.load("erf").bind([param("w")], {"c": 0.5})
    assert bound.arguments == (param("w"), const(1.0), const(0.5))
    assert bound.symbols == ("erf_a", "erf_b", "erf_c")
    assert bound.forms().parameters == bound.symbols


def test_lists_are_spread_out():
    bound = activations.load("polynomial").bind([[1, param("w")]])
    assert bound.arguments == (const(1.0), param("w"))
    assert len(bound.symbols) == 2


@pytest.mark.parametrize(
    ("name", "positional", "named", "where", "message"),
    [
        ("relu", [1.0], {}, 0, "takes no arguments"),
        ("leaky_relu", [0.1, 0.2], {}, 1, "at most 1"),
        ("leaky_relu", [], {"slop": 0.1}, "slop", "its parameters: `slope`"),
        ("leaky_relu", [0.1], {"slope": 0.1}, "slope", "twice"),
        ("leaky_relu", [True], {}, "slope", "must be a number"),
        ("leaky_relu", ["x"], {}, "slope", "must be a number"),
        ("leaky_relu", [float("nan")], {}, "slope", "finite"),
        ("leaky_relu", [10**400], {}, "slope", "finite"),
        ("abrelu", [0.1], {}, "b", "missing"),
        ("monomial", [2.5], {}, "degree", "whole number"),
        ("monomial", [param("n")], {}, "degree", "known at compile time"),
        ("monomial", [-1], {}, "degree", "from 0 to 20"),
        ("monomial", [10**9], {}, "degree", "from 0 to 20"),
        ("rectified_monomial", [0], {}, "degree", "from 1 to 20"),
        ("polynomial", [[]], {}, "coefficients", "1 to 21 numbers"),
        ("polynomial", [[1.0] * 22], {}, "coefficients", "not 22"),
        ("polynomial", [1.0], {}, "coefficients", "list"),
        ("rbf", [-1.0], {}, "gamma", "at least 0"),
    ],
)
def test_wrong_arguments_are_explained(name, positional, named, where, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        activations.load(name).bind(positional, named)
    assert caught.value.where == where


def test_forms_are_kept_per_key_across_threads():
    found = []
    bounds = [activations.load("monomial").bind([5]) for _ in range(8)]
    threads = [threading.Thread(target=lambda b=b: found.append(b.forms())) for b in bounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(forms) for forms in found}) == 1
    assert found[0] is not activations.load("monomial").bind([4]).forms()


def test_jumps_are_declared(case):
    jumps = {"step", "sign"}
    assert case.bound.activation.distributional_derivative == (case.name in jumps)


def test_declared_ranges_hold_the_samples(case):
    for declared, value in zip(case.bound.activation.parameters, case.arguments, strict=True):
        size = len(value) if declared.kind is ParameterKind.NUMBERS else value
        assert declared.low <= size <= declared.high


def test_importing_is_light():
    check = (
        "import sys, ntkc.activations as a;"
        "[a.load(n) for n in a.names()];"
        "a.load('erf').bind([]);"
        "assert not {'sympy', 'mpmath'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
