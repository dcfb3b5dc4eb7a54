"""Tests of a folder share a booted cloud, so they run on one worker of pytest-xdist."""

from xdist.scheduler import LoadScopeScheduling


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid):
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config, log):
    return FolderScheduling(config, log) if config.getvalue("dist") == "loadscope" else None
