"""The part `bare`: the same card and kernel, and a system that starts nothing of ours but what mounts the data partition."""

import re
import time

from card import ROOT_A, Card, run
from pi import Pi
from setting_up import start_again
from wait import START_S, until

READY = re.compile(r"Reached target.*multi-user\.target")


def without_ours(card, dir):
    """Writes the root of slot A anew, without the links that start what is ours."""
    start, size, _ = card.partition(ROOT_A)
    packed, tree = dir / "root.img", card.unpack_root(dir)
    for link in (tree / "etc/systemd/system").glob("*.wants/waypost-*"):
        link.unlink()
    run("mksquashfs", tree, packed, "-noappend", "-quiet", "-no-progress", "-processors", "1", "-comp", "zstd", "-no-xattrs", "-b", "131072")
    if packed.stat().st_size > size:
        raise RuntimeError("the bare root does not fit its slot")
    run("dd", f"if={packed}", f"of={card.path}", "bs=1M", f"seek={start >> 20}", "conv=notrunc")
    run("rm", "-r", tree, packed)


def bare_start(stand):
    stand.pi.cut()
    start_again(stand)
    stand.pi.cut()
    dir = stand.dir / "bare"
    dir.mkdir()
    card = Card(stand.card.path, dir / "card.img")
    without_ours(card, dir)
    pi = Pi(card, dir)
    began = pi.start("systemd.show_status=1")
    try:
        until("the bare system is up", lambda: pi.running() and READY.search(pi.console_text()), START_S)
        stand.report.figure("start_of_the_bare_system_s", round(time.monotonic() - began, 1))
    finally:
        pi.cut()
        card.path.unlink()
