from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable

import pytest

from cli import console

HOSTILE = "Pears\x1b[2J\x9b31m\x07\u202e"
SHOWN = r"Pears\x1b[2J\x9b31m\x07\u202e"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_note_leaves_bar_and_percentage_on_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("COLUMNS", "80"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    with console.step("deploy on the embedded cloud", total=4) as step:
        step.note("alsolike-demo-serving AWS::ApiGatewayV2::Authorizer " * 3)
        step.reach(3)
        step.reach(4)

    last = terminal.getvalue().splitlines()[-2]
    assert "deploy on the embedded cloud" in last
    assert "100%" in last
    assert "━" * 16 in last
    assert "0:00:0" in last
    assert "alsolike-demo" in last
    assert "ApiGatewayV2" not in last


def test_what_stopped_a_step_is_what_is_seen_where_nobody_reads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())

    def train() -> None:
        with console.step("train"):
            shown.close()
            raise LookupError("no such item")

    with pytest.raises(LookupError, match="no such item") as stopped:
        train()

    assert isinstance(stopped.value.__cause__, ValueError)


@pytest.mark.parametrize(
    "show",
    [
        lambda text: console.print_line(text),
        lambda text: console.print_table(["title"], [[text]]),
        lambda text: console.print_table(["title"], [["pear"]], title=text),
        lambda text: console.say(text),
    ],
)
def test_control_characters_of_data_are_shown_not_obeyed(
    show: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    show(HOSTILE)

    printed = "".join(capsys.readouterr())
    assert SHOWN in printed
    assert not set(printed) & set("\x1b\x9b\x07\u202e")


def test_json_of_hostile_data_is_the_same_document_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.print_json({"title": HOSTILE})

    printed = capsys.readouterr().out
    assert json.loads(printed) == {"title": HOSTILE}
    assert not set(printed) & set("\x1b\x9b\x07\u202e")


def test_markup_in_a_title_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(["title"], [["[red]pear"]], title="shopper [bold]7")

    assert "shopper [bold]7" in (printed := capsys.readouterr().out)
    assert "[red]pear" in printed


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_lines_of_a_step_stay_uncut_on_a_terminal_and_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("COLUMNS", "80"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", shown := stream())
    line = f"[    4.0 s]   | [red]{'epoch 1 of 200, ' * 8}{HOSTILE}"

    with console.step("training") as step:
        step.note("Train")
        step.say(line)

    printed = shown.getvalue()
    assert line.replace(HOSTILE, SHOWN) in printed
    assert printed.index("Pears") < printed.rindex("training")


def test_in_a_pipe_a_long_step_says_now_and_then_what_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])

    with console.step("comparing", total=4) as step:
        step.advance()
        for epoch in range(1, 7):  # one of the four takes long
            clock[0] += 4.0
            step.note(f"epoch {epoch}")

    assert capsys.readouterr().err.splitlines() == [
        "comparing ...",
        "comparing: 25% (epoch 3)",
        "comparing: 25% (epoch 6)",
        "comparing: done in 24.0 s (epoch 6)",
    ]
