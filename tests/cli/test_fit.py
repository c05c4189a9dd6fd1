"""`ntkc fit` and `ntkc predict`: tables in, a folder, tables out."""

import builtins
import csv
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import ntkc as package
from ntkc.cli import progress

ROWS = 40


def write(path, columns, delimiter=","):
    with Path(path).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def read(path):
    with Path(path).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    return {title: [row[j] for row in rows[1:]] for j, title in enumerate(rows[0])}


@pytest.fixture
def columns(folder):
    """A table of an identifier, three features, a number and a label, written as train.csv."""
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, ROWS))
    found = {
        "id": [f"row {i}" for i in range(ROWS)],
        "a": a.tolist(),
        "b": b.tolist(),
        "c": c.tolist(),
        "price": (10 + 3 * a + b**2).tolist(),
        "kind": np.where(a > 0, "große Katze", "dog").tolist(),
    }
    write("train.csv", found)
    write("test.csv", {name: found[name][:9] for name in ("c", "b", "a")})
    return found


@pytest.fixture
def regression(ntkc, columns):
    options = ("--ignore", "id", "--ignore", "kind", "--ridge", "0.001")
    done = ntkc("fit", "model.ntk", "train.csv", "--target", "price", "-o", "fitted", *options)
    assert (done.status, done.err) == (0, "")
    return done


@pytest.fixture
def classification(ntkc, columns):
    options = ("--ignore", "id", "--ignore", "price", "--ridge", "1e-6", "-o", "classes")
    done = ntkc("fit", "model.ntk", "train.csv", "--target", "kind", *options)
    assert (done.status, done.err) == (0, "")
    return done


def test_what_is_fitted_is_what_python_fits(regression, ntkc, columns):
    assert regression.out.startswith("fitted: regression of price on 40 rows of 3 inputs, in ")
    assert "relative ridge" in regression.out
    x = np.column_stack([columns[name] for name in "abc"])
    model = package.fit("model.ntk", x, np.array(columns["price"]), ridge=1e-3)
    done = ntkc("predict", "fitted", "test.csv")
    assert (done.status, done.err) == (0, "")
    Path("out.csv").write_text(done.out, encoding="utf-8")
    found = [float(cell) for cell in read("out.csv")["price"]]
    assert found == model.predict(x[:9]).tolist()  # in whatever order the columns come


def test_standard_deviations(regression, ntkc):
    assert ntkc("predict", "fitted", "test.csv", "--std", "-o", "out.csv").status == 0
    found = read("out.csv")
    assert list(found) == ["price", "std"]
    x = np.column_stack([read("test.csv")[name] for name in "abc"]).astype(float)
    _, std = package.load_model("fitted").predict(x, return_std=True)
    np.testing.assert_array_equal(np.array(found["std"], float), std)
    assert (std > 0).all()


def test_labels(classification, ntkc, columns):
    done = ntkc("predict", "classes", "train.csv", "--scores", "-o", "out.csv")
    assert done.status == 0
    assert done.out == "out.csv: 40 predictions\n"
    assert done.err == "accuracy on 40 rows: 1\n"
    found = read("out.csv")
    assert found["kind"] == columns["kind"]
    assert list(found) == ["kind", "score_dog", "score_große Katze"]


def test_an_unknown_label_counts_as_wrong_and_is_told(classification, ntkc, columns):
    write("other.csv", {**columns, "kind": ["newt", *columns["kind"][1:]]})
    done = ntkc("predict", "classes", "other.csv", "-o", "out.csv")
    assert done.status == 0
    assert "1 row has a label that the model was never shown ('newt')" in done.err
    assert "accuracy on 40 rows: 0.975" in done.err


def test_a_target_of_another_type_is_not_compared(classification, ntkc, columns):
    write("other.csv", {**columns, "kind": [1] * ROWS})
    done = ntkc("predict", "classes", "other.csv", "-o", "out.csv")
    assert done.status == 0
    assert "another type" in done.err
    assert "accuracy" not in done.err


