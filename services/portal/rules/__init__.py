"""Pure decisions about what is shown: where a click may lead, how a deadline and a chain are drawn. None about establishment."""
