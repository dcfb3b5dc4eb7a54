"""Valid names of filters, rule sets, experiments and model versions."""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
"""Pattern of names that Personalize allows at the end of an ARN."""

NAME_FORM = "1 to 63 letters, digits, - and _, the first a letter or digit"

MODEL_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=+@-]{0,127}")
"""Pattern of model versions. They are folder names, so the pattern excludes paths to other folders."""

MODEL_VERSION_FORM = "1 to 128 letters, digits and . _ : = + @ -, the first a letter or digit"
