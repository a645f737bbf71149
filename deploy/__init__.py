"""What stands above the services: set-up, the embedded stack, migrations, the command `bianban`. Nothing imports it."""
