"""`bianban chaos`: load through the public doors while parts die, freeze and lie; at the end everything is compared with a ledger kept outside."""
