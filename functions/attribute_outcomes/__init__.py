"""Attribution of events to recommendations, per day and joined by recommendation ID."""
