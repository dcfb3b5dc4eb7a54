"""Popularity bias: the popularity of a model's lists compared with that of the users' own choices.

The average recommendation popularity (ARP) is the mean, over users, of the mean popularity of the items of their list;
the same of their histories says what they choose. The ratio of the two is 1 for a model that follows its users, above 1
for one that pushes everybody towards what sells already.

References
----------
H. Yin, B. Cui, J. Li, J. Yao, C. Chen, "Challenging the long tail recommendation", PVLDB 2012: ARP. H. Abdollahpouri,
M. Mansoury, R. Burke, B. Mobasher, "The connection between popularity bias, calibration, and fairness in
recommendation", RecSys 2020, section 4: lists against profiles (their lift is this ratio less 1).
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
    """Collection of lists and histories, user by user.

    Examples
    --------
    Of ten interactions item 1 has 6, item 2 has 3, item 3 has 1. A user with items 2 and 3 is recommended 1 and 2.

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
        """Count a user's list and history; a user without a list does not count."""
        if len(listed) and len(past):
            self._listed.append(float(self._shares[listed].mean()))
            self._past.append(float(self._shares[past].mean()))

    @property
    def of_lists(self) -> float:
        """The average popularity of what is recommended."""
        return float(np.mean(self._listed)) if self._listed else 0.0

    @property
    def of_histories(self) -> float:
        """The average popularity of what these users had."""
        return float(np.mean(self._past)) if self._past else 0.0

    @property
    def ratio(self) -> float:
        """The first by the second; 0 where nothing is recommended."""
        return self.of_lists / self.of_histories if self.of_histories else 0.0
