"""Items for a user or session: live profile in, ranked items out."""

import gc

# The collector looks for cycles whenever 700 more objects live, which the hundred thousand of the imports and clients
# do all day: a tenth of a cold start, and pauses in requests. This runs before the handler imports anything.
gc.set_threshold(200_000)
