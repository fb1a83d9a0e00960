"""The part `still`: what can be shown of a card without starting it: its layout, its root, its first start on a loop device, its firewall in
a network namespace, the signature of its update. Takes seconds, where an emulated Pi takes minutes."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from card import Card, run
from flashing import flashing
from judging import judging, log_is_kept, looking, updating
from wait import until

# Units that speak to the network, in tenths of what systemd calls the exposure.
ON_THE_NETWORK = ("waypost-card-update.service", "waypost-card-enrol.service")
EXPOSURE_MAX = 15
NOBODY = 65534
YEAR_2026 = 1_767_225_600
CARD_LIMIT = 600_000_000
ROOT_LIMIT = 400_000_000
IMAGE = Path(__file__).resolve().parents[1]
# Nothing of these may be in the root: what a stranger plugs in, and radios.
MODULES_OUT = ("usb-storage", "uas", "brcmfmac", "hci_uart", "cfg80211", "firewire-core")


def fails(*command):
    return subprocess.run([str(word) for word in command], capture_output=True).returncode != 0


def without_pi(image, report):
    with tempfile.TemporaryDirectory(prefix="waypost-card-") as folder:
        dir = Path(folder)
        card = Card(image / "waypost-card.img", dir / "card.img")
        layout(image, card, report)
        root = card.unpack_root(dir)
        root_is_closed(root, report)
        units_are_right(root, report)
        clock_and_watchdog(root, report)
        update_is_signed(image, root, dir, report)
        rauc_obeys_root(root, dir, report)
        first_start(card, root, dir, report)
        firewall(root, dir, report)
        settings(root, dir, report)
        judging(root, dir, report)
        updating(root, dir, report)
        looking(root, dir, report)
        log_is_kept(root, dir, report)
        flashing(image, dir, report)


def layout(image, card, report):
    size = (image / "waypost-card.img").stat().st_size
    report.figure("image_bytes", size)
    report.check("the image is not too large", size <= CARD_LIMIT, str(size))
    conf = card.path.with_suffix(".fw")
    conf.write_text(f"{card.path} 0x100000 0x200\n")
    said = dict(line.split("=", 1) for line in run("fw_printenv", "-c", conf).splitlines())
    first = {"BOOT_ORDER": "A B", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0", "CONFIRMED": "A"}
    report.check("a fresh card starts slot A, and knows that B is empty", said == first, str(said))
    run("fw_setenv", "-c", conf, "CONFIRMED", "B")
    report.check("what RAUC's tool writes is the sector that U-Boot reads", card.slots()["CONFIRMED"] == "B")
    run("fw_setenv", "-c", conf, "CONFIRMED", "A")


def root_is_closed(root, report):
    files = [path for path in root.rglob("*") if not path.is_symlink()]
    size = sum(path.stat().st_size for path in files if path.is_file())
    report.figure("root_bytes_unpacked", size)
    report.check("the root is not too large", size <= ROOT_LIMIT, str(size))
    hashes = [line.split(":")[1] for line in (root / "etc/shadow").read_text().splitlines()]
    report.check("nobody has a password", all(word.startswith(("*", "!")) for word in hashes))
    found = [path.name for path in files if path.suffix == ".ko" and path.stem in MODULES_OUT]
    report.check("USB storage and radios are not among the modules", not found, str(found))
    wanted = root / "etc/systemd/system"
    terminals = [path for path in wanted.rglob("*getty*") if not path.is_symlink() or os.readlink(path) != "/dev/null"]
    report.check("no terminal asks for a name", not terminals, str(terminals))
    report.check("no login from the network is installed", not (root / "usr/sbin/sshd").exists())
    languages = [path.name for path in (root / "usr/bin").iterdir() if path.name.startswith(("perl", "python"))]
    report.check("there is no language but the shell's", not languages, str(languages))
    writable = [path for path in files if path.stat().st_mode & 0o022 and path.stat().st_mode & 0o1000 == 0]
    report.check("nothing in the root can be written by others", not writable, str(writable[:3]))
    # A capability file or a set-user bit is a way up for whoever gets into a service.
    way_up = {path.name for path in files if path.is_file() and path.stat().st_mode & 0o6000}
    report.check("no program but Debian's base set runs as another user", way_up <= SET_USER, str(way_up - SET_USER))


SET_USER = {"su", "mount", "umount", "chfn", "chsh", "passwd", "gpasswd", "newgrp", "chage", "expiry", "unix_chkpwd", "dbus-daemon-launch-helper"}


def units_are_right(root, report):
    units = sorted(path.name for path in (root / "usr/lib/systemd/system").glob("waypost-card-*"))
    done = subprocess.run(
        ["systemd-analyze", f"--root={root}", "--man=no", "verify", *units], capture_output=True, text=True
    )
    ours = [line for line in done.stderr.splitlines() if "waypost-card" in line]
    report.check(f"systemd finds nothing wrong with {len(units)} units of the card", bool(units) and not ours, str(ours[:3]))
    for unit in ON_THE_NETWORK:
        rated = ("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", f"--root={root}", unit)
        said = subprocess.run(rated, capture_output=True, text=True)
        report.check(f"{unit} is exposed no more than the gateway may be", said.returncode == 0, said.stdout[-200:])


def clock_and_watchdog(root, report):
    kernel = next((root / "lib/modules").iterdir())
    wanted = ["modprobe", "--dirname", root, "--set-version", kernel.name, "--show-depends", "bcm2835_wdt"]
    manager = run("systemd-analyze", f"--root={root}", "cat-config", "systemd/system.conf")
    report.check("the Pi's watchdog is armed, and its driver is there", "\nRuntimeWatchdogSec=14s" in manager and not fails(*wanted))
    floor = (root / "usr/lib/clock-epoch").stat().st_mtime
    report.check("the clock's floor is the day of this version", floor == (root / "etc/os-release").lstat().st_mtime > YEAR_2026, str(floor))


def bundle_of(image):
    """The bundle that was built with the card; older ones may lie beside it."""
    version = dict(line.split(" ", 1) for line in (image / "sums").read_text().splitlines())["version"]
    return image / f"waypost-card-{version}.raucb"


def update_is_signed(image, root, dir, report):
    bundle = bundle_of(image)
    report.figure("bundle_bytes", bundle.stat().st_size)
    ours = root / "etc/rauc/keyring.pem"
    report.check("the card takes the bundle that was built with it", not fails("rauc", "info", "--keyring", ours, bundle))
    # Its clock may stand before the day on which the keys were made.
    conf = dir / "system.conf"
    conf.write_text((root / "etc/rauc/system.conf").read_text().replace("path=/etc/", f"path={root}/etc/"))
    early = ("faketime", "2020-01-01 00:00:00", "rauc", "--conf", conf)
    report.check("so does one whose clock was never set", not fails(*early, "info", bundle))
    service = ("usr/lib/systemd/system/rauc.service", "usr/share/dbus-1/system-services/de.pengutronix.rauc.service")
    report.check("RAUC's service is there to be asked", all((root / file).exists() for file in service))
    other = dir / "other.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-keyout", "/dev/null", "-out", other)
    report.check("a card with another key does not", fails("rauc", "info", "--keyring", other, bundle))
    spoilt = dir / "spoilt.raucb"
    shutil.copy(bundle, spoilt)
    with open(spoilt, "r+b") as file:
        # The end of a bundle is its signature over everything else.
        file.seek(-2000, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    report.check("a bundle with one changed bit is taken by none", fails("rauc", "info", "--keyring", ours, spoilt))


def rauc_obeys_root(root, dir, report):
    """Whether the rules of the card's bus let a call to RAUC through. It cannot be started here, and whoever may call is told so."""
    text = (root / "usr/share/dbus-1/system.conf").read_text().replace("<user>messagebus</user>", "")
    text = re.sub("<listen>.*</listen>", f"<listen>unix:path={dir / 'bus'}</listen>", text)
    folders = "".join(f"<includedir>{root / place}/dbus-1/system.d</includedir>" for place in ("usr/share", "etc"))
    (dir / "bus.conf").write_text(text.replace("</busconfig>", f"<servicedir>{root}/usr/share/dbus-1/system-services</servicedir>{folders}</busconfig>"))
    dir.chmod(0o755)
    bus = subprocess.Popen(["dbus-daemon", f"--config-file={dir / 'bus.conf'}", "--nofork", "--nopidfile"], stderr=subprocess.DEVNULL)

    def asked_by(user):
        call = ["dbus-send", f"--bus=unix:path={dir / 'bus'}", "--print-reply", "--dest=de.pengutronix.rauc", "/", "de.pengutronix.rauc.Installer.GetSlotStatus"]
        return subprocess.run(["setpriv", f"--reuid={user}", "--clear-groups", *call], capture_output=True, text=True).stderr

    try:
        until("the bus listens", lambda: bus.poll() is None and (dir / "bus").exists())
        report.check("RAUC obeys root", "Error.Spawn" in asked_by(0), asked_by(0))
        report.check("and nobody else", "AccessDenied" in asked_by(NOBODY), asked_by(NOBODY))
    finally:
        bus.kill()
        bus.wait()


