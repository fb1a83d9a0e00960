"""A card without room: the gateway starts in the room that it reserved, says so, and goes on when there is room."""

from card import FREE_BLOCKS_LEFT
from setting_up import start_again
from wait import until
from work import is_yes_to, open_box, scan, sign_in

BALLAST = "ballast"
# What the journal holds for its last records, on a card of more than 64 MiB.
RESERVE_BYTES = 4 << 20


def full_card(stand):
    report, pi, card = stand.report, stand.pi, stand.card
    sign_in(stand)
    open_box(stand, "B-000003")
    scan(stand, "T-00300000", is_yes_to("T-00300000"))
    pi.cut()
    report.check("the journal has its reserve", f"Size: {RESERVE_BYTES}" in card.in_data("stat waypost/reserve"))
    left = card.fill_data(BALLAST)
    report.check("the card has next to no free block", left <= FREE_BLOCKS_LEFT, str(left))
    start_again(stand, "start_of_a_full_card_s")
    until("the panel says that the card is full", lambda: stand.panel.status("journal") in ("critical", "full"))
    panel = until("the panel answers", stand.panel.now)
    report.check("a full card starts, and the panel says so in words", panel["status_words"]["disk"] != "", str(panel["status_words"]))
    sign_in(stand)
    scan(stand, "T-00300001", is_yes_to("T-00300001"))
    report.check("tubes are packed in the room that was reserved", True)
    until("and reach the hub", lambda: stand.world.facts("T-00300001"))
    pi.cut()
    card.drop_data(BALLAST)
    card.put(stand.world.code(), "enrol.json")
    start_again(stand)
    until("the panel says that all is well", lambda: stand.panel.status("journal") == "well")
    sign_in(stand)
    scan(stand, "T-00300002", is_yes_to("T-00300002"))
    report.check("with room again all is as before", True)
    until("the code is used up", lambda: not card.has("enrol.json"))
    until("the hub has its records", lambda: stand.world.facts("T-00300002"))
    report.check("a new code on the card enrols the gateway anew, with its journal", True)
