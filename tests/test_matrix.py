"""The table of `make test-all`: what is read from the reports, and which cells are chosen."""

import time

import matrix
import pytest

CELLS = ["py37-theano", "py310-theano", "py310-theano-numpy126", "py310-aesara", "py312-pytensor"]
REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" time="{seconds}">
<testcase name="passes" />
<testcase name="passes too"><system-out>text</system-out></testcase>
<testcase name="is skipped"><skipped type="pytest.skip" message="why" /></testcase>
<testcase name="fails as expected"><skipped type="pytest.xfail" message="why" /></testcase>
{more}
</testsuite></testsuites>
"""
FAILURE = '<testcase name="fails"><failure message="assert 0">text</failure></testcase>'
ERROR = '<testcase name="breaks"><error message="no fixture">text</error></testcase>'


@pytest.fixture
def report(tmp_path):
    def write(name, seconds, more=""):
        path = tmp_path / name
        path.write_text(REPORT.format(seconds=seconds, more=more))
        return str(path)

    return write


def test_a_cell_that_passes_is_counted_from_its_report(report):
    row = matrix.row_of("py37-theano", True, [report("a.xml", 61.7)])
    assert row.cells == ["py37-theano", "2", "0", "2", "62"] and row.succeeded


def test_several_reports_of_a_cell_are_added_up(report):
    reports = [report("a.1.xml", 10), report("a.2.xml", 20.4, FAILURE + ERROR)]
    row = matrix.row_of("py37-together", True, reports)
    assert row.cells == ["py37-together", "4", "2", "4", "30"] and not row.succeeded


def test_a_cell_that_tox_calls_failed_fails_though_its_tests_passed(report):
    assert not matrix.row_of("py37-theano", False, [report("a.xml", 1)]).succeeded


def test_a_cell_that_fails_before_its_tests_says_so_and_one_without_its_python_is_listed():
    row = matrix.row_of("py37-theano", False, [])
    assert row.cells == ["py37-theano", "failed before the tests"] and not row.succeeded
    row = matrix.row_of("py310-theano", None, [])
    assert row.cells == ["py310-theano", "skipped: no Python 3.10"] and row.succeeded


@pytest.mark.parametrize("parallel", [1, 2])
def test_so_many_cells_as_are_asked_for_run_at_a_time_and_each_is_printed(parallel, capsys):
    running, most = [], []

    def run(cell):
        running.append(cell)
        time.sleep(0.05)
        most.append(len(running))
        running.remove(cell)
        return matrix.Row([cell, "1", "0", "0", "0"], True)

    rows = matrix.rows_of(CELLS, parallel, run)
    assert [row.cells[0] for row in rows] == CELLS and max(most) == parallel
    printed = capsys.readouterr().out.splitlines()
    assert sorted(printed) == sorted(cell + "  1  0  0  0" for cell in CELLS)


def test_of_a_cell_that_fails_the_end_of_what_it_said_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(matrix, "RESULTS", str(tmp_path))
    (tmp_path / "py37-theano.log").write_text("first\n" * 100 + "E   assert 0\n")
    matrix.rows_of(["py37-theano"], 1, lambda cell: matrix.row_of(cell, False, []))
    printed = capsys.readouterr().out
    assert printed.startswith("py37-theano  failed before the tests\nfirst\n")
    assert printed.strip().endswith("E   assert 0") and printed.count("first") == 59


def test_cells_are_chosen_by_patterns_in_their_order():
    assert matrix.chosen(CELLS, ["*"]) == CELLS
    assert matrix.chosen(CELLS, ["*-aesara", "py37-*"]) == ["py37-theano", "py310-aesara"]
    assert matrix.chosen(CELLS, ["theano"]) == []


@pytest.mark.parametrize(
    "pythons, expected",
    [
        (["3.7", "3.11"], ["py37-theano"]),
        (["3.7", "3.9", "3.10", "3.13"], CELLS[1:4]),
        (["3.12"], ["py312-pytensor"]),
        (["3.11"], []),
    ],
)
def test_the_newest_cells_are_those_of_the_newest_python_that_has_one(pythons, expected):
    assert matrix.newest(CELLS, pythons) == expected


def test_the_table_is_restructured_text():
    rows = [
        matrix.Row(["py37-theano", "12", "0", "3", "45"], True),
        matrix.Row(["py312-pytensor", "skipped: no Python 3.12"], True),
    ]
    assert matrix.aligned(matrix.HEADER, [row.cells for row in rows]) == [
        "==============  ======  ======  =======  =======",
        "cell            passed  failed  skipped  seconds",
        "==============  ======  ======  =======  =======",
        "py37-theano     12      0       3        45",
        "py312-pytensor  skipped: no Python 3.12",
        "==============  ======  ======  =======  =======",
    ]


def test_the_matrix_has_every_library_on_every_python_where_it_runs():
    cells = matrix.all_cells()
    newest = {"theano": 11, "pymc": 11, "aesara": 11, "pytensor": 13, "together": 11}
    for library, last in newest.items():
        pythons = {matrix.python_of(cell) for cell in cells if cell.split("-")[1] == library}
        assert pythons == {"3.{}".format(minor) for minor in range(7, last + 1)}, library
    assert {cell.split("-")[1] for cell in cells} == set(newest)
    assert len(set(cells)) == len(cells)
