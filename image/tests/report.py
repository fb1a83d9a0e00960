"""What passed, what failed, and the figures."""

import json
import time


class Report:
    def __init__(self):
        self.passed = self.failed = 0
        self.figures = {}
        self.began = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def check(self, what, holds, why=""):
        """One promise, held or not."""
        if holds:
            self.passed += 1
            self.say(f"ok      {what}")
        else:
            self.failed += 1
            self.say(f"FAILED  {what}{': ' if why else ''}{why}")

    def figure(self, name, value):
        self.figures[name] = value
        self.say(f"        {name}: {value}")

    def end(self, as_json):
        if as_json:
            print(json.dumps(self.figures))
        print(f"{self.passed} passed, {self.failed} failed, 0 skipped")
        return 1 if self.failed else 0
