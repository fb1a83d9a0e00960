"""A shift at the counter: through USB serial, the keyboard and the radio; seen on lamps, panel and at the hub."""

import time
from datetime import datetime

from header import NO, YES
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
        return stand.panel.status("person")

    until("the clerk is signed in", signed_in)


def devices(stand):
    """All devices that the emulated Pi has are found."""
    until("no device is missing", lambda: stand.panel.status("missing") == [])
    stand.report.check("scanner, keyboard, radio, receiver and pins are found", True)


def receiver(stand):
    """Time comes from the receiver on the header's serial line; only a van tells its place."""
    stand.pi.header.start_receiver()
    until("the clock goes by the receiver", lambda: stand.panel.status("clock") == "gnss")
    stand.report.check("the clock goes by the receiver on the header's serial line", True)


def press(stand, button, wanted):
    """Presses a button until the panel shows what is wanted: a press right after the choices changed is not taken."""

    def answered():
        with stand.pi.header.held(button):
            return within(5, lambda: (panel := stand.panel.now()) and wanted(panel))

    until("the button is answered", answered)


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

    is_packing = lambda record: record["fact"]["kind"] == "tube_packed" and record["fact"]["tube"] == "T-00000003"
    packed = until("the hub has the tube", lambda: [record for record in stand.world.records() if is_packing(record)])[0]
    off_s = abs(datetime.fromisoformat(packed["at"]).timestamp() - time.time())
    report.check("records bear the receiver's time", packed["clock"] == "gnss" and off_s < 2 * SOON_S, str(packed))

    asks = lambda panel: "CMD-CHECK-ALL" in [choice["code"] for choice in panel["choices"]]
    scan(stand, "CMD-CLOSE-BOX", asks)
    press(stand, NO, lambda panel: not asks(panel))
    report.check("the button on the no pin goes back", True)
    scan(stand, "CMD-CLOSE-BOX", asks)
    press(stand, YES, lambda panel: panel["tone"] == "yes")
    report.check("the button on the yes pin confirms one point after the other", True)

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