def test_whole_numbers_are_quantities_unless_labels_are_asked_for(ntkc, folder):
    write("digits.csv", {"a": np.arange(30) / 10, "y": [0, 1, 2] * 10})
    done = ntkc("fit", "any.ntk", "digits.csv", "--target", "y", "-o", "m")
    assert done.status == 1  # no such program
    Path("any.ntk").write_text("network net { input vector[?]; dense; relu; dense }")
    done = ntkc("fit", "any.ntk", "digits.csv", "--target", "y", "-o", "m")
    assert done.status == 0
    assert "warning: target 'y' holds 3 different whole numbers" in done.err
    done = ntkc(
        "fit", "any.ntk", "digits.csv", "--target", "y", "-o", "m", "--task", "classification"
    )
    assert "classification of y" in done.out
    ntkc("predict", "m", "digits.csv", "-o", "out.csv")
    assert set(read("out.csv")["y"]) <= {"0", "1", "2"}


def test_several_targets(ntkc, columns):
    options = ("--target", "price", "--target", "c", "--feature", "a", "--feature", "b", "--param")
    Path("any.ntk").write_text(
        "param w = 1\nnetwork net { input vector[?]; dense(w_std = w); relu; dense }"
    )
    done = ntkc("fit", "any.ntk", "train.csv", *options, "w=1.2", "-o", "two")
    assert done.status == 0
    assert ntkc("predict", "two", "train.csv", "--std", "-o", "out.csv").status == 0
    assert list(read("out.csv")) == ["price", "c", "price_std", "c_std"]
    assert package.load_model("two").parameters == {"w": 1.2}


def test_rows_with_missing_values(ntkc, columns):
    holes = {name: list(values) for name, values in columns.items()}
    holes["a"][3], holes["b"][5], holes["price"][7], holes["c"][7] = "", "NaN", "n/a", ""
    write("holes.csv", holes)
    fit = ("fit", "model.ntk", "holes.csv", "--target", "price", "--ignore", "id")
    fit = (*fit, "--ignore", "kind", "-o", "m")
    done = ntkc(*fit)
    assert done.status == 3
    assert "holes.csv, line 5: column 'a' has no value (1 such row); --missing skip" in done.err
    assert not Path("m").exists()
    done = ntkc(*fit, "--missing", "skip")
    assert done.status == 0
    assert "3 of 40 rows have missing values: left out" in done.err
    assert "on 37 rows" in done.out
    write("empty.csv", {**holes, "b": [""] * ROWS})
    done = ntkc(*fit[:2], "empty.csv", *fit[3:], "--missing", "skip", "--force")
    assert (done.status, "empty.csv has no complete rows" in done.err) == (3, True)
    done = ntkc("predict", "m", "holes.csv")
    assert done.status == 3
    assert "line 5" in done.err
    done = ntkc("predict", "m", "holes.csv", "--missing", "skip", "-o", "out.csv")
    assert done.status == 0
    assert [i for i, cell in enumerate(read("out.csv")["price"]) if not cell] == [3, 5, 7]
    assert "on 37 rows" in done.err


def test_missing_labels(ntkc, columns):
    write("holes.csv", {**columns, "kind": ["", *columns["kind"][1:]]})
    fit = ("fit", "model.ntk", "holes.csv", "--target", "kind", "--ignore", "id")
    fit = (*fit, "--ignore", "price", "--ridge", "1e-6", "-o", "m")
    assert "line 2: column 'kind' has no value" in ntkc(*fit).err
    assert ntkc(*fit, "--missing", "skip").status == 0
    ntkc("predict", "m", "holes.csv", "--missing", "skip", "-o", "out.csv")
    found = read("out.csv")["kind"]
    assert found[0] == ""
    assert found[1:] == columns["kind"][1:]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.csv", "", "empty.csv is empty"),
        ("ragged.csv", "a,b,c,price\n1,2,3,4\n1,2,3\n", "ragged.csv, line 3: 3 cells"),
        ("twice.csv", "a,a,price\n1,2,3\n", "two columns are called 'a'"),
        ("unnamed.csv", "a,,price\n1,2,3\n", "column 2 has no name"),
        ("quote.csv", 'a,b,c,price\n1,2,3,"4\n', "quote.csv, line 2"),
        ("text.csv", "a,b,c,price\n1,2,3,4\n1,x,3,4\n", "line 3: column 'b' has 'x', which is no"),
        ("inf.csv", "a,b,c,price\n1,2,3,4\n1,inf,3,4\n", "line 3: column 'b' is infinite"),
        ("lonely.csv", "price\n1\n2\n", "no columns besides the target"),
        ("headless.csv", "a,b,c,price\n", "headless.csv has no rows"),
        ("blank.csv", "\n\n\n", "blank.csv is empty"),
        ("nul.csv", "a,b,c,price\n1,2\0,3,4\n", "nul.csv, line 2: a NUL"),
        ("python.csv", "a,b,c,price\n1,2,3,4\n1,1_000,3,4\n", "line 3: column 'b' has '1_000'"),
        ("comma.csv", "a;b;c;price\n1,5;2;3;4\n", "line 2: column 'a' has '1,5', which is no"),
        ("wide.csv", "a,b,c,d,price\n1,2,3,4,5\n3,4,5,6,7\n", "4 numbers in a row"),
        ("other.csv", "a,b,c,prize\n1,2,3,4\n", "no column 'price'; did you mean 'prize'?"),
    ],
)
def test_tables_that_cannot_be_used(ntkc, folder, name, text, message):
    Path(name).write_text(text)
    done = ntkc("fit", "model.ntk", name, "--target", "price", "-o", "m")
    assert done.status == 3
    assert message in done.err
    assert not Path("m").exists()


