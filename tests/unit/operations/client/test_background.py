"""Calls in background threads."""

import threading

import pytest

from operations.client.background import Background


def test_wait_ends_with_the_call_and_ignores_its_error():
    go, ended = threading.Event(), []

    def call():
        go.wait(10)
        ended.append(True)
        raise ValueError("stopped")

    background = Background(call)
    background.wait(0)
    assert ended == []

    go.set()
    background.wait(10)

    assert ended == [True]
    with pytest.raises(ValueError, match="stopped"):
        background.result()
