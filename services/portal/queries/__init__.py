"""What the portal asks of others, over HTTP."""
