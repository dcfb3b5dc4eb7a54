"""Entry point of the function.

In Lambda, importing this module prepares the process for the first request.
"""

from __future__ import annotations

import gc
import os

_INITIALIZATION_TYPE = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
if _INITIALIZATION_TYPE is not None:
    # The garbage collector would run about a hundred times over imported objects, which live as long as the process.
    # These runs would take a tenth of a cold start. `start` enables the collector.
    gc.disable()

from functions.recommend.dispatch import lambda_handler as lambda_handler  # noqa: E402  (after the collector stops)
from functions.recommend.start import start  # noqa: E402

if _INITIALIZATION_TYPE is not None:
    start(_INITIALIZATION_TYPE)
