"""Facts of a training that the estimate of costs also reads."""

FITS = 5
"""Number of fits per algorithm: for the validation, for the test, on the data up to the champion's last event, on the
data up to half of the newer interactions, and on all data. The check of new data sometimes needs a sixth fit.
"""
