"""Suppression of the output of handlers in benchmarks."""

from alsolike.runtime.observability import logger
from benchmarks.lambda_call import quiet


def test_output_is_suppressed_until_the_end_of_the_block(capsys):
    level = logger.log_level

    with quiet():
        print("metrics")
        assert logger.log_level > level

    assert logger.log_level == level
    assert capsys.readouterr().out == ""
