"""Items for a user or session: live profile in, ranked items out."""

import gc
import os

# The collector would look a hundred times for cycles among what the imports make, which lives as long as the process: a
# tenth of a cold start. This runs before the handler imports anything; its end lets the collector begin.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    gc.disable()
