"""The roster's words: what a command is asked (`requests`), how it refuses (`refusals`), what decisions look at (`facts`)."""
