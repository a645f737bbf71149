"""Deterministic workflow code. It imports `shared` alone and holds no database connection."""
