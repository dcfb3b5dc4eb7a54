"""AWS in memory, for tests: `MemoryCloud` responds to the calls of botocore's own clients."""

from tests.fakes.cloud import MemoryCloud

__all__ = ["MemoryCloud"]
