"""Start of authorize_session, which every new process repeats."""

import subprocess
import sys


def test_authorizer_starts_without_the_configuration():
    reader = "alsolike.configuration_document.reader"
    code = f"import sys, functions.authorize_session.handler; print({reader!r} in sys.modules)"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "False"
