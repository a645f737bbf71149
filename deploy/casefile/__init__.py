"""A case file (案卷): everything about one case in one folder, and a program beside it that verifies it without this system."""
