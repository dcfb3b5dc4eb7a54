"""The consumer of the stream for trends: adds interactions to their counters."""
