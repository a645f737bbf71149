"""An office's own data comes in: its spreadsheet is read at arm's length, judged row by row, and loaded by the roster's own command."""
