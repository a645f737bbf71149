"""Every write of monitoring, by area. Whoever touches a unit's issues locks its light first, so that two writers cannot each see half."""
