"""QEMU's control socket: keys, and the pins."""

import json
import socket
import time

# GPLEV0 of the BCM2837's GPIO block: the levels of pins 0 to 31.
PIN_LEVELS = 0x3F200034
# A USB keyboard is asked every 10 ms, and tells one key going down or up each time.
KEY_EVENT_S = 0.01
# The keys that a scanner presses for a text, with shift or without.
KEYS = {"-": ("minus", False)} | {c: (c, False) for c in "0123456789abcdefghijklmnopqrstuvwxyz"}
KEYS |= {c.upper(): (c, True) for c in "abcdefghijklmnopqrstuvwxyz"}


class Qmp:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rw")
        json.loads(self.file.readline())
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def pin(self, number):
        said = self.ask("human-monitor-command", **{"command-line": f"xp /1wx {PIN_LEVELS:#x}"})
        return bool(int(said.split(":")[1], 16) >> number & 1)

    def press(self, text):
        """Plays a keyboard-wedge scanner: all keys, Enter behind, as fast as a USB keyboard is asked for them."""

        def key(name, down):
            return {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}

        for name, shift in [KEYS[c] for c in text] + [("ret", False)]:
            events = [key(name, True), key(name, False)]
            if shift:
                events = [key("shift", True), *events, key("shift", False)]
            self.ask("input-send-event", events=events)
            time.sleep(KEY_EVENT_S * len(events))
