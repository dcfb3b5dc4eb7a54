from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from alsolike.runtime.errors import AlsolikeError, Unavailable
from cli import terminal
from cli.main import main
from operations.client.background import Background
from operations.client.deployment import Deployment
from operations.demo import run
from operations.demo.results import DemoCheck, FirstRecommendation
from operations.demo.run import DIRECTORY, Demo
from tests.unit.cli.shop import KEY, NAMES

PASSED = DemoCheck("rankings agree", True, "2 of 2", "2 of 2 answers agree")
FAILED = DemoCheck("rankings agree", False, "2 of 2", "1 of 2 answers agree")
SUMMARY = DIRECTORY / "summary.json"


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Interrupted:
    """State of a cloud whose user presses Ctrl-C."""

    @property
    def alive(self):
        raise KeyboardInterrupt


class Finished(Demo):
    """Demo whose steps have ended."""

    check = PASSED
    error: BaseException | None = None

    @contextlib.contextmanager
    def running(self):
        self.summary.first = FirstRecommendation("42", ("7",), after_s=1.0)
        self.summary.checks = [self.check]
        with terminal.step("train the model"):
            if self.error is not None:
                raise self.error
        self._cloud = SimpleNamespace(state=Interrupted())  # type: ignore[assignment]
        yield Deployment("demo", NAMES, lambda service: None, lambda: KEY, is_local=True)


@pytest.fixture
def demo(monkeypatch, tmp_path):
    class Shown(Finished):
        pass

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "Demo", Shown)
    return Shown


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["alsolike", "demo", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_demo_in_a_pipe_exits_after_the_results(demo, monkeypatch, capsys):
    assert call(monkeypatch) == 0

    printed = capsys.readouterr()
    assert "passed  2 of 2 answers agree\n" in printed.out
    assert "  alsolike up --data .alsolike/demo/data\n" in printed.out
    assert "Ctrl-C" not in printed.out + printed.err
    assert json.loads(SUMMARY.read_text(encoding="utf-8"))["passed"] is True


def test_demo_on_a_terminal_keeps_running_until_ctrl_c(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())

    assert call(monkeypatch) == 0

    assert "alsolike recommend --user 42\n" in terminal.getvalue()
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "The shop is running. Press Ctrl-C to stop it.",
        "The shop has stopped. It continues with `alsolike up --data .alsolike/demo/data`.",
    ]


def test_demo_with_exit_option_exits_on_a_terminal(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Terminal())

    assert call(monkeypatch, "--exit") == 0

    assert "Ctrl-C" not in capsys.readouterr().err


def test_demo_as_json_prints_one_document(demo, monkeypatch, capsys):
    assert call(monkeypatch, "--json") == 0

    document = json.loads(capsys.readouterr().out)
    assert document["first_recommendation_s"] == 1.0
    assert list(document["steps_s"]) == ["train the model"]


def test_failed_check_exits_with_status_1_even_on_a_terminal(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    demo.check = FAILED

    assert call(monkeypatch) == 1

    assert "FAILED  1 of 2 answers agree\n" in terminal.getvalue()
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("alsolike: the demo's check failed: rankings agree: expected 2 of 2, found 1 of 2 answers")
    assert json.loads(SUMMARY.read_text(encoding="utf-8"))["passed"] is False


def test_failed_step_error_has_cause_and_next_step(demo, monkeypatch, capsys):
    demo.error = Unavailable("S3 does not answer")

    assert call(monkeypatch) == 1

    error = capsys.readouterr().err.splitlines()[-1]
    assert "step 'train the model' of the demo failed, expected it to finish: S3 does not answer. Remove" in error
    summary = json.loads(SUMMARY.read_text(encoding="utf-8"))
    assert (summary["failed_step"], summary["error"]) == ("train the model", "S3 does not answer")


def test_interrupted_demo_exits_with_status_130(demo, monkeypatch, capsys):
    demo.error = KeyboardInterrupt()

    assert call(monkeypatch) == 130

    assert capsys.readouterr().err.splitlines()[-1].startswith("alsolike: the demo was interrupted")
    assert json.loads(SUMMARY.read_text(encoding="utf-8"))["error"] == "interrupted"


def test_background_call_starts_at_once_and_raises_its_error_on_result():
    started = threading.Event()

    def fail():
        started.set()
        raise AlsolikeError("no pages")

    call = Background[Any](fail)

    assert started.wait(10)
    with pytest.raises(AlsolikeError, match="no pages"):
        call.result()
