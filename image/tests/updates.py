"""Updates: to a new version, and to one that is bad."""

from card import run
from serving import Folder
from setting_up import start_again
from wait import START_S, until
from work import is_yes_to, open_box, scan, sign_in

# Both are newer than whatever the image is.
NEWER, BAD = "9999.1", "9999.2"
# What is left of a download that a power cut broke off. The emulated network brings some 80 kB a second.
LEFT_BYTES = 2 << 20
# The user that fetches.
FETCHER = 801


def publish(stand, folder, version, *spoilt):
    """A new version in the folder, and a card as after a power cut near the end of its download. The bundle's name, and how
    much of it the card has."""
    stand.pi.cut()
    bundle = folder.path / f"card-{version}.raucb"
    run(stand.here / "respin", stand.keys, stand.image / "waypost-card.img", version, bundle, *spoilt)
    (folder.path / "latest").write_text(f"{version} {bundle.name}\n")
    had = bundle.stat().st_size - LEFT_BYTES
    begun = stand.dir / "begun"
    run("cp", bundle, begun)
    with open(begun, "r+b") as file:
        file.truncate(had)
    stand.card.in_data("cd rauc", "mkdir fetched", "cd fetched", f"write {begun} {version}.part", f"sif {version}.part uid {FETCHER}")
    begun.unlink()
    return bundle.name, had


def written(stand, version):
    """Waits until an update is on the other slot; somebody is signed in meanwhile."""
    until("the update is written", lambda: stand.pi.said(f"version {version} is written, and starts when"), START_S * 2)


def updates(stand):
    report, pi, card = stand.report, stand.pi, stand.card
    folder = Folder(stand.dir / "updates", stand.update_port)
    newer, had = publish(stand, folder, NEWER)
    start_again(stand)
    sign_in(stand)
    written(stand, NEWER)
    report.check("an update is written to the other slot, and breaks off nobody's work", pi.running() and stand.panel.status("person"))
    pi.cut()
    start_again(stand, "start_of_the_new_version_s")
    until("the new version is confirmed", lambda: pi.said(f"version {NEWER} in slot B is confirmed"), START_S)
    report.check("the next start is that of the new version, and confirms it", True)
    fetched = [first for name, first in folder.asked if name == newer]
    report.check("its download went on where the power cut broke it off", fetched and min(fetched) >= had, f"{fetched} {had}")
    slots = card.slots()
    report.check("the card starts the new slot from now on", slots["CONFIRMED"] == "B" and slots["BOOT_ORDER"].startswith("B"), str(slots))

    publish(stand, folder, BAD, "spoilt")
    start_again(stand)
    sign_in(stand)
    open_box(stand, "B-000900")
    scan(stand, "T-00900001", is_yes_to("T-00900001"))
    report.check("work goes on with the same journal, while the next version comes", True)
    written(stand, BAD)
    pi.cut()
    pi.start()
    until("the bad version is refused", lambda: pi.said(f"version {BAD} was not healthy"), START_S * 3)
    slots = card.slots()
    report.check("a bad update is tried and rolled back by itself", slots["CONFIRMED"] == "B", str(slots))
    # The emulated network lets nobody in any more once a Pi has started anew by itself.
    pi.cut()
    start_again(stand, "start_after_the_roll_back_s")
    sign_in(stand)
    scan(stand, "T-00900002", is_yes_to("T-00900002"))
    report.check("and the counter works again", True)
    folder.stop()
