"""A child that says what it was given."""

import json
import os

if __name__ == "__main__":
    print(json.dumps(dict(os.environ)))  # noqa: T201  that is its whole purpose
