"""Power cuts at random moments, while tubes are scanned and the broker is away."""

import json
import random
import time

from card import run
from setting_up import start_again
from wait import SOON_S, Late, until
from work import is_yes_to, open_box, sign_in
from world import WAYPOST

# A cut comes this many seconds after the first tube of its turn, or before.
CUT_WITHIN_S = 20
# After so many cuts the box is full enough.
CUTS_A_BOX = 20
# The generator's seed: a run can be repeated, as far as an emulated machine repeats itself.
SEED = 5


def power_cuts(stand, count):
    chance = random.Random(SEED)
    acknowledged = []
    tube = 100_000
    for number in range(count):
        # What the hub has was on the card before. So while tubes are scanned nothing leaves the card.
        stand.world.stop_broker()
        sign_in(stand)
        if number and number % CUTS_A_BOX == 0:
            stand.pi.scan("CMD-CLOSE-BOX")
            stand.pi.scan("CMD-CHECK-ALL")
        open_box(stand, f"B-{101 + number:06}")
        ends = time.monotonic() + chance.uniform(0, CUT_WITHIN_S)
        while time.monotonic() < ends:
            tube += 1
            code = f"T-{tube:08}"
            stand.pi.scan(code)
            try:
                shown_to_us = until("yes", lambda: is_yes_to(code)(stand.panel.now() or {"tone": ""}), max(0.1, ends - time.monotonic()))
            except Late:
                break
            if shown_to_us:
                acknowledged.append(code)
        stand.pi.cut()

        # On the card itself, before anything starts from it.
        look = stand.dir / "look"
        run("rm", "-rf", look)
        look.mkdir()
        journal = stand.card.copy_data(look)
        run(WAYPOST, "journal", "verify", journal)
        lines = run(WAYPOST, "journal", "export", journal, "--stream", "ledger").splitlines()
        seqs = [json.loads(line)["seq"] for line in lines]
        if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
            stand.report.check("the journal's numbers have no gap", False)
        on_card = "\n".join(lines)
        lost = [code for code in acknowledged if f'"{code}"' not in on_card]
        stand.report.check(f"cut {number + 1}: all {len(acknowledged)} acknowledged tubes are on the card", not lost, str(lost[:5]))

        stand.world.start_broker()
        start_again(stand, f"start_after_cut_{number + 1}_s")
        until(
            "the hub has all acknowledged tubes",
            lambda: {code for code in acknowledged} <= packed(stand),
            SOON_S * 2,
        )
    doubled = len(all_packed(stand)) - len(set(all_packed(stand)))
    stand.report.check(f"after {count} cuts the hub has {len(acknowledged)} acknowledged tubes, none twice", not doubled)
    stand.report.figure("power_cuts", count)
    stand.report.figure("tubes_acknowledged_before_cuts", len(acknowledged))


def all_packed(stand):
    facts = (record["fact"] for record in stand.world.records())
    return [fact["tube"] for fact in facts if fact["kind"] == "tube_packed"]


def packed(stand):
    return set(all_packed(stand))