@contextlib.contextmanager
def as_the_card(card):
    """The card as a block device, under the names that udev gives it on the Pi."""
    loop = run("losetup", "--find", "--show", card.path).strip()
    names = [Path("/dev/waypost-card"), Path("/dev/disk/by-partuuid/57617970-02")]
    if any(name.is_symlink() and name.exists() for name in names):
        raise RuntimeError("this machine runs from such a card: not here")
    for name in names:
        name.parent.mkdir(parents=True, exist_ok=True)
        name.unlink(missing_ok=True)
        name.symlink_to(loop)
    try:
        yield loop
    finally:
        for name in names:
            name.unlink()
        run("losetup", "--detach", loop)


def make_data(root, dir, broken=None):
    """Runs the card's script; udev and the kernel's view of partitions are the Pi's. True if it came to its end."""
    tools = dir / "tools"
    shutil.rmtree(tools, ignore_errors=True)
    tools.mkdir()
    for name in ("partx", "udevadm"):
        (tools / name).symlink_to("/bin/true")
    if broken:
        real = shutil.which(broken)
        # It reads as ever, and the power goes away before it writes.
        text = f'#!/bin/sh\ncase "$*" in *"-N 2"*) exit 1;; esac\nexec {real} "$@"\n' if broken == "sfdisk" else "#!/bin/sh\nexit 1\n"
        (tools / broken).write_text(text)
        (tools / broken).chmod(0o755)
    script = (root / "usr/lib/waypost-card/data").read_text().replace("/usr/lib/waypost-card/data.d", str(root / "usr/lib/waypost-card/data.d"))
    (dir / "data").write_text(script)
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", dir / "data"], env=env, capture_output=True, text=True)
    # A power cut detaches nothing, and neither does a script that was broken off.
    for line in run("losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE").splitlines():
        if "/dev/loop" in line.split(None, 1)[-1]:
            run("losetup", "--detach", line.split()[0])
    return done.returncode == 0


