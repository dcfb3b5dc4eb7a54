"""Log lines that match a subscription filter. The line is an example of AWS's documentation."""

import pytest

from local_cloud.telemetry.filter_patterns import read_pattern

LINE = '{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "user": {"id": 1, "email": "a@b.com"}}'


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("", True),
        ("UpdateTrail", True),
        ("UpdateTrail ERROR", False),
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{$.eventType=UpdateTrail}", True),
        ('{ $.eventType = "update" }', False),
        ('{ $.sourceIPAddress != "123.123.*" }', True),
        ('{ $.sourceIPAddress = "111.*" }', True),
        ('{ $.user.email = "*" }', True),
        ('{ $.user.name = "*" }', False),
        ('{ $.user.name != "x" }', False),
        ('{ $.user.email = "?@b.com" }', False),
        ("{ $.user.id = 1 }", True),
        ("{ $.user.id >= 2 }", False),
        ('{ $.user.id = "*" }', False),
        ('{ $.eventType.deeper = "*" }', False),
    ],
)
def test_line_matches_as_on_aws(pattern, matches):
    assert read_pattern(pattern)(LINE) is matches


@pytest.mark.parametrize("line", ["", "START RequestId: 1", "[1]", "7", '{"user":'])
def test_line_that_is_no_object_has_no_fields(line):
    assert not read_pattern('{ $.user.email = "*" }')(line)


@pytest.mark.parametrize(
    "pattern", ["{ $.a = 1 && $.b = 2 }", "{ $.a NOT EXISTS }", "[a, b]", "%regex%", "-word", '{ $.a < "b" }']
)
def test_unsupported_pattern_is_refused(pattern):
    with pytest.raises(ValueError, match="filter pattern"):
        read_pattern(pattern)
