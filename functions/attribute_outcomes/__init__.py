"""Attribution: the outcomes of served answers, day by day, joined by recommendation id."""
