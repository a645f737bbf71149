"""What all parts must agree on: events, errors, the outbox and inbox, the statute book. It knows no service and no table of one."""
