"""Author code is imported from its file, and its crashes are told as its author needs them."""

from __future__ import annotations

import logging
import sys

import pytest

from dataflow.errors import FatalError, StepError, TransientError
from dataflow.runtime.author_code.modules import author_code, author_function, import_module
from kit.runs import make_workflow

LOG = logging.getLogger("dataflow.tests")


@pytest.fixture
def shop(project):
    project.write_workflow("shop")
    return make_workflow(project.root)


def write(project, name: str, source: str, workflow: str = "shop") -> None:
    project.write_file(f"include/workflows/{workflow}/{name}.py", source)


def test_modules_of_one_folder_import_each_other(project, shop):
    write(project, "words", "GREETING = 'hello'\n")
    write(project, "transform", "from .words import GREETING\n\ndef orders():\n    return GREETING\n")

    assert "hello" == author_function(shop, "transform:orders")()
    assert "dataflow_workflows.shop.transform" in sys.modules


def test_shared_pipelines_are_one_package(project, shop):
    project.write_file("include/pipelines/rest.py", "def pages():\n    return 'pages'\n")
    write(project, "ingestion", "from pipelines.rest import pages\n\norders = pages\n")

    assert "pages" == author_function(shop, "ingestion:orders")()
    assert "pages" == author_function(shop, "pipelines.rest:pages")()


def test_the_path_of_python_stays_as_it_is(project, shop):
    write(project, "transform", "def orders():\n    pass\n")
    before = list(sys.path)
    import_module(shop, "transform")

    assert before == sys.path


def test_two_workflows_may_have_modules_of_one_name(project, shop):
    project.write_workflow("weather")
    write(project, "transform", "def table():\n    return 'shop'\n")
    write(project, "transform", "def table():\n    return 'weather'\n", workflow="weather")
    weather = make_workflow(project.root, "weather")

    assert ["shop", "weather"] == [author_function(each, "transform:table")() for each in (shop, weather)]


def test_a_project_elsewhere_has_its_own_modules(project, shop, tmp_path):
    from kit.project import Project

    other = Project(tmp_path / "other")
    other.write_workflow("shop")
    write(project, "transform", "def table():\n    return 'here'\n")
    write(other, "transform", "def table():\n    return 'there'\n")
    author_function(shop, "transform:table")

    assert "there" == author_function(make_workflow(other.root), "transform:table")()


def test_a_file_that_changed_is_imported_again(project, shop):
    """Also within the second and at the same length, where a cached .pyc would go unnoticed."""
    write(project, "words", "NUMBER = 1\n")
    write(project, "transform", "from .words import NUMBER\n\ndef number():\n    return NUMBER\n")
    first = author_function(shop, "transform:number")()
    write(project, "words", "NUMBER = 2\n")

    assert [1, 2] == [first, author_function(shop, "transform:number")()]


def test_a_workflow_that_is_gone_hinders_no_other(project, shop):
    write(project, "transform", "def orders():\n    return 'there'\n", workflow="other")
    write(project, "ingestion", "def orders():\n    return 1\n")
    author_function(shop, "ingestion:orders")
    (project.folder("shop") / "ingestion.py").unlink()

    assert "there" == author_function(make_workflow(project.root, "other"), "transform:orders")()


def test_a_module_is_imported_once_while_it_stays_the_same(project, shop):
    write(project, "transform", "def table():\n    pass\n")

    assert import_module(shop, "transform") is import_module(shop, "transform")


def test_a_missing_function_names_its_file(project, shop):
    write(project, "transform", "x = 1\n")

    with pytest.raises(FatalError, match=r"include/workflows/shop/transform\.py has no function 'orders'"):
        author_function(shop, "transform:orders")


def test_a_missing_file_is_named(shop):
    with pytest.raises(FatalError, match=r"include/workflows/shop/ingestion\.py does not exist"):
        author_function(shop, "ingestion:orders")


def test_a_module_that_does_not_import_tells_its_line(project, shop):
    write(project, "transform", "import os\n\nraise ValueError('wrong')\n")

    with pytest.raises(StepError, match=r"include/workflows/shop/transform\.py:3: .*ValueError: wrong"):
        import_module(shop, "transform")


def test_a_module_that_is_no_python_tells_so(project, shop):
    write(project, "transform", "def orders(:\n")

    with pytest.raises(StepError, match="SyntaxError"):
        import_module(shop, "transform")


def test_a_crash_shows_the_authors_own_lines_and_not_ours(project, shop, caplog):
    write(project, "words", "def fail(row):\n    return row['amount']\n")
    write(project, "transform", "from .words import fail\n\ndef orders():\n    return fail({})\n")
    function = author_function(shop, "transform:orders")
    with pytest.raises(StepError) as caught, author_code(shop, what="transform:orders", log=LOG):
        function()

    assert "include/workflows/shop/words.py:2: shop, transform:orders: KeyError: 'amount'" == str(caught.value)
    assert "transform.py" in caplog.text
    assert "return row['amount']" in caplog.text
    assert "test_modules.py" not in caplog.text


def test_an_author_who_exits_fails_the_step_only(project, shop):
    write(project, "transform", "def orders():\n    raise SystemExit(0)\n")

    with pytest.raises(StepError), author_code(shop, what="transform:orders", log=LOG):
        author_function(shop, "transform:orders")()


def test_our_errors_pass_as_they_are(shop):
    with pytest.raises(TransientError, match="try again"), author_code(shop, what="transform:orders", log=LOG):
        raise TransientError("try again")
