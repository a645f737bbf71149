"""Every read of monitoring, by area."""
