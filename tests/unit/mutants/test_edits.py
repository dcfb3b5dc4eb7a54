import pytest

from tests.mutants.__main__ import TARGETS, paths, unknown_equivalents
from tests.mutants.edits import mutants

SOURCE = '''from typing import TYPE_CHECKING
if TYPE_CHECKING:
    LIMIT = 1
def kept(a: int | None = 2, *, b: "list[int] | str") -> int | None:
    """Docstring 1."""
    for x in zip(a, b, strict=True):
        if x > 3 and not b:
            continue
    return a + 4 if a else -b
'''


def changes(path, source):
    path.write_text(source)
    return [(mutant.line, mutant.before, mutant.after) for mutant in mutants(path)]


def test_operators_conditions_and_constants_are_changed_and_types_kept(tmp_path):
    assert sorted(changes(tmp_path / "module.py", SOURCE)) == [
        (4, "2", "3"),
        (7, "3", "4"),
        (7, "not b", "b"),
        (7, "x > 3", "x >= 3"),
        (7, "x > 3 and (not b)", "x > 3 or not b"),
        (8, "continue", "break"),
        (9, "-b", "b"),
        (9, "4", "5"),
        (9, "a", "not a"),
        (9, "a + 4", "a - 4"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b < c", ["a <= b < c", "a < b <= c"]),
        ("a is not b", ["a is b"]),
        ("a not in b", ["a in b"]),
        ("a * b", ["a + b"]),
        ("a | b", ["a & b"]),
        ("a or b", ["a and b"]),
        ("True", ["False"]),
        ("0.5", ["1.5"]),
        ("'text'", []),
        ("isinstance(a, int | A)", []),
    ],
)
def test_expression_has_the_expected_mutants(before, after, tmp_path):
    assert [new for _, _, new in changes(tmp_path / "module.py", before)] == after


def test_mutant_is_compiled_with_its_change_and_the_file_unchanged(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def double(a):\n    return a * 2\n")

    results = []
    for mutant in mutants(path):
        namespace: dict[str, object] = {}
        exec(mutant.compile(), namespace)
        results.append(namespace["double"](5))  # type: ignore[operator]

    assert results == [7, 15]
    assert path.read_text() == "def double(a):\n    return a * 2\n"


def test_equivalent_mutants_exist_in_the_current_code():
    assert unknown_equivalents() == set()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_modules_and_tests_of_a_target_exist(target):
    assert paths(target.modules)
    assert paths(target.tests)
