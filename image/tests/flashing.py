"""How image/flash writes a card, and what it refuses: a card in a file, and loop devices in the place of disks."""

import contextlib
import os
import resource
import signal
import subprocess
from pathlib import Path

from card import BOOT, SECTOR, run
from wait import until

FLASH = Path(__file__).resolve().parents[1] / "flash"
MIB = 1 << 20
BOOT_END = BOOT + 40 * MIB
SMALL_BYTES = 64 * MIB
# More than the disk_bytes_max of image/flash.
LARGE_BYTES = 257_000_000_000


def flashing(image, dir, report):
    image = image / "waypost-card.img"
    files_of_one_gateway(image, dir, report)
    refused(image, dir, report)
    broken_off(image, dir, report)


def flash(*words, **options):
    """Status and words of one run, whose question nobody answers."""
    command = [str(word) for word in (FLASH, *words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    return done.returncode, done.stdout + done.stderr


def files_of_one_gateway(image, dir, report):
    card = dir / "flashed.img"
    given = {"--gateway": ("gateway.toml", 'gateway = "ctc-1"\n'), "--enrol": ("enrol.json", "{}\n"), "--conf": ("card.conf", "ntp=10.0.0.1\n")}
    words = []
    for option, (name, text) in given.items():
        (dir / f"given-{name}").write_text(text)
        words += [option, dir / f"given-{name}"]
    status, said = flash(card, "--image", image, *words)
    report.check("a card is written, and read back", status == 0 and said.endswith("done\n"), said)
    for name, text in given.values():
        on_card = run("mtype", "-i", f"{card}@@{BOOT}", f"::waypost/{name}")
        report.check(f"{name} is on its boot partition", on_card == text, on_card)
    before = same(image, card, 0, BOOT)
    behind = same(image, card, BOOT_END, image.stat().st_size - BOOT_END)
    report.check("all else on it is the image", before and behind)
    card.unlink()


def same(one, other, start, length):
    return subprocess.run(["cmp", "--quiet", f"--ignore-initial={start}", f"--bytes={length}", one, other]).returncode == 0


@contextlib.contextmanager
def disk(file, size):
    """A disk of so many bytes, with one partition from its first MiB on: the names of both."""
    with open(file, "wb") as new:
        new.truncate(size)
    name = run("losetup", "--find", "--show", file).strip()
    part = f"{name}p1"
    try:
        # Told to the kernel, which need not know any table of partitions for that.
        run("addpart", name, "1", MIB // SECTOR, 16 * MIB // SECTOR)
        try:
            until("the partition has its name", lambda: Path(part).is_block_device())
            yield name, part
        finally:
            run("delpart", name, "1")
    finally:
        run("losetup", "--detach", name)
        file.unlink()


@contextlib.contextmanager
def mounted(part, dir):
    run("mkfs.ext4", "-q", part)
    place = dir / "mounted"
    place.mkdir()
    run("mount", "-o", "ro", part, place)
    try:
        yield
    finally:
        run("umount", place)
        place.rmdir()


def refused(image, dir, report):
    def check(what, device, why, *words):
        held = head(file)
        status, said = flash(device, "--image", image, *words)
        held = held == head(file)
        report.check(f"{what} is refused with a word", held and status == 1 and f"{why}: nothing was written" in said, f"{status} {said}")

    file = dir / "disk.img"
    with disk(file, SMALL_BYTES) as (whole, part):
        check("a part of a disk", part, "is a part of a disk, give the whole one", "--yes")
        needs = f"it has {SMALL_BYTES} bytes, and the image {image.stat().st_size}"
        check("a disk that is smaller than the image", whole, f"is too small: {needs}", "--yes")
        with mounted(part, dir):
            check("a disk that is mounted", whole, "a part of it is mounted", "--yes")
    with disk(file, LARGE_BYTES) as (whole, _):
        check("a disk that is larger than any card", whole, "is larger than any card", "--yes")
    with disk(file, image.stat().st_size) as (whole, _):
        check("a disk without a yes", whole, "the answer was not yes")
    gone = Path("/dev/waypost-no-card")
    status, said = flash(gone, "--image", image, "--yes")
    report.check("a card that is not plugged in is refused", status == 1 and "there is no disk" in said and not gone.exists(), f"{status} {said}")


def head(file):
    """Where a card that is written to a disk, or to its first partition, would show."""
    with open(file, "rb") as disk:
        return disk.read(4 * MIB)


def broken_off(image, dir, report):
    # This image comes from a pipe that stays open, so that the writing is not over before the signal.
    pipe, card = dir / "image.pipe", dir / "half.img"
    os.mkfifo(pipe)
    flash_it = subprocess.Popen(
        [str(word) for word in (FLASH, card, "--image", pipe)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heed_interrupts,
    )
    with open(os.open(pipe, os.O_RDWR), "wb", buffering=0) as begin:
        begin.write(bytes(SECTOR))
        until("a part of the card is written", lambda: card.exists() and card.stat().st_size > 0)
        os.killpg(flash_it.pid, signal.SIGINT)
        said = flash_it.communicate()[1]
    report.check("who breaks off is told to write again", flash_it.returncode == 130 and "is no card yet, write it again" in said, f"{flash_it.returncode} {said}")

    status, said = flash(card, "--image", image, preexec_fn=fail_soon)
    report.check("so is who pulls the card out", status == 1 and "is no card yet, write it again" in said, f"{status} {said}")
    card.unlink()


def heed_interrupts():
    """A shell that runs this in the background has them ignored, and whoever is started by it as well."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def fail_soon():
    """Stands for a card that is gone: no write goes further than its first MiB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
