"""From a bare card to a gateway that is ready: nothing is touched but the boot partition, before the first start."""

import re
import time

from wait import SOON_S, START_S, until


def set_up(stand):
    report, world, card, pi = stand.report, stand.world, stand.card, stand.pi
    size_before = card.partition(2)[1]
    card.put(stand.here / "gateway.toml", "gateway.toml")
    card.put(world.code(), "enrol.json")
    conf = stand.dir / "card.conf"
    conf.write_text(f"panel_from=10.0.2.2\nupdate_from=http://10.0.2.2:{stand.update_port}\nupdate_at=start\n")
    card.put(conf, "card.conf")

    began = pi.start()
    until("the panel answers", lambda: pi.running() and stand.panel.now(), START_S)
    report.figure("first_start_to_ready_s", round(time.monotonic() - began, 1))
    report.check("a bare card becomes a gateway without a hand", True)
    until("the card says how it is", lambda: pi.said("ready, up"), SOON_S)
    report.check("the enrolment's code is used up and gone from the card", not card.has("enrol.json"))
    _, size, kind = card.partition(2)
    report.check("the data partition took the rest of the card", size > size_before and kind == "83", f"{size} {kind}")
    status, page = stand.panel.get("/")
    report.check("the panel's page comes to the host", status == 200 and b"<html" in page)
    until("the gateway is online", lambda: stand.panel.status("online"))
    report.check("it reaches the broker with the certificate of its enrolment", True)


def start_again(stand, name="start_to_ready_s"):
    """A start as each day's."""
    began = stand.pi.start()
    until("the panel answers", lambda: stand.pi.running() and stand.panel.now(), START_S)
    stand.report.figure(name, round(time.monotonic() - began, 1))


def read_figures(stand):
    line = stand.pi.line_with("ready, up")
    found = re.search(r"up ([\d.]+) s, (\d+) KiB", line or "")
    if found:
        stand.report.figure("guest_up_when_ready_s", float(found[1]))
        stand.report.figure("gateway_resident_kib", int(found[2]))
