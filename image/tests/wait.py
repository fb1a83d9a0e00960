"""Waiting for a condition, never for a time."""

import time

# An emulated Pi on a busy machine: what takes a second on a counter takes minutes here.
START_S = 1200
SOON_S = 240
PAUSE_S = 0.2


class Late(Exception):
    """A condition did not come about."""


def until(what, condition, seconds=SOON_S):
    """The condition's value, once it is true."""
    ends = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > ends:
            raise Late(f"not within {seconds} s: {what}")
        time.sleep(PAUSE_S)


def within(seconds, condition):
    """The condition's value; none where it does not come true in this time, and something else is to be done then."""
    try:
        return until("", condition, seconds)
    except Late:
        return None