def test_bytes_that_are_no_table(ntkc, folder):
    Path("binary.csv").write_bytes(b"a,b\n\xff\xfe\x00,1\n")
    done = ntkc("fit", "model.ntk", "binary.csv", "--target", "b", "-o", "m")
    assert (done.status, "not UTF-8 text" in done.err) == (3, True)
    Path("there.csv").mkdir()
    assert "is a folder" in ntkc("fit", "model.ntk", "there.csv", "--target", "b", "-o", "m").err
    done = ntkc("fit", "model.ntk", "nowhere.csv", "--target", "b", "-o", "m")
    assert (done.status, "nowhere.csv: no such file" in done.err) == (3, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["model.ntk", "train.csv", "-o", "m"],
        ["model.ntk", "train.xls", "--target", "price", "-o", "m"],
        ["model.ntk", "train.csv", "--target", "price", "-o", "nowhere/m"],
        ["model.ntk", "train.csv", "--target", "price", "-o", "x.npy"],
        ["model.ntk", "train.csv", "--target", "price", "-o", "m", "--ridge", "much"],
        ["model.ntk", "train.csv", "--target", "a", "--feature", "a", "-o", "m"],
        ["model.ntk", "x.npy", "--target", "price", "-o", "m"],
        ["model.ntk", "x.npy", "--target", "0", "--ignore", "1", "-o", "m"],
    ],
)
def test_wrong_usage(ntkc, columns, arguments):
    done = ntkc("fit", *arguments)
    assert (done.status, done.out) == (2, "")
    assert "error" in done.err


def test_errors_of_the_numbers(ntkc, columns):
    options = ("--target", "price", "--feature", "a", "--feature", "b", "--feature", "c", "-o", "m")
    for more, message in (
        (["--ridge", "-1"], "ridge must be zero or positive"),
        (["--param", "w_sdt=1"], "did you mean 'w_std'"),
        (["--solver", "iterative", "--max-iterations", "0"], "residual"),
    ):
        done = ntkc("fit", "model.ntk", "train.csv", *options, *more)
        assert done.status == 3, done.err
        assert message in done.err
    assert not Path("m").exists()
    assert ntkc("fit", "bad.ntk", "train.csv", *options).status == 1


def test_duplicate_rows_without_a_ridge(ntkc, columns):
    write("twice.csv", {name: values * 2 for name, values in columns.items()})
    fit = ("fit", "model.ntk", "twice.csv", "--target", "price", "--ignore", "id")
    fit = (*fit, "--ignore", "kind", "-o", "m", "--ridge", "0")
    done = ntkc(*fit)
    assert done.status == 3
    assert "singular to working precision" in done.err
    assert ntkc(*fit, "--on-singular", "pseudo-inverse").status == 0
    assert ntkc(*fit[:-2]).status == 0


