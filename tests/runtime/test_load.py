"""Loading generated modules."""

from types import ModuleType

import pytest

from ntkc.runtime import ABI, LoadError, load_program


def test_a_program_holds_the_modules_parts(programs):
    module = programs.modules["relu"]("float32", INPUT_SIZES=[3, None], WIDTH=8, SLOTS=5)
    program = load_program(module)
    assert program.name == "relu"
    assert program.dtype == "float32"
    assert program.input_sizes == (3, None)
    assert program.parameters == {"w_std": 1.5}
    assert program.complement
    assert (program.width, program.slots) == (8, 5)
    assert ("nngp+ntk", "float64") in program.tiles


def test_another_abi(programs):
    module = programs.modules["relu"]("float32", ABI=ABI + 1)
    with pytest.raises(LoadError, match=f"compiled for ABI {ABI + 1}, .* ABI {ABI}: compile"):
        load_program(module)


def test_no_program_at_all():
    with pytest.raises(LoadError, match="states no ABI"):
        load_program(ModuleType("something"))
    incomplete = ModuleType("something")
    incomplete.ABI = ABI
    with pytest.raises(LoadError, match="lacks NAME, DTYPE"):
        load_program(incomplete)


def test_contradictions(programs):
    with pytest.raises(LoadError, match="float16"):
        load_program(programs.modules["linear"]("float32", DTYPE="float16"))
    module = programs.modules["relu"]("float32")
    del module.TILES["ntk", "float64"]
    with pytest.raises(LoadError, match="no tile function 'ntk' in float64"):
        load_program(module)
