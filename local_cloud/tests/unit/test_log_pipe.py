"""`settle` and `close` wait until the sink has all lines of the pipe."""

import os
import time

import pytest

from local_cloud.telemetry.log_pipe import LineOutput


@pytest.mark.parametrize("wait", [lambda output: output.settle(60), LineOutput.close], ids=["settle", "close"])
def test_output_has_passed_on_its_lines_after_a_wait(wait):
    passed: list[str] = []

    def take(_group, _stream, message):
        time.sleep(0.5)
        passed.append(message)

    output = LineOutput(take, "group", "stream")
    os.write(output.fileno(), b"first\nsecond\nincomplete")

    wait(output)

    assert passed == ["first", "second", "incomplete"]
    output.close()