def test_constant_targets_one_class_one_row(ntkc, columns):
    options = ("--ignore", "id", "-o", "m", "--force")
    write("flat.csv", {**columns, "price": [4.5] * ROWS})
    done = ntkc("fit", "model.ntk", "flat.csv", "--target", "price", "--ignore", "kind", *options)
    assert done.status == 0
    assert "warning: target 'price' is constant" in done.err
    ntkc("predict", "m", "flat.csv", "-o", "out.csv")
    assert set(read("out.csv")["price"]) == {"4.5"}
    write("one.csv", {**columns, "kind": ["cat"] * ROWS})
    done = ntkc("fit", "model.ntk", "one.csv", "--target", "kind", "--ignore", "price", *options)
    assert "one class only, cat" in done.err
    ntkc("predict", "m", "one.csv", "-o", "out.csv")
    assert set(read("out.csv")["kind"]) == {"cat"}
    write("single.csv", {name: values[:1] for name, values in columns.items()})
    done = ntkc("fit", "model.ntk", "single.csv", "--target", "price", "--ignore", "kind", *options)
    assert done.status == 0
    ntkc("predict", "m", "test.csv", "-o", "out.csv")
    np.testing.assert_allclose(np.array(read("out.csv")["price"], float), columns["price"][0])


def test_the_iterative_solver_with_files(ntkc, columns):
    fit = ("fit", "model.ntk", "train.csv", "--target", "price", "--ignore", "id")
    fit = (*fit, "--ignore", "kind", "--ridge", "0.01", "--force")
    assert ntkc(*fit, "-o", "direct").status == 0
    done = ntkc(
        *fit, "-o", "m", "--solver", "iterative", "--residual", "1e-10",
        "--checkpoint", "solve.npz", "--tiles", "gram", "--progress",
    )  # fmt: skip
    assert done.status == 0
    assert "conjugate gradients" in done.out
    assert "iteration 1, residual" in done.err
    assert Path("solve.npz").is_file()
    assert Path("gram", "manifest.json").is_file()
    found = [ntkc("predict", name, "test.csv").out.split() for name in ("direct", "m")]
    first, second = (np.array(values[1:], float) for values in found)
    np.testing.assert_allclose(first, second, rtol=1e-4)  # the tiles on disk are in float32


def test_a_model_folder_that_is_damaged(regression, ntkc):
    whole = Path("fitted/dual.npy").read_bytes()
    Path("fitted/dual.npy").write_bytes(whole[:-8])
    done = ntkc("predict", "fitted", "test.csv")
    assert done.status == 3
    assert "dual.npy is damaged" in done.err
    Path("fitted/dual.npy").unlink()
    assert "dual.npy is missing" in ntkc("predict", "fitted", "test.csv").err
    for name in ("nowhere", "."):
        assert ntkc("predict", name, "test.csv").status == 3


def test_tables_that_do_not_fit_a_model(regression, ntkc, columns):
    write("less.csv", {name: columns[name] for name in "ab"})
    done = ntkc("predict", "fitted", "less.csv")
    assert (done.status, "less.csv has no column 'c'" in done.err) == (3, True)
    write("text.csv", {**columns, "b": ["?"] * ROWS})
    assert "line 2: column 'b' has '?'" in ntkc("predict", "fitted", "text.csv").err
    assert ntkc("predict", "fitted", "test.csv", "--scores").status == 2
    assert ntkc("predict", "fitted", "test.csv", "-o", "test.csv").status == 2
    Path("none.csv").write_text("a,b,c\n")
    done = ntkc("predict", "fitted", "none.csv", "--std")
    assert (done.status, done.out) == (0, "price,std\n")


def test_a_folder_of_somebody_else_stays(ntkc, columns):
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("")
    fit = ("fit", "model.ntk", "train.csv", "--target", "price", "--ignore", "id")
    done = ntkc(*fit, "--ignore", "kind", "-o", "mine")
    assert done.status == 3
    assert "--force replaces it" in done.err
    assert Path("mine/thesis.tex").exists()


