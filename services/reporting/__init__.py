"""报表: owns read models built from the others' events, and the figures shown from them. It decides nothing and starts nothing."""
