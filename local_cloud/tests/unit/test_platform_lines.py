"""Lines that Lambda adds to a function's log."""

from types import SimpleNamespace
from typing import Any

import pytest

from local_cloud.execution.environment import ExecutionEnvironment


@pytest.mark.parametrize(
    ("log_format", "level", "start"),
    [
        ("Text", "INFO", "START RequestId: r1 Version: 3"),
        ("JSON", "INFO", '"type": "platform.start"'),
        ("JSON", "WARN", None),
    ],
)
def test_start_and_end_lines_depend_on_the_log_level(log_format, level, start):
    lines: list[str] = []
    function = SimpleNamespace(log_format=log_format, system_log_level=level, version="3")
    environment: Any = SimpleNamespace(function=function, _output=SimpleNamespace(write=lines.append))

    ExecutionEnvironment._platform_line(environment, "start", "r1")

    assert len(lines) == (start is not None)
    assert start is None or start in lines[0]