def first_start(card, root, dir, report):
    before = card.partition(2)
    with as_the_card(card):
        for broken in ("mkfs.ext4", "sfdisk"):
            make_data(root, dir, broken)
            report.check(f"a first start that ends in {broken} leaves the table as it was", card.partition(2) == before)
        report.check("the next one makes the data partition", make_data(root, dir))
        start, size, kind = card.partition(2)
        report.check("which takes the rest of the card", start + size > card.path.stat().st_size - (2 << 20) and kind == "83", f"{size} {kind}")
        marked = b"a journal that nobody may format away"
        with open(card.path, "r+b") as file:
            file.seek(start + 1024)
            superblock = file.read(1024)
            # Even the superblock is gone: it is mended by a person, never formatted by a script.
            file.seek(start + 1024)
            file.write(bytes(1024))
            file.seek(start + (8 << 20))
            old = file.read(len(marked))
            file.seek(start + (8 << 20))
            file.write(marked)
        report.check("a later start does nothing", make_data(root, dir))
        with open(card.path, "r+b") as file:
            file.seek(start + (8 << 20))
            held = file.read(len(marked)) == marked
            file.seek(start + (8 << 20))
            file.write(old)
            file.seek(start + 1024)
            file.write(superblock)
        report.check("and formats nothing, though the file system cannot be recognised", held)
    data = dir / "data.ext4"
    card.copy_data(data)
    report.check("its file system is whole", not fails("e2fsck", "-f", "-n", data))
    listed = run("debugfs", "-R", "ls -l /waypost/..", data)
    owners = {line.split()[-1]: line.split()[3] for line in listed.splitlines() if len(line.split()) > 8}
    report.check("the journal's folder belongs to the gateway", owners.get("waypost") == "800", str(owners))


@contextlib.contextmanager
def network():
    """A namespace as the Pi, with two neighbours on its wire: 10.9.0.2 and 10.9.0.3."""
    name = f"waypost-card-{os.getpid()}"
    pi = ["ip", "netns", "exec", name]
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", "wpc0", "type", "veth", "peer", "name", "eth0", "netns", name)
        for address in ("10.9.0.2/24", "10.9.0.3/24"):
            run("ip", "address", "add", address, "dev", "wpc0")
        run("ip", "link", "set", "wpc0", "up")
        run(*pi, "ip", "address", "add", "10.9.0.1/24", "dev", "eth0")
        run(*pi, "ip", "link", "set", "eth0", "up")
        run(*pi, "ip", "link", "set", "lo", "up")
        yield pi
    finally:
        subprocess.run(["ip", "link", "delete", "wpc0"], capture_output=True)
        run("ip", "netns", "delete", name)


def reaches(address, port, source):
    try:
        with socket.create_connection((address, port), timeout=3, source_address=(source, 0)) as line:
            return line.recv(2) == b"ok"
    except OSError:
        return False


LISTEN = """
import socket, sys, threading
def serve(address, port):
    listener = socket.create_server((address, port))
    print("listens", flush=True)
    while True:
        line, _ = listener.accept()
        line.sendall(b"ok")
        line.close()
threading.Thread(target=serve, args=("127.0.0.1", 8080), daemon=True).start()
serve("0.0.0.0", 22)
"""


