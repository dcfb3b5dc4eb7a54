"""Interruptions of a process."""


class Killed(BaseException):
    """Simulated SIGKILL, which no handler of errors catches."""
