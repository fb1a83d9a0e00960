"""The part `slots`: U-Boot alone, on the emulated Pi, chooses the slot and counts tries. Most starts find no kernel, so
that they end soon: what U-Boot says, and what it writes to the slots' sector, is what counts."""

import subprocess
import time

from card import Card, run
from wait import until

# U-Boot speaks on the header's serial line.
START_S = 300


def write_sector(card, **words):
    text = "".join(f"{name}={value}\n" for name, value in words.items())
    sector = card.path.with_suffix(".sector")
    run("mkenvimage", "-s", "0x200", "-o", sector, "-", input=text)
    lay(card, sector.read_bytes())


def lay(card, sector):
    with open(card.path, "r+b") as file:
        file.seek(1 << 20)
        file.write(sector)


def start(card, dir, enough):
    """Starts the Pi until its U-Boot said enough; all that it said."""
    log = dir / "u-boot.log"
    log.unlink(missing_ok=True)
    command = ["qemu-system-aarch64", "-accel", "tcg,thread=single", "-M", "raspi3b", "-display", "none", "-nodefaults"]
    command += ["-kernel", dir / "u-boot.bin", "-dtb", dir / "pi.dtb", "-drive", f"file={card.path},if=sd,format=raw"]
    command += ["-serial", "null", "-serial", f"file:{log}"]
    qemu = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL)
    try:
        said = lambda: log.read_text(errors="replace").replace("\r", "") if log.exists() else ""
        until(f"U-Boot says {enough!r}", lambda: qemu.poll() is None and enough in said(), START_S)
        return said()
    finally:
        qemu.kill()
        qemu.wait()


def chosen(said):
    """The slots that were started, in order."""
    return [line.split()[1] for line in said.splitlines() if line.startswith("slot ") and len(line.split()) == 2]


def slots(image, dir, report):
    card = Card(image / "waypost-card.img", dir / "slots.img")
    card.take("u-boot-rpi_3.bin", dir / "u-boot.bin")
    card.take("bcm2837-rpi-3-b.dtb", dir / "pi.dtb")
    # Slot B is empty, and A has its kernel: its loading leaves time to look at the sector before anything else is written.
    write_sector(card, BOOT_ORDER="B A", BOOT_A_LEFT=3, BOOT_B_LEFT=3, CONFIRMED="A")
    said = start(card, dir, "slot A\n")
    sector = card.slots()
    report.check("after an update slot B is tried first, and the try is counted before it starts", chosen(said)[:1] == ["B"] and sector["BOOT_B_LEFT"] == "2", str(sector))
    report.check("one that cannot be loaded is passed over at once", chosen(said)[:2] == ["B", "A"], str(chosen(said)))

    write_sector(card, BOOT_ORDER="A B", BOOT_A_LEFT=1, BOOT_B_LEFT=0, CONFIRMED="A")
    start(card, dir, "slot A\n")
    report.check("the starts of a confirmed slot are not counted", card.slots()["BOOT_A_LEFT"] == "1", str(card.slots()))

    start_a, _, _ = card.partition(5)
    kernel = f"{card.path}@@{start_a}"
    run("mdel", "-i", kernel, "::vmlinuz.gz")

    write_sector(card, BOOT_ORDER="A B", BOOT_A_LEFT=3, BOOT_B_LEFT=0, CONFIRMED="A")
    began = time.monotonic()
    said = start(card, dir, "slot A cannot be loaded")
    report.figure("u_boot_alone_s", round(time.monotonic() - began, 1))
    report.check("U-Boot takes its words from the card, and waits for no key", "Environment from FAT... OK" in said and "stop autoboot" not in said)
    report.check("a fresh card starts slot A", chosen(said)[:1] == ["A"], said[-300:])

    write_sector(card, BOOT_ORDER="B A", BOOT_A_LEFT=3, BOOT_B_LEFT=0, CONFIRMED="A")
    said = start(card, dir, "slot A cannot be loaded")
    report.check("a slot without tries is not started", "B" not in chosen(said) and chosen(said)[:1] == ["A"], str(chosen(said)))

    write_sector(card, BOOT_ORDER="B A", BOOT_A_LEFT=3, BOOT_B_LEFT=3, CONFIRMED="B")
    said = start(card, dir, "slot B cannot be loaded")
    report.check("a confirmed slot B is started after an update", chosen(said)[:1] == ["B"], str(chosen(said)))

    lay(card, bytes(range(256)) * 2)
    said = start(card, dir, "slot A cannot be loaded")
    report.check("a damaged sector leaves a card that starts", "sector of the slots is damaged" in said and chosen(said)[:1] == ["A"], said[-300:])
    report.check("and is written anew", card.slots().get("CONFIRMED") == "A", str(card.slots()))
