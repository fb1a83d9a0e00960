"""Power cuts at random moments: while tubes are scanned and the broker is away, and in the starts that follow.

A cut kills QEMU, and the card is started again; that takes minutes. Between two starts the card is also looked at as a cut
at that moment would leave it: QEMU stands still meanwhile, and what of a write is under way comes to its end.
"""

import json
import random
import time

from card import run
from setting_up import start_again
from wait import SOON_S, until, within
from work import open_box, says_yes_to, sign_in
from world import WAYPOST

# A cut comes this many seconds after the first tube of its turn, or before.
CUT_WITHIN_S = 20
# So many more come after it, each within so many seconds of a start; few starts are done by then.
CUTS_IN_STARTS = 2
CUT_IN_START_WITHIN_S = 80
# The card is looked at again within so many seconds.
MOMENT_WITHIN_S = 3
# Then the box is full enough.
TUBES_A_BOX = 800
# The generator's seed: a run can be repeated, as far as an emulated machine repeats itself.
SEED = 5


class Shift:
    """Tubes that are packed one after the other, and those that were acknowledged on the wire to the test."""

    def __init__(self, stand):
        self.stand = stand
        self.acknowledged = []
        self.tube = 100_000
        self.box = 101
        self.box_from = self.tube

    def begin(self):
        """Somebody is signed in, and a box is open with room in it."""
        sign_in(self.stand)
        if self.tube - self.box_from > TUBES_A_BOX:
            self.stand.pi.scan("CMD-CLOSE-BOX")
            self.stand.pi.scan("CMD-CHECK-ALL")
            self.box += 1
            self.box_from = self.tube
        open_box(self.stand, f"B-{self.box:06}")

    def pack_for(self, seconds):
        """Packs tubes for so long. The last of them may not be acknowledged."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.tube += 1
            code = f"T-{self.tube:08}"
            self.stand.pi.scan(code)
            if not within(max(0.1, ends - time.monotonic()), lambda: says_yes_to(self.stand, code)):
                break
            self.acknowledged.append(code)

    def lost_on_card(self, data):
        """What was acknowledged and is not in a copy of the data partition."""
        look = self.stand.dir / "look"
        run("rm", "-rf", look)
        look.mkdir()
        journal = self.stand.card.unpack_data(data, look)
        run(WAYPOST, "journal", "verify", journal)
        lines = run(WAYPOST, "journal", "export", journal, "--stream", "ledger").splitlines()
        seqs = [json.loads(line)["seq"] for line in lines]
        if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
            self.stand.report.check("the journal's numbers have no gap", False)
        on_card = "\n".join(lines)
        return [code for code in self.acknowledged if f'"{code}"' not in on_card]


def moments(shift, count, chance):
    """Looks at the card so many times, as a cut would leave it."""
    stand, data = shift.stand, shift.stand.dir / "moment.ext4"
    stand.world.stop_broker()
    shift.begin()
    lost = []
    for _ in range(count):
        shift.pack_for(chance.uniform(0, MOMENT_WITHIN_S))
        with stand.pi.standing_still():
            stand.card.copy_data(data)
        lost += shift.lost_on_card(data)
    stand.world.start_broker()
    stand.report.check(f"at {count} moments all of {len(shift.acknowledged)} acknowledged tubes were on the card", not lost, str(lost[:5]))
    stand.report.figure("moments_looked_at", count)


def cut(shift, name):
    """Pulls the plug, and looks at the card itself before anything starts from it."""
    shift.stand.pi.cut()
    data = shift.stand.dir / "cut.ext4"
    shift.stand.card.copy_data(data)
    lost = shift.lost_on_card(data)
    shift.stand.report.check(f"{name}: all {len(shift.acknowledged)} acknowledged tubes are on the card", not lost, str(lost[:5]))


def power_cuts(stand, count, moment_count):
    chance = random.Random(SEED)
    shift = Shift(stand)
    if moment_count:
        moments(shift, moment_count, chance)
    done = 0
    while done < count:
        # What the hub has was on the card before. So while tubes are scanned nothing leaves the card.
        stand.world.stop_broker()
        shift.begin()
        shift.pack_for(chance.uniform(0, CUT_WITHIN_S))
        done += 1
        cut(shift, f"cut {done}")
        for _ in range(min(CUTS_IN_STARTS, count - done)):
            stand.pi.start()
            time.sleep(chance.uniform(0, CUT_IN_START_WITHIN_S))
            done += 1
            cut(shift, f"cut {done}, in a start")

        stand.world.start_broker()
        start_again(stand, f"start_after_cut_{done}_s")
        until("the hub has all acknowledged tubes", lambda: set(shift.acknowledged) <= set(all_packed(stand)), SOON_S * 2)
    packed = all_packed(stand)
    stand.report.check(f"after {count} cuts the hub has {len(shift.acknowledged)} acknowledged tubes, none twice", len(packed) == len(set(packed)))
    stand.report.figure("power_cuts", count)
    stand.report.figure("tubes_acknowledged_before_cuts", len(shift.acknowledged))


def all_packed(stand):
    facts = (record["fact"] for record in stand.world.records())
    return [fact["tube"] for fact in facts if fact["kind"] == "tube_packed"]