def test_arrays(ntkc, folder):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 3)), rng.standard_normal(30)
    np.save("y.npy", y)
    np.save("x.npy", x)
    np.save("xy.npy", np.column_stack([x, y]))
    np.savez("xy.npz", x=x.astype(np.float32), y=y, names=np.array(["a"] * 30))
    expected = package.fit("model.ntk", x, y, ridge=0.01).predict(x)
    for data, target in (("x.npy", "y.npy"), ("xy.npy", "3"), ("xy.npy", "-1"), ("xy.npz", "y")):
        options = ("-o", "m", "--ridge", "0.01")
        assert ntkc("fit", "model.ntk", data, "--target", target, *options).status == 0
        for inputs in (data, "x.npy", "xy.npz"):
            assert ntkc("predict", "m", inputs, "-o", "out.npy").status == 0
            np.testing.assert_allclose(np.load("out.npy"), expected, rtol=1e-4, err_msg=data)
    assert ntkc("predict", "m", "x.npy", "--std", "-o", "out.npz").status == 0
    with np.load("out.npz") as found:
        assert sorted(found.files) == ["std", "y"]
    done = ntkc("fit", "model.ntk", "xy.npz", "--target", "names", "--feature", "x", "-o", "m")
    assert "classification of names" in done.out


@pytest.mark.parametrize(
    ("data", "target", "status", "message"),
    [
        ("objects.npy", "0", 3, "not a .npy file of numbers"),
        ("several.npz", "y", 2, "--feature: name one array"),
        ("several.npz", "z", 3, "no array 'z'"),
        ("x.npy", "7", 3, "no column 7"),
        ("nan.npy", "0", 3, "row 1 has NaN (1 such rows in all)"),
        ("broken.npz", "y", 3, "not a .npz file"),
    ],
)
def test_arrays_that_cannot_be_used(ntkc, folder, data, target, status, message):
    np.save("objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez("several.npz", a=np.ones((4, 3)), b=np.ones((4, 3)), y=np.ones(4))
    np.save("nan.npy", np.array([[1.0, 2.0, 3, 4], [1.0, np.nan, 3, 4], [1.0, 2.0, 3, 5]]))
    Path("broken.npz").write_bytes(Path("several.npz").read_bytes()[:300])
    done = ntkc("fit", "model.ntk", data, "--target", target, "-o", "m")
    assert done.status == status
    assert message in done.err


def test_tabs_and_a_byte_order_mark(ntkc, columns):
    write("train.tsv", {name: columns[name] for name in ("a", "b", "c", "price")}, "\t")
    text = Path("train.tsv").read_bytes()
    Path("train.tsv").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert ntkc("fit", "model.ntk", "train.tsv", "--target", "price", "-o", "m").status == 0
    assert ntkc("predict", "m", "test.csv", "-o", "out.tsv").status == 0
    assert Path("out.tsv").read_text().startswith("price\n")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(ntkc, columns, delimiter):
    """A spreadsheet's .csv may have semicolons, where commas are decimal points."""
    names = ("a", "b", "c", "price")
    write("other.csv", {name: columns[name] for name in names}, delimiter)
    write("comma.csv", {name: columns[name] for name in names})
    models = []
    for name in ("other", "comma"):
        options = ("--target", "price", "--ridge", "0.01", "-o", name)
        assert ntkc("fit", "model.ntk", f"{name}.csv", *options).status == 0
        models.append(package.load_model(name))
    np.testing.assert_array_equal(models[0].dual, models[1].dual)


def test_quoted_cells(ntkc, folder):
    text = '\n"a","b, or c","d","the ""price"""\n"1","2","3","4"\n"2","2","2","5"\n'
    Path("quoted.csv").write_text(text)
    done = ntkc("fit", "model.ntk", "quoted.csv", "--target", 'the "price"', "-o", "m")
    assert (done.status, done.err) == (0, "")
    assert package.load_model("m").feature_names == ("a", "b, or c", "d")
    assert ntkc("predict", "m", "quoted.csv").out.startswith('"the ""price"""\n')


def test_parquet_types(ntkc, folder):
    pyarrow = pytest.importorskip("pyarrow")
    from decimal import Decimal

    from pyarrow import parquet

    columns = {name: [float(i) for i in range(4)] for name in ("a", "b", "price")}
    money = pyarrow.array([Decimal("1.50"), Decimal("2.25"), None, Decimal("0.10")])
    fit = ("fit", "model.ntk", "t.parquet", "--target", "price", "-o", "m", "--missing", "skip")
    parquet.write_table(pyarrow.table({**columns, "c": money}), "t.parquet")
    assert "on 3 rows of 3 inputs" in ntkc(*fit).out
    parquet.write_table(pyarrow.table({**columns, "c": ["1", "2", "3", "4"]}), "t.parquet")
    done = ntkc(*fit, "--force")
    assert done.status == 3
    assert "t.parquet: column 'c' holds texts, and not numbers" in done.err
    bad = pyarrow.array([b"\xd9"] * 4).view(pyarrow.string())
    parquet.write_table(pyarrow.table({**columns, "c": bad}), "t.parquet")
    assert "t.parquet is not a Parquet file: 'utf-8' codec" in ntkc(*fit, "--force").err


def test_parquet(ntkc, columns):
    pytest.importorskip("pyarrow")
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), "train.parquet")
    done = ntkc(
        "fit", "model.ntk", "train.parquet", "--target", "kind", "--ignore", "id",
        "--ignore", "price", "--ridge", "1e-6", "-o", "m",
    )  # fmt: skip
    assert done.status == 0
    assert ntkc("predict", "m", "test.csv", "-o", "out.parquet").status == 0
    assert parquet.read_table("out.parquet").column("kind").to_pylist() == columns["kind"][:9]
    holes = {**columns, "a": [None, *columns["a"][1:]], "kind": [*columns["kind"][:-1], None]}
    parquet.write_table(pyarrow.table(holes), "holes.parquet")
    done = ntkc("predict", "m", "holes.parquet", "--missing", "skip", "-o", "out.csv")
    assert done.status == 0
    assert [i for i, cell in enumerate(read("out.csv")["kind"]) if not cell] == [0, ROWS - 1]
    Path("broken.parquet").write_bytes(Path("train.parquet").read_bytes()[:100])
    assert "not a Parquet file" in ntkc("predict", "m", "broken.parquet").err


