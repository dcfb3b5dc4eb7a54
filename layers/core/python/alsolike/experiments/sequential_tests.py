"""Sequential tests that compare the users of two arms.

The tests are valid for any number of looks and allow a stop at any look.

`z` is the difference of the arms' metrics divided by its standard error. `t` is the number of observations divided by
the planned number. Without a difference, both likelihood ratios are non-negative martingales with mean 1::

    line     cosh(l z sqrt(t)) exp(-l^2 t / 2)          l^2 = 2 ln(2 / ALPHA)
    normal   (1 + x)^(-1/2) exp(z^2 x / (2 (1 + x)))    x = r t, r = -2 ln ALPHA + ln(-2 ln ALPHA) + 1
    p      = min(1, 1 / (0.9 line), 1 / (0.1 normal))

The weighted mean of both is also a non-negative martingale with mean 1. The probability that this mean ever reaches
1 / alpha is at most alpha (Ville's inequality). The line has the lowest critical value of all tests from such
martingales at t = 1. The normal mixture limits the loss of power if the planned number was wrong.

A metric is a ratio of two sums over users, `R = sum y / sum x`: clicks by impressions, or buyers by users if x is 1.
Users are the unit of assignment and independent. The variance of R is, by the delta method, with s the variances and
covariance over an arm's n users and m the mean of x::

    V = S / n,   S = (s_yy - 2 R s_xy + R^2 s_xx) / m^2

A small arm underestimates S as long as it contains no rare large purchase, and frequent looks hit such moments.
Therefore S of the smaller arm is raised to at least the pooled S of both arms, `(n1 S1 + n2 S2) / (n1 + n2)`.

References
----------
H. Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of Mathematical Statistics 41,
1970: both mixtures. S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform Chernoff bounds via nonnegative
supermartingales", Probability Surveys 17, 2020: the line, and its slope that is best at a time. R. Johari, P. Koomen,
L. Pekelis, D. Walsh, "Always valid inference: continuous monitoring of A/B tests", Operations Research 70, 2022.
I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy, A. Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 52, 2024: estimated variances, and the choice of `r`.

A. Deng, U. Knoblich, J. Lu, "Applying the delta method in metric analytics", KDD 2018, equation 4. E. Fieller, "Some
problems in interval estimation", Journal of the Royal Statistical Society B 16, 1954. R. Kohavi, A. Deng,
R. Longbotham, Y. Xu, "Seven rules of thumb for web site experimenters", KDD 2014, rule 7: skewed metrics need more
users.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from statistics import NormalDist

ALPHA = 0.05
"""Significance level of experiments and canaries. The tests are most sensitive at this level."""

_SPREAD = -2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA)) + 1
_SLOPE = math.sqrt(2 * math.log(2 / ALPHA))
_LINE, _NORMAL_MIXTURE = 0.9, 0.1
_NORMAL = NormalDist()

POWER = 0.8


def p_value(z: float, *, observed: float, planned: float) -> float:
    """Return the always-valid p-value of a look.

    Parameters
    ----------
    observed, planned
        Number of observations at this look, above 0, and the number planned before the first look.

    Examples
    --------
    >>> round(p_value(3.0, observed=10_000, planned=10_000), 3)
    0.026
    """
    t = observed / planned
    x, drift = _SPREAD * t, _SLOPE * abs(z) * math.sqrt(t)
    log_line = drift + math.log1p(math.exp(-2 * drift)) - math.log(2) - _SLOPE**2 * t / 2
    log_normal = z * z * x / (2 * (1 + x)) - 0.5 * math.log1p(x)
    return min(1.0, math.exp(-max(math.log(_LINE) + log_line, math.log(_NORMAL_MIXTURE) + log_normal)))


def critical_z(*, alpha: float, observed: float, planned: float, one_sided: bool = False) -> float:
    """Return the lowest `z` whose always-valid p-value is at most `alpha`.

    Parameters
    ----------
    one_sided
        If true, only a positive `z` rejects the hypothesis, and the line is ``exp(l z sqrt(t) - l^2 t / 2)``.

    Examples
    --------
    >>> round(critical_z(alpha=0.05, observed=10_000, planned=10_000), 3)
    2.755
    """
    t = observed / planned
    x, level = _SPREAD * t, _SLOPE**2 * t / 2 - math.log(_LINE * alpha)
    line = level if one_sided else level + math.log1p(math.sqrt(-math.expm1(-2 * level)))  # arcosh(e^level)
    normal = math.sqrt((1 + 1 / x) * (math.log1p(x) - 2 * math.log(_NORMAL_MIXTURE * alpha)))
    return min(line / (_SLOPE * math.sqrt(t)), normal)


def fixed_p_value(z: float) -> float:
    """Return the two-sided p-value of a single look at a time that was fixed in advance."""
    return 2 * _NORMAL.cdf(-abs(z))


def fixed_critical_z(alpha: float) -> float:
    """Return the lowest `z` of a single look whose p-value is at most `alpha`."""
    return -_NORMAL.inv_cdf(alpha / 2)


MIN_USERS = 100
"""Minimum number of users per arm for a comparison. Means of fewer users are not approximately normal."""
MIN_EVENTS = 10
"""Minimum number of users per arm with a nonzero `y` for a comparison."""


@dataclasses.dataclass(frozen=True, slots=True)
class ArmSample:
    """Statistics of an arm's users. y and x are the numerator and denominator of a metric.

    Attributes
    ----------
    eventful
        Number of users with a nonzero `y`.
    var_y, var_x, cov_xy
        Sample variances and covariance over users, with the divisor n - 1.
    """

    users: int
    eventful: int
    mean_y: float
    mean_x: float
    var_y: float
    var_x: float
    cov_xy: float

    @property
    def ratio(self) -> float | None:
        return self.mean_y / self.mean_x if self.mean_x else None

    @property
    def spread(self) -> float:
        """Variance of the metric times the number of users, or 0 if the metric has no value."""
        ratio = self.ratio
        if ratio is None:
            return 0.0
        return max(self.var_y - 2 * ratio * self.cov_xy + ratio * ratio * self.var_x, 0.0) / self.mean_x**2

    @property
    def variance(self) -> float:
        return self.spread / self.users if self.users else 0.0

    @property
    def suffices(self) -> bool:
        return self.users >= MIN_USERS and self.eventful >= MIN_EVENTS


def sample(y: Sequence[float], x: Sequence[float]) -> ArmSample:
    n = len(y)
    if n == 0:
        return ArmSample(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    mean_y, mean_x = math.fsum(y) / n, math.fsum(x) / n
    off_y, off_x = [value - mean_y for value in y], [value - mean_x for value in x]
    degrees = max(n - 1, 1)
    return ArmSample(
        users=n,
        eventful=sum(value != 0 for value in y),
        mean_y=mean_y,
        mean_x=mean_x,
        var_y=math.fsum(value * value for value in off_y) / degrees,
        var_x=math.fsum(value * value for value in off_x) / degrees,
        cov_xy=math.fsum(a * b for a, b in zip(off_y, off_x, strict=True)) / degrees,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """Confidence interval of the lift. An unbounded end is None."""

    low: float | None
    high: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Lift:
    """Comparison of an arm with the control.

    Attributes
    ----------
    lift
        Ratio of the arm's metric to the control's metric, minus 1.
    p_value, interval
        Always-valid p-value and confidence interval. A bounded interval contains 0 if the p-value exceeds alpha, and
        does not if the p-value is lower.
    fixed_p_value, fixed_interval
        p-value and confidence interval for a single look at a time that was fixed before the start.
    """

    lift: float
    p_value: float
    interval: Interval
    fixed_p_value: float
    fixed_interval: Interval


def compare(
    arm: ArmSample, control: ArmSample, *, observed: float, planned: float, alpha: float = 0.05, comparisons: int = 1
) -> Lift | None:
    """Return the lift of an arm, or None if there is too little data, or a metric or the variance is 0.

    Parameters
    ----------
    observed, planned
        Current and planned number of responses in both arms.
    comparisons
        Number of arms that are compared with the control. The Bonferroni correction multiplies p-values and divides
        levels by this number, so the probability of any false positive is at most `alpha`.
    """
    ours, theirs = arm.ratio, control.ratio
    if not (arm.suffices and control.suffices) or not ours or not theirs:
        return None
    variance = sum(variances(arm, control))
    if variance <= 0:
        return None
    z = (ours - theirs) / math.sqrt(variance)
    level = alpha / comparisons
    return Lift(
        lift=ours / theirs - 1,
        p_value=min(1.0, comparisons * p_value(z, observed=observed, planned=planned)),
        interval=lift_interval(arm, control, z=critical_z(alpha=level, observed=observed, planned=planned)),
        fixed_p_value=min(1.0, comparisons * fixed_p_value(z)),
        fixed_interval=lift_interval(arm, control, z=fixed_critical_z(level)),
    )


def variances(one: ArmSample, other: ArmSample) -> tuple[float, float]:
    """Return the variance of each arm's metric. The smaller arm's spread is raised to at least the pooled spread."""
    users = one.users + other.users
    pooled = (one.spread * one.users + other.spread * other.users) / users if users else 0.0
    return (
        max(one.variance, pooled / one.users) if 0 < one.users < other.users else one.variance,
        max(other.variance, pooled / other.users) if 0 < other.users < one.users else other.variance,
    )


def lift_interval(arm: ArmSample, control: ArmSample, *, z: float) -> Interval:
    """Return the interval of lifts that a test with the critical value `z` does not reject."""
    if arm.ratio is None or control.ratio is None:
        return Interval(None, None)
    return fieller(arm.ratio, control.ratio, variances(arm, control), z=z)


def fieller(ours: float, theirs: float, variances: tuple[float, float], *, z: float) -> Interval:
    """Return Fieller's interval: the values g - 1 with ``(ours - g theirs)^2 <= z^2 (V_ours + g^2 V_theirs)``."""
    own_variance, control_variance = variances
    a = theirs**2 - z * z * control_variance
    if a <= 0:  # the control's metric does not differ significantly from 0
        return Interval(None, None)
    b, c = ours * theirs, ours**2 - z * z * own_variance
    root = math.sqrt(max(b * b - a * c, 0.0))
    return Interval((b - root) / a - 1, (b + root) / a - 1)


