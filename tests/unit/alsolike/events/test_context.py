import pytest

from alsolike.events.context import MAX_CHARACTERS, context_of


@pytest.mark.parametrize(
    ("properties", "context"),
    [
        ('{"DEVICE":"Phone","page":"home"}', '{"device":"phone"}'),
        ('{"inStore":true,"device":"tv"}', '{"device":"tv","inStore":"true"}'),
        ('{"device":7,"inStore":null}', ""),
        (f'{{"device":"{"x" * MAX_CHARACTERS}"}}', f'{{"device":"{"x" * MAX_CHARACTERS}"}}'),
        (f'{{"device":"{"x" * (MAX_CHARACTERS + 1)}"}}', ""),
        ('{"device":""}', ""),
        ("{}", ""),
        (None, ""),
    ],
)
def test_context_has_the_declared_strings_and_booleans(properties: str | None, context: str) -> None:
    assert context_of(properties, ["device", "inStore"]) == context


def test_context_without_declared_columns_is_empty() -> None:
    assert context_of('{"device":"phone"}', []) == ""
