"""The services. Each owns its schema; they meet only in `shared/`."""