_CONCENTRATION = 100
"""Concentration of the Dirichlet prior of the sample ratio test, as a number of users."""


def sample_ratio_p_value(users: Sequence[int], shares: Sequence[float]) -> float:
    """Return the always-valid p-value of the hypothesis that users were assigned to arms with these shares.

    The p-value is the inverse of the likelihood ratio of a Dirichlet mixture of shares q to the given shares p. The
    mean of the mixture is p, and n_k is the number of users in arm k::

        ratio = integral of prod q_k^n_k over Dirichlet(_CONCENTRATION p)  /  prod p_k^n_k

    References
    ----------
    M. Lindon, A. Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022. A. Fabijan et al.,
    "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019.
    """
    total_share, total = math.fsum(shares), sum(users)
    log_ratio = math.lgamma(_CONCENTRATION) - math.lgamma(_CONCENTRATION + total)
    for count, share in zip(users, shares, strict=True):
        p = share / total_share
        log_ratio += math.lgamma(_CONCENTRATION * p + count) - math.lgamma(_CONCENTRATION * p) - count * math.log(p)
    return math.exp(min(0.0, -log_ratio))


def detectable_lift(
    baseline: ArmSample,
    *,
    share: float,
    control_share: float,
    users: float,
    alpha: float = 0.05,
    comparisons: int = 1,
    looks: bool = True,
) -> float | None:
    """Return the smallest lift that the test detects with probability `POWER` at the end of the experiment.

    The result is the smallest L with ``L R = (z_test + z_power) sqrt((1 + L) S / (share users) + S / (control_share
    users))``. R is the metric of the baseline, and S is its `ArmSample.spread`. The formula assumes that the spread of
    an arm is proportional to the arm's metric.

    Parameters
    ----------
    users
        Number of users in all arms.
    looks
        True for the always-valid test, false for a test with a single look at the end.

    Returns
    -------
    float
        None if the metric or the spread of the baseline is 0 or unknown, or there are no users.
    """
    if not baseline.ratio or not baseline.spread or users <= 0:
        return None
    level = alpha / comparisons
    test = critical_z(alpha=level, observed=1, planned=1) if looks else fixed_critical_z(level)
    squared = (test + _NORMAL.inv_cdf(POWER)) ** 2 * baseline.spread / (users * baseline.ratio**2)
    a, b = squared / share, squared / control_share
    return (a + math.sqrt(a * a + 4 * (a + b))) / 2  # Solves L^2 = a (1 + L) + b.


def detectable_fall(baseline: ArmSample, *, share: float, alpha: float) -> float | None:
    """Return the smallest relative decrease that a one-sided test detects with probability `POWER` at the planned end.

    The variance of an arm is the variance of the baseline divided by the arm's share of the users.

    Parameters
    ----------
    baseline
        Statistics of all users in an earlier period of the same length. Groups of users can take the place of single
        users.
    share
        Share of the users in the arm.

    Returns
    -------
    float
        At most 1. None if no decrease is detectable, or the metric or the spread of the baseline is 0 or unknown.
    """
    if not baseline.ratio or not baseline.spread:
        return None
    test = critical_z(alpha=alpha, observed=1, planned=1, one_sided=True)
    error = math.sqrt(baseline.variance * (1 / share + 1 / (1 - share)))
    fall = (test + _NORMAL.inv_cdf(POWER)) * error / baseline.ratio
    return fall if fall <= 1 else None
