"""Guards taken out one at a time: a suite that does not notice proves nothing about them."""
