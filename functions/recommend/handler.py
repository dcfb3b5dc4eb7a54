"""The function's entry point. Its import starts the process, because Lambda calls nothing before the first request."""

from __future__ import annotations

import gc
import os

_INITIALIZATION_TYPE = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
if _INITIALIZATION_TYPE is not None:
    # The collector would search a hundred times for cycles among imported objects, which live as long as the process: a
    # tenth of a cold start. `start` lets it run.
    gc.disable()

from functions.recommend.routes import lambda_handler as lambda_handler  # noqa: E402  (after the collector stops)
from functions.recommend.start import start  # noqa: E402

if _INITIALIZATION_TYPE is not None:
    start(_INITIALIZATION_TYPE)
