"""How much a test does: enough to find a fault within seconds, or all that is promised."""

import os

FULL = os.environ.get("SOJOURN_TEST_SCALE") == "full"


def size(name, default, full):
    """The value of the environment variable `name`; without it `default`, or `full` with
    SOJOURN_TEST_SCALE=full."""
    return int(os.environ.get(name, full if FULL else default))
