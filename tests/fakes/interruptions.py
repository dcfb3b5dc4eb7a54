"""The end of a process in the middle of its work."""


class Killed(BaseException):
    """Stands for SIGKILL: no code that catches errors catches it."""
