"""Attribution: what served answers led to, day by day, joined by recommendation id."""
