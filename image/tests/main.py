"""The driver of image/test: see its --help."""

import argparse
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

import bare
import cuts
import free
import full
import setting_up
import slots
import updates
import work
from card import Card
from panel import Panel
from pi import Pi
from report import Report
from wait import Late
from without_pi import without_pi
from world import World

PARTS = ("still", "slots", "work", "full", "cuts", "bare", "update")
# These need no hub, broker or seals around the card.
WITHOUT_PEERS = {"still", "slots"}


class Stand:
    """All that a part of the test needs."""

    def __init__(self, args, dir, report):
        self.here = Path(__file__).parent
        self.image = Path(args.image)
        self.keys = Path(args.keys)
        self.dir = dir
        self.report = report
        self.update_port = free.port()
        self.world = World(dir)
        self.card = Card(self.image / "waypost-card.img", dir / "card.img")
        self.pi = None

    def start_peers(self):
        self.world.start_broker()
        self.world.start_hub()
        self.pi = Pi(self.card, self.dir, self.world.start_air())
        self.panel = Panel(self.pi.panel_port)


def run_parts(stand, parts, cut_count, moment_count):
    setting_up.set_up(stand)
    setting_up.read_figures(stand)
    if "work" in parts:
        work.devices(stand)
        work.receiver(stand)
        work.pack_and_seal(stand)
        work.written_per_scan(stand)
    if "full" in parts:
        full.full_card(stand)
    if "cuts" in parts:
        cuts.power_cuts(stand, cut_count, moment_count)
    if "bare" in parts:
        bare.bare_start(stand)
    if "update" in parts:
        updates.updates(stand)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--image", required=True)
    args.add_argument("--keys", required=True)
    args.add_argument("--cuts", type=int, default=1)
    args.add_argument("--moments", type=int, default=10)
    args.add_argument("--only", default=",".join(PARTS))
    args.add_argument("--json", action="store_true")
    args.add_argument("--keep", action="store_true")
    args = args.parse_args()
    parts = args.only.split(",")
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"no part of this test: {', '.join(unknown)}")

    report = Report()
    dir = Path(tempfile.mkdtemp(prefix="waypost-card-test-"))
    dir.chmod(0o755)
    stand = None
    try:
        if "still" in parts:
            without_pi(Path(args.image), report)
        if "slots" in parts:
            slots.slots(Path(args.image), dir, report)
        if set(parts) - WITHOUT_PEERS:
            stand = Stand(args, dir, report)
            stand.start_peers()
            run_parts(stand, parts, args.cuts, args.moments)
    except Exception as error:
        traceback.print_exc()
        report.check("the test went to its end", False, str(error))
    finally:
        if stand:
            if stand.pi:
                stand.pi.cut()
            stand.world.stop()
    if args.keep or report.failed:
        print(f"logs: {dir}")
        (dir / "card.img").unlink(missing_ok=True) if not args.keep else None
    else:
        shutil.rmtree(dir)
    sys.exit(report.end(args.json))


main()
