"""Popularity bias: average popularity of recommended items divided by the average popularity of users' histories.

The average recommendation popularity (ARP) is the mean, over users, of the mean popularity of the items in a list. The
ratio of the ARP of lists to the ARP of histories is above 1 if a model recommends more popular items than those in the
users' histories.

References
----------
H. Yin, B. Cui, J. Li, J. Yao, C. Chen, "Challenging the long tail recommendation", PVLDB 2012: ARP. H. Abdollahpouri,
M. Mansoury, R. Burke, B. Mobasher, "The connection between popularity bias, calibration, and fairness in
recommendation", RecSys 2020, section 4: lists against profiles (their lift is this ratio minus 1).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model_export.data.interactions import Interactions

Shares = npt.NDArray[np.float64]


def popularity(interactions: Interactions) -> Shares:
    """Return each item's share of the interactions, float64 `(items + 1,)`."""
    counts = interactions.frequencies()
    return counts / max(1, int(counts.sum()))


class PopularityBias:
    """Collector of users' lists and histories, for their average popularity.

    Examples
    --------
    Items 1, 2 and 3 have 6, 3 and 1 of ten interactions. A user's history has items 2 and 3, and the list items 1 and
    2.

    >>> bias = PopularityBias(np.array([0, 0.6, 0.3, 0.1]))
    >>> bias.add(listed=np.array([1, 2]), past=np.array([2, 3]))
    >>> round(bias.ratio, 4)  # (0.6 + 0.3) / 2 against (0.3 + 0.1) / 2
    2.25
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._listed: list[float] = []
        self._past: list[float] = []

    def add(self, *, listed: npt.NDArray[np.integer], past: npt.NDArray[np.integer]) -> None:
        """Add a user's list and history. Users with an empty list or history are ignored."""
        if len(listed) and len(past):
            self._listed.append(float(self._shares[listed].mean()))
            self._past.append(float(self._shares[past].mean()))

    @property
    def list_popularity(self) -> float:
        return float(np.mean(self._listed)) if self._listed else 0.0

    @property
    def history_popularity(self) -> float:
        return float(np.mean(self._past)) if self._past else 0.0

    @property
    def ratio(self) -> float:
        """Average popularity of the lists divided by that of the histories, or 0 if the latter is 0."""
        return self.list_popularity / self.history_popularity if self.history_popularity else 0.0
