"""The end of a process in the middle of its work."""


class Killed(BaseException):
    """Simulated SIGKILL, which no handler of errors catches."""
