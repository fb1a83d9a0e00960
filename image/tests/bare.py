"""The part `bare`: the same kernel and system, without anything of ours but what makes the data partition."""

import re
import time

from wait import START_S, until

OURS = ("gateway", "card-settings", "card-enrol", "card-confirm", "card-update-at-start", "verify", "cert")
READY = re.compile(r"Reached target.*multi-user\.target")


def bare_start(stand):
    masked = " ".join(f"systemd.mask=waypost-{name}.service" for name in OURS)
    stand.pi.cut()
    began = stand.pi.start(f"{masked} systemd.show_status=1")
    until("the bare system is up", lambda: stand.pi.running() and READY.search(stand.pi.console_text()), START_S)
    stand.report.figure("start_of_the_bare_system_s", round(time.monotonic() - began, 1))
    stand.pi.cut()
