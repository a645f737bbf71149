"""What the roster tells: rows for decisions (`facts`), units and persons as they are shown, the code tables."""
