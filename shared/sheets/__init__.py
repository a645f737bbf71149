"""Foreign spreadsheets in, and ours out. A foreign file is hostile until proven otherwise: only a child under hard limits opens it.

No word of the field stands here: what a column means is its reader's affair.
"""
