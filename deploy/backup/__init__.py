"""Backup, archive and restore of one stack (docs/decisions/0090)."""
