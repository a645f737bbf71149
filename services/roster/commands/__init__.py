"""Every write of the roster. One function = one transaction = its events; persons are locked before units, units in id order (`locks`)."""