def test_parquet_without_pyarrow(ntkc, folder, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    done = ntkc("fit", "model.ntk", "train.parquet", "--target", "y", "-o", "m")
    assert done.status == 3
    assert "Parquet files need pyarrow: pip install pyarrow" in done.err
    done = ntkc("predict", "m", "test.csv", "-o", "out.parquet")
    assert done.status == 3
    assert "out.parquet: Parquet files need pyarrow" in done.err


def test_an_interrupt_leaves_what_was_there(regression, ntkc, monkeypatch):
    before = {path.name: path.read_bytes() for path in Path("fitted").iterdir()}

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "update", interrupt)
    options = ("--ignore", "id", "--ignore", "kind")
    done = ntkc("fit", "model.ntk", "train.csv", "--target", "price", "-o", "fitted", *options)
    assert done.status == 130
    assert {path.name: path.read_bytes() for path in Path("fitted").iterdir()} == before
    assert not list(Path().glob(".*"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_checkpoint_to_go_on_from(start, ntkc, folder, number, status):
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.standard_normal((3000, 3)))
    np.save("y.npy", rng.standard_normal(3000))
    fit = ["fit", "model.ntk", "x.npy", "--target", "y.npy", "-o", "m", "--ridge", "1e-9"]
    fit += ["--solver", "iterative", "--checkpoint", "c.npz", "--residual", "1e-15"]
    process = start(fit)
    while process.poll() is None and not Path("c.npz").exists():
        time.sleep(0.01)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == status
    assert not Path("m").exists()
    fit[-1] = "0.5"
    assert ntkc(*fit).status == 0


def test_without_permission_to_write(regression, ntkc, monkeypatch):
    """Found out before the work begins; root, who may write everywhere, is told the same."""
    Path("locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked")
    fit = ("model.ntk", "train.csv", "--target", "price", "--ignore", "id", "--ignore", "kind")
    for command in (
        ("fit", *fit, "-o", "locked/m"),
        ("curve", "learning", *fit, "-o", "locked/out.csv"),
        ("curve", "dynamics", *fit, "--plot", "locked/p.png"),
        ("predict", "fitted", "test.csv", "-o", "locked/out.csv"),
    ):
        done = ntkc(*command)
        assert (done.status, done.out) == (3, "")
        assert "locked: permission denied" in done.err


def test_help_does_not_import_numpy(start):
    for command in ("fit", "predict", "curve"):
        process = start([command, "--help"], PYTHONPROFILEIMPORTTIME="1")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0
        assert out.startswith(f"usage: ntkc {command}")
        assert "| numpy" not in err
