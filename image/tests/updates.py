"""Updates: to a new version, and to one that is bad."""

import functools
import http.server
import threading

from card import run
from setting_up import start_again
from wait import START_S, until
from work import is_yes_to, open_box, scan, sign_in

# Both are newer than whatever the image is.
NEWER, BAD = "9999.1", "9999.2"


def serve(stand):
    """A folder of updates, as `update_from` names it."""
    folder = stand.dir / "updates"
    folder.mkdir(exist_ok=True)
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", stand.update_port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return folder


def publish(stand, folder, version, *spoilt, keys=None):
    bundle = folder / f"card-{version}.raucb"
    if not bundle.exists():
        respin = stand.here / "respin"
        run(respin, keys or stand.keys, stand.image / "waypost-card.img", version, bundle, *spoilt)
    # A new name in one step: the card may ask at any moment.
    (folder / "latest.new").write_text(f"{version} {bundle.name}\n")
    (folder / "latest.new").rename(folder / "latest")


def updates(stand):
    report, pi, card = stand.report, stand.pi, stand.card
    folder = serve(stand)
    publish(stand, folder, NEWER)
    # The card asks again by itself, as the folder did not answer until now.
    until("the new version is confirmed", lambda: pi.running() and pi.said(f"version {NEWER} in slot B is confirmed"), START_S * 2)
    report.check("an update is written to the other slot, started and confirmed", True)
    slots = card.slots()
    report.check("the card starts the new slot from now on", slots["CONFIRMED"] == "B" and slots["BOOT_ORDER"].startswith("B"), str(slots))
    until("the panel answers", stand.panel.now, START_S)
    sign_in(stand)
    open_box(stand, "B-000900")
    scan(stand, "T-00900001", is_yes_to("T-00900001"))
    report.check("work goes on with the same journal", True)

    publish(stand, folder, BAD, "spoilt")
    pi.cut()
    start_again(stand, "start_of_the_new_version_s")
    until("the bad version is refused", lambda: pi.running() and pi.said(f"version {BAD} was not healthy"), START_S * 3)
    until("the panel answers", stand.panel.now, START_S)
    slots = card.slots()
    report.check("a bad update is tried and rolled back by itself", slots["CONFIRMED"] == "B", str(slots))
    sign_in(stand)
    scan(stand, "T-00900002", lambda panel: panel["tone"] != "idle")
    report.check("and the counter works again", True)
