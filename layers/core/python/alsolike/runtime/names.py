"""Names of filters, rule sets and experiments, and of model versions."""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
"""Names that Personalize allows at the end of an ARN."""

NAME_FORM = "1 to 63 letters, digits, - and _, the first a letter or digit"

MODEL_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=+@-]{0,127}")
"""Model versions name folders on disks and in the bucket; they cannot leave their parent folder."""

MODEL_VERSION_FORM = "1 to 128 letters, digits and . _ : = + @ -, the first a letter or digit"
