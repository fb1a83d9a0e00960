"""A shift at the counter: through USB serial, the keyboard and the radio; seen on lamps, panel and at the hub."""

from wait import SOON_S, until, within
from world import BADGE, SEAL

RED, GREEN = 17, 27
SCANS_MEASURED = 20


def shown(stand, wanted):
    """Waits until the panel shows what is wanted; the panel."""
    def look():
        panel = stand.panel.now()
        return panel if panel and wanted(panel) else None

    return until("the panel shows it", look)


def scan(stand, code, wanted, through=None):
    """Scans until the panel shows what is wanted; a repeat at the same counter is answered as the first."""
    (through or stand.pi.scan)(code)
    return shown(stand, wanted)


def keyed(stand, code):
    """Scans with the keyboard scanner, once. The emulated keyboard drops keys that a guest which is held up does not
    take; a clerk scans such a code again."""
    stand.pi.qmp.press(code)
    return within(15, lambda: says_yes_to(stand, code))


def is_yes_to(code):
    return lambda panel: panel["tone"] == "yes" and code in str(panel)


def says_yes_to(stand, code):
    """Whether the panel says yes to a code now."""
    panel = stand.panel.now()
    return panel and is_yes_to(code)(panel)


def open_box(stand, code):
    """Opens a box. Where one is open from before, also from before a cut, tubes go into that one.

    Who was signed in before a cut still is, so the panel may be ready before the scanner is opened; a clerk whose scan is
    not answered scans again.
    """
    def answered():
        stand.pi.scan(code)
        return within(20, lambda: (panel := stand.panel.now()) and panel["tone"] in ("yes", "no", "already"))

    until("a box is open", answered)


def sign_in(stand):
    def signed_in():
        stand.pi.scan(BADGE)
        panel = within(20, stand.panel.now)
        if not panel:
            return None
        if panel["tone"] == "ask":
            stand.pi.scan("CMD-DAY")
        return (stand.panel.now() or {}).get("status", {}).get("person")

    until("the clerk is signed in", signed_in)


def devices(stand):
    """All devices that the emulated Pi has are found."""
    until("no device is missing", lambda: not stand.panel.now()["status"]["missing"])
    stand.report.check("scanner, keyboard, radio, receiver and pins are found", True)


def pack_and_seal(stand):
    report, pi = stand.report, stand.pi
    sign_in(stand)
    report.check("a badge on the serial scanner signs in", True)
    scan(stand, "B-000001", is_yes_to("B-000001"))
    scan(stand, "T-00000001", is_yes_to("T-00000001"))
    report.check("a tube on the serial scanner is packed", True)
    report.check("the green lamp's pin is on", until("green", lambda: pi.qmp.pin(GREEN), SOON_S))

    until("the tube is packed", lambda: keyed(stand, "T-00000002"))
    report.check("a tube on the keyboard scanner is packed", True)
    scan(stand, "T-00000003", is_yes_to("T-00000003"), pi.pos.scan)
    report.check("a tube on the HID POS scanner is packed", True)
    pi.scan("NO SUCH CODE")
    shown(stand, lambda panel: panel["tone"] == "no")
    report.check("what is no code is refused, and the red lamp's pin is on", until("red", lambda: pi.qmp.pin(RED), SOON_S))

    pi.scan("CMD-CLOSE-BOX")
    scan(stand, "CMD-CHECK-ALL", lambda panel: panel["tone"] == "yes")

    def sealed():
        pi.scan(SEAL[0])
        return within(15, lambda: says_yes_to(stand, SEAL[0]))

    until("the seal is taken", sealed)
    report.check("a box is sealed with a seal that the radio heard", True)
    until("the hub has the sealed box", lambda: any(fact["kind"] == "box_sealed" for fact in stand.world.facts("B-000001")))
    report.check("its records reach the hub", True)
    stand.world.air(f"open {SEAL[1]}")
    until("the opened seal is an alarm at the hub", lambda: any(fact["kind"] == "alarm_raised" for fact in stand.world.facts("B-000001")))
    report.check("the seal that is opened raises an alarm at the hub", True)


def written_per_scan(stand):
    """What one scan writes to the card, file system included."""
    pi = stand.pi
    scan(stand, "B-000002", is_yes_to("B-000002"))
    before = pi.written()
    for number in range(SCANS_MEASURED):
        code = f"T-{1000 + number:08}"
        scan(stand, code, is_yes_to(code))
    stand.report.figure("bytes_written_per_scan", (pi.written() - before) // SCANS_MEASURED)
