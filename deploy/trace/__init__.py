"""`bianban trace`: the way of a case, or of one trace, through the whole system."""