def firewall(root, dir, report):
    with network() as pi:
        rules = dir / "rules"
        rules.mkdir()
        text = (root / "etc/nftables.conf").read_text().replace("/run/waypost-card", str(rules))
        (dir / "nftables.conf").write_text(text)
        server = subprocess.Popen([*pi, "python3", "-c", LISTEN], stdout=subprocess.PIPE, text=True)
        try:
            for _ in range(2):
                server.stdout.readline()
            report.check("without the firewall the port answers", reaches("10.9.0.1", 22, "10.9.0.2"))
            run(*pi, "nft", "-f", dir / "nftables.conf")
            report.check("with it nothing comes in", not reaches("10.9.0.1", 22, "10.9.0.2"))
            report.check("but a ping is answered", not fails("ping", "-c", "1", "-W", "5", "10.9.0.1"))
            run(*pi, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet")
            rule = panel_rule(root, dir, "panel_from=10.9.0.2\n")
            shutil.copy(rule, rules / "panel.nft")
            run(*pi, "nft", "-f", dir / "nftables.conf")
            report.check("panel_from opens the panel to that address", reaches("10.9.0.1", 8080, "10.9.0.2"))
            report.check("and to no other", not reaches("10.9.0.1", 8080, "10.9.0.3"))
            report.check("and no other port", not reaches("10.9.0.1", 22, "10.9.0.2"))
        finally:
            server.kill()
            server.wait()


def run_settings(root, dir, conf, config=""):
    """Runs the card's script on folders of this test. What it said, and the folder that it wrote to."""
    place = dir / "settings"
    shutil.rmtree(place, ignore_errors=True)
    for name in ("boot", "etc", "run", "units", "tools"):
        (place / name).mkdir(parents=True)
    (place / "etc" / "gateway.toml").write_text(config)
    (place / "tools" / "systemctl").write_text(f'#!/bin/sh\necho "$*" >>{place / "told"}\n')
    (place / "tools" / "systemctl").chmod(0o755)
    (place / "boot" / "card.conf").write_text(conf)
    script = (root / "usr/lib/waypost-card/settings").read_text()
    moved = {"/boot/waypost": "boot", "/etc/waypost": "etc", "/run/waypost-card": "run", "/run/systemd": "units", "/dev/console": "console"}
    for there, here in moved.items():
        script = script.replace(there, str(place / here))
    script = script.replace("/proc/sys/net/ipv4/conf/all/route_localnet", str(place / "localnet"))
    (place / "script").write_text(script)
    env = os.environ | {"PATH": f"{place / 'tools'}:{os.environ['PATH']}"}
    done = subprocess.run(["unshare", "--net", "sh", place / "script"], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the settings failed: {done.stderr}")
    return done.stdout, place


def panel_rule(root, dir, conf):
    return run_settings(root, dir, conf)[1] / "run" / "panel.nft"


def settings(root, dir, report):
    for conf, why in {
        "panel_from=10.0.0.1; drop\n": "panel_from takes",
        "panel_from=999.0.0.1\n": "panel_from is not understood",
        "update_at=never\n": "update_at is night or start",
        "password=1234\n": "password is no setting",
    }.items():
        said, place = run_settings(root, dir, conf)
        refused = why in said and not (place / "run/panel.nft").exists()
        report.check(f"card.conf: {conf.strip()} is refused with a word", refused, said)
    said, place = run_settings(root, dir, "# words\r\nntp = 10.0.0.1,10.0.0.2\r\nupdate_from=http://h/c\r\nupdate_at=start\r\n")
    taken = (place / "run/update_at_start").exists() and (place / "run/update_from").read_text() == "http://h/c\n"
    report.check("what is right is taken, also as other systems end lines", taken, said)
    # Both folders as systemd reads them: of files with one name it takes one.
    shutil.rmtree(root / "run/systemd", ignore_errors=True)
    shutil.copytree(place / "units", root / "run/systemd")
    time = run("systemd-analyze", f"--root={root}", "cat-config", "systemd/timesyncd.conf")
    report.check("the time server is one that systemd reads", "NTP=10.0.0.1 10.0.0.2" in time and "SaveIntervalSec=1h" in time, time[-300:])
    said, place = run_settings(root, dir, "ntp=10.0.0.1\nupdate_at=start")
    report.check("so is a last line without an end", (place / "run/update_at_start").exists(), said)
    _, place = run_settings(root, dir, "", '[seal_reader]\nsocket = "/run/waypost-radio/hci1.sock"\n')
    told = (place / "told").read_text()
    report.check("a radio of the kernel's is held by its service", told == "--no-block start waypost-radio@hci1.service\n", told)
    log = run("systemd-analyze", f"--root={root}", "cat-config", "systemd/journald.conf")
    last = [line for line in log.splitlines() if line.startswith("Storage=")][-1:]
    report.check("the log stays in memory", last == ["Storage=volatile"], str(last))
