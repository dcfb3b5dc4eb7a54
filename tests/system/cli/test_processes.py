"""Commands in their own processes, and printed commands run in a shell."""

import json
import os
import signal
import subprocess
import sys
import time

from cli.next_steps import curl_lines


def test_sigterm_runs_the_cleanup_like_ctrl_c():
    program = """
import time
from cli import main
def app():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("put away", flush=True)
main.app = app
main.main()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "put away\n"


def test_pasted_event_has_the_time_of_pasting(deployment, tmp_path):
    *_, line = curl_lines(deployment, user_id="o'hara $(id)", item_id="7")
    shell = tmp_path / "curl"
    shell.write_text('#!/bin/sh\nfor last; do :; done\nprintf %s "$last"\n')
    shell.chmod(0o755)
    before = int(time.time())

    printed = subprocess.run(
        ["bash", "-c", line], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True
    ).stdout

    body = json.loads(printed)
    assert body["trackingId"] == "alsolike-shop"
    assert body["userId"] == "o'hara $(id)"
    assert [event["itemId"] for event in body["eventList"]] == ["7"]
    assert before <= body["eventList"][0]["sentAt"] <= time.time()
