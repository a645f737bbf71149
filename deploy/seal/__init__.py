"""The embedded seal platform (模拟章): a foreign system played by a separate process. It really signs; its seal has no legal effect."""
