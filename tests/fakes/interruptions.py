"""Interruptions of a process."""


class Killed(BaseException):
    """Simulated SIGKILL, which `except Exception` does not catch."""
