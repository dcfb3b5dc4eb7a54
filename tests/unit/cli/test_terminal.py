import io
import json
import re
import sys
import threading
import time
from unittest import mock

import pytest

from cli import terminal

HOSTILE = "Pears\x1b[2J\x9b31m\x07\u202e"
SHOW_CURSOR = "\x1b[?25h"
SHOWN = r"Pears\x1b[2J\x9b31m\x07\u202e"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def terminal_of(monkeypatch, stream=Terminal):
    """Replace stderr by a stream of 80 columns, a terminal by default."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("COLUMNS", "80"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stderr := stream())
    return stderr


def test_long_note_keeps_bar_and_percentage_within_80_columns(monkeypatch):
    stderr = terminal_of(monkeypatch)

    with terminal.step("deploy on the embedded cloud", total=4) as step:
        step.note("alsolike-demo-serving AWS::ApiGatewayV2::Authorizer " * 3)
        step.reach(3)
        with terminal.step("import users"):
            pass

    bar = next(line for line in stderr.getvalue().splitlines() if "75%" in line)
    assert "deploy on the embedded cloud" in bar
    assert "75%" in bar
    assert "━" * 12 in bar
    assert re.search(r"0:\d\d:\d\d", bar)
    assert "alsolike-demo" in bar
    assert "ApiGatewayV2" not in bar


def test_nested_steps_share_a_display(monkeypatch):
    stderr = terminal_of(monkeypatch)

    with terminal.step("import items", total=1), terminal.step("live profiles", total=1):
        pass

    assert stderr.getvalue().count(SHOW_CURSOR) == 1  # Each display shows the cursor at its end.


def test_finished_step_on_a_terminal_is_one_line(monkeypatch):
    stderr = terminal_of(monkeypatch)

    with terminal.step("import items", total=4) as step:
        step.note("68,492 rows")

    lines = [line for line in stderr.getvalue().splitlines() if "import items" in line and "━" not in line]
    assert len(lines) == 1
    assert re.search(r"✓ .*import items +\d+\.\d s  68,492 rows", lines[0])


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock of steps, disable their timers, and return the clock: a list with the time in seconds."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(threading, "Timer", mock.Mock())
    return now


def test_step_in_a_pipe_prints_a_line_at_least_every_15_seconds(clock, capsys):
    with terminal.step("training") as step:
        for seconds, line in ((14, None), (2, None), (10, "| ease: fitted"), (14, None), (2, None)):
            clock[0] += seconds
            step.note("Train")
            if line:
                step.say(line)

    assert capsys.readouterr().err.splitlines()[:-1] == [
        "training ... 16 s  Train", "| ease: fitted", "training ... 42 s  Train",
    ]  # fmt: skip


def test_observer_is_called_for_every_ended_step():
    ended: list[tuple[str, bool]] = []

    with terminal.observing(lambda step, seconds, finished: ended.append((step, finished))):
        with terminal.step("train"):
            pass
        with pytest.raises(LookupError), terminal.step("import"):
            raise LookupError

    assert ended == [("train", True), ("import", False)]


def test_error_of_a_step_is_raised_even_if_output_is_closed(monkeypatch):
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())

    def train():
        with terminal.step("train"):
            shown.close()
            raise LookupError("no such item")

    with pytest.raises(LookupError, match="no such item") as stopped:
        train()

    assert isinstance(stopped.value.__cause__, ValueError)


@pytest.mark.parametrize(
    "show",
    [
        lambda text: terminal.print_line(text),
        lambda text: terminal.print_table(["title"], [[text]]),
        lambda text: terminal.print_table(["title"], [["pear"]], title=text),
        lambda text: terminal.say(text),
    ],
)
def test_control_characters_of_data_are_escaped(show, capsys):
    show(HOSTILE)

    printed = "".join(capsys.readouterr())
    assert SHOWN in printed
    assert not set(printed) & set("\x1b\x9b\x07\u202e")


def test_json_output_escapes_control_characters(capsys):
    terminal.print_json({"title": HOSTILE})

    printed = capsys.readouterr().out
    assert json.loads(printed) == {"title": HOSTILE}
    assert not set(printed) & set("\x1b\x9b\x07\u202e")


def test_markup_in_a_title_is_printed_as_is(capsys):
    terminal.print_table(["title"], [["[red]pear"]], title="shopper [bold]7")

    assert "shopper [bold]7" in (printed := capsys.readouterr().out)
    assert "[red]pear" in printed


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_lines_of_a_step_are_not_truncated_on_a_terminal_or_in_a_pipe(monkeypatch, stream):
    stderr = terminal_of(monkeypatch, stream)
    line = f"[    4.0 s]   | [red]{'epoch 1 of 200, ' * 8}{HOSTILE}"

    with terminal.step("training") as step:
        step.note("Train")
        step.say(line)

    printed = stderr.getvalue()
    assert line.replace(HOSTILE, SHOWN) in printed
    assert printed.index("Pears") < printed.rindex("training")


def test_long_step_in_a_pipe_prints_its_progress(clock, capsys):
    with terminal.step("comparing", total=4) as step:
        step.advance()
        for epoch in range(1, 7):  # One of the four units takes long.
            clock[0] += 6.0
            step.note(f"epoch {epoch}")

    assert capsys.readouterr().err.splitlines() == [
        "comparing ... 25%  epoch 3",
        "comparing ... 25%  epoch 6",
        "comparing                        36.0 s  epoch 6",
    ]


def test_silent_step_in_a_pipe_is_named_after_a_delay(monkeypatch, capsys):
    monkeypatch.setattr(threading, "Timer", timer := mock.Mock())

    with terminal.step("synthesize the CDK app") as step:
        step.note("10 to 40 s")
        delay_s, end_of_delay = timer.call_args.args
        end_of_delay()

    assert delay_s == terminal._PLAIN_AFTER_S
    named, ended = capsys.readouterr().err.splitlines()
    assert named == "synthesize the CDK app ...  10 to 40 s"
    assert ended.startswith("synthesize the CDK app    ")
