"""User-defined algorithms in the folder of `ALSOLIKE_PACKAGE` or of the training job's channel `package`."""

import re
import sys
from pathlib import Path

import pytest

from alsolike.runtime.errors import InvalidInput
from model_export.algorithms import OWN_PACKAGE, known, named

ROOT = Path(__file__).parents[4]
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs/algorithms.md").read_text(), re.DOTALL)[1]  # type: ignore[index]


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "own"
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv(OWN_PACKAGE, str(folder))

    def write(files):
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    yield write
    for name, module in list(sys.modules.items()):
        if str(folder) in str(getattr(module, "__file__", "")):
            del sys.modules[name]


def test_modules_in_the_package_folder_add_algorithms(package, monkeypatch):
    package({"newcomers_own.py": EXAMPLE})

    with_own = set(known())

    assert list(named("newcomers, popularity")) == ["newcomers", "popularity"]
    monkeypatch.delenv(OWN_PACKAGE)
    assert with_own == {*known(), "newcomers"}


def test_package_adds_the_algorithms_it_exports(package):
    package({"mine/__init__.py": "from mine.newest import Newcomers\n", "mine/newest.py": EXAMPLE})

    assert type(known()["newcomers"]).__module__ == "mine.newest"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "my_ease",
            EXAMPLE.replace('"newcomers"', '"ease"'),
            "my_ease names an algorithm 'ease', as model_export.algo",
        ),
        ("broken", "import nowhere_at_all", "own/broken cannot be imported: ModuleNotFoundError: No module named 'now"),
        (
            "nameless",
            EXAMPLE.replace('name: ClassVar[str] = "newcomers"', ""),
            "nameless.Newcomers is not an algorithm: .*name",
        ),
        (
            "unsettled",
            EXAMPLE.replace("users: int = 100", "users: int"),
            "unsettled.Newcomers is not an algorithm: .* missing 1 .* 'users'; expected a name, and settings ",
        ),
        (
            "listed",
            EXAMPLE.replace("users: int = 100", "users: list = dataclasses.field(default_factory=list)"),
            "listed.Newcomers is not an algorithm: unhashable type: 'list'",
        ),
        (
            "twice",
            EXAMPLE + "\n\nclass Latest(Newcomers):\n    pass\n",
            "twice has two algorithms 'newcomers': Latest and Newcomers",
        ),
        ("json", "", "own/json has the name of another module, .*; rename it"),
        ("helpers", "limit = 100", "own', and its modules have no algorithm; expected a class that extends"),
        ("imported", "from model_export.algorithms.ease import Ease", "own', and its modules have no algorithm"),
    ],
)
def test_invalid_package_is_refused(package, name, text, message):
    package({f"{name}.py": text})

    with pytest.raises(InvalidInput, match=message):
        known()


def test_missing_or_empty_package_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(OWN_PACKAGE, str(tmp_path))
    with pytest.raises(InvalidInput, match="expected a folder with a Python module or package in it"):
        known()
    monkeypatch.setenv(OWN_PACKAGE, str(tmp_path / "nowhere"))
    with pytest.raises(InvalidInput, match="nowhere', expected a folder"):
        known()
