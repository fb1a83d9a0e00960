"""The card's own judgement after a start, and its choice of updates: the scripts of the root, with tools that stand in for
systemd, the console, U-Boot's environment and RAUC, and write down what they were told."""

import os
import shutil
import subprocess

from serving import Folder

TOOLS = {
    "systemctl": 'case "$*" in *NRestarts*) echo "$RESTARTS";; *MainPID*) echo 1;; *is-active*) exit "$INACTIVE";; *) echo "systemctl $*" >>"$TOLD";; esac',
    "curl-page": 'exit "$PAGE_FAILS"',
    "fw_printenv": 'echo "$CONFIRMED"',
    "fw_setenv": 'echo "fw_setenv $*" >>"$TOLD"; exit "$SECTOR_FAILS"',
    "rauc": "case \"$1\" in info) [ \"$(cat \"$3\")\" = bundle ] && echo \"RAUC_MF_VERSION='$SIGNED'\";; *) echo \"rauc $*\" >>\"$TOLD\"; [ -z \"$POWER_FAILS\" ] || kill -9 $PPID; exit \"$INSTALL_FAILS\";; esac",
    "sleep": "exit 0",
    "sync": "exit 0",
}
HEALTHY = {"INACTIVE": "0", "PAGE_FAILS": "0", "RESTARTS": "0"}
ENDS_BY_ITSELF = {"INACTIVE": "3", "PAGE_FAILS": "7", "RESTARTS": "12"}


class Place:
    """Folders in place of the card's."""

    def __init__(self, root, dir):
        self.dir = dir / "judging"
        shutil.rmtree(self.dir, ignore_errors=True)
        for name in ("etc", "var", "rauc", "run", "tools"):
            (self.dir / name).mkdir(parents=True)
        self.scripts = root / "usr/lib/waypost-card"
        (self.dir / "version").write_text("1.0\n")
        (self.dir / "told").touch()
        (self.dir / "console").touch()

    def set_up(self):
        (self.dir / "etc/gateway.toml").touch()
        (self.dir / "var/identity.json").touch()
        return self

    def run(self, name, slot="B", page=True, **env):
        # The bound on looking is minutes on a Pi; here a few looks tell the same.
        script = (self.scripts / name).read_text().replace("tries_max=120", "tries_max=8")
        moved = {
            "/proc/cmdline": "cmdline", "/usr/lib/waypost-card/version": "version", "/etc/waypost": "etc",
            "/var/lib/waypost": "var", "/data/rauc": "rauc", "/run/waypost-card": "run", "/dev/console": "console",
        }
        for there, here in moved.items():
            script = script.replace(there, str(self.dir / here))
        (self.dir / "cmdline").write_text(f"ro rauc.slot={slot} quiet\n")
        for tool, text in TOOLS.items():
            if tool == "curl-page" and not page:
                continue
            file = self.dir / "tools" / tool.removesuffix("-page")
            file.write_text(f"#!/bin/sh\n{text}\n")
            file.chmod(0o755)
        (self.dir / "script").write_text(script)
        told = {"TOLD": str(self.dir / "told"), "INSTALL_FAILS": "0", "POWER_FAILS": "", "SIGNED": "", "CONFIRMED": "A", "SECTOR_FAILS": "0", **HEALTHY}
        env = os.environ | told | env | {"PATH": f"{self.dir / 'tools'}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", self.dir / "script"], env=env, capture_output=True, text=True)
        return done, (self.dir / "told").read_text(), done.stdout

    def file(self, name):
        path = self.dir / name
        return path.read_text().strip() if path.exists() else None

    def write(self, name, text):
        (self.dir / name).write_text(text + "\n")
        return self


def judging(root, dir, report):
    place = Place(root, dir).set_up().write("rauc/trying", "1.0")
    _, told, said = place.run("confirm")
    good = "fw_setenv CONFIRMED B" in told and "rauc status mark-good booted" in told and "reboot" not in told
    report.check("a slot on trial whose gateway is healthy is confirmed", good and place.file("rauc/trying") is None, told)
    report.check("and the screen says so", "is confirmed" in said and "ready" in said, said)

    _, told, _ = Place(root, dir).set_up().run("confirm", **ENDS_BY_ITSELF)
    bad = "rauc status mark-bad booted" in told and "reboot" in told and "CONFIRMED" not in told
    report.check("one whose gateway ends by itself is marked bad, and the other slot is started", bad, told)

    _, told, _ = Place(root, dir).set_up().run("confirm", INACTIVE="0", PAGE_FAILS="22", RESTARTS="0")
    report.check("so is one whose gateway runs and shows no page", "mark-bad" in told and "reboot" in told, told)

    _, told, _ = Place(root, dir).set_up().run("confirm", slot="A", **ENDS_BY_ITSELF)
    report.check("a confirmed slot is never left, and never started in a loop, for its gateway's health", told == "", told)

    place = Place(root, dir).set_up().write("rauc/trying", "1.0")
    _, told, _ = place.run("confirm", CONFIRMED="B")
    settled = place.file("rauc/trying") is None and place.file("rauc/refused") is None and "mark-good" in told and "mark-active" not in told
    report.check("a power cut right after the confirmation leaves a card that takes the next update", settled, told)

    _, told, said = Place(root, dir).set_up().run("confirm", SECTOR_FAILS="1")
    report.check("one that cannot be confirmed says so, and runs on", "cannot be confirmed" in said and "reboot" not in told, said)

    place = Place(root, dir).set_up().write("rauc/trying", "2.0")
    _, told, _ = place.run("confirm", slot="A")
    report.check("after a roll-back the version is written down as refused", place.file("rauc/refused") == "2.0" and place.file("rauc/trying") is None and "mark-active booted" in told, told)

    _, told, _ = Place(root, dir).run("confirm")
    report.check("a card that was not set up yet confirms its system", "fw_setenv CONFIRMED B" in told, told)


def updating(root, dir, report):
    place = Place(root, dir)
    served = Folder(dir / "served")
    (served.path / "card.raucb").write_bytes(b"bundle")

    def ask(latest, signed, refused=None, trying=None, begun=None, **env):
        nonlocal place
        place = Place(root, dir).write("run/update_from", served.url())
        for name, text in (("refused", refused), ("trying", trying)):
            if text:
                place.write(f"rauc/{name}", text)
        for name, content in (begun or {}).items():
            (place.dir / "rauc" / name).write_bytes(content)
        (served.path / "latest").write_text(latest + "\n")
        served.asked.clear()
        done, told, _ = place.run("update", page=False, SIGNED=signed, **env)
        return done.returncode, told

    def bundles():
        return sorted(path.name for path in (place.dir / "rauc").glob("*.raucb"))

    try:
        code, told = ask("1.1 card.raucb", "1.1")
        taken = code == 0 and "rauc install" in told and "reboot" in told and place.file("rauc/trying") == "1.1"
        report.check("a newer version is installed and started", taken and not bundles(), told)
        for latest, signed, status, why in (
            ("1.0 card.raucb", "1.0", 0, "the same version"),
            ("0.9 card.raucb", "0.9", 0, "an older one, though it is signed"),
            ("1.1 card.raucb", "1.0", 2, "a bundle that is another version than was said"),
            ("1.1 ../../etc/passwd", "1.1", 2, "a name that leads elsewhere"),
            ("1.1 missing.raucb", "1.1", 1, "a file that is not there"),
        ):
            code, told = ask(latest, signed)
            not_taken = told == "" and code == status and place.file("rauc/trying") is None and not bundles()
            report.check(f"not taken: {why}", not_taken, f"{code} {told} {bundles()}")
        _, told = ask("1.1 card.raucb", "1.1", refused="1.1")
        report.check("not taken: a version that was not healthy", told == "", told)
        _, told = ask("1.2 card.raucb", "1.2", refused="1.1")
        report.check("but the one after it", "rauc install" in told, told)
        code, told = ask("1.1 card.raucb", "1.1", INSTALL_FAILS="1")
        nothing = code == 2 and "reboot" not in told and place.file("rauc/trying") is None and not bundles()
        report.check("an installation that fails starts nothing", nothing, told)

        code, told = ask("1.1 card.raucb", "1.1", POWER_FAILS="1")
        place.set_up().run("confirm", slot="A", page=False)
        _, told, _ = place.run("update", page=False, SIGNED="1.1")
        again = code != 0 and place.file("rauc/refused") is None and "reboot" in told
        report.check("an installation that the power broke off is begun again, and not held against the version", again, told)

        _, told = ask("1.1 card.raucb", "1.1", begun={"1.1.raucb": b"bun"})
        report.check("a download that broke off goes on where it was", "rauc install" in told and ("card.raucb", 3) in served.asked, str(served.asked))
        _, told = ask("1.1 card.raucb", "1.1", begun={"1.1.raucb": b"bundle"})
        report.check("a whole one is not fetched again", "rauc install" in told and [name for name, _ in served.asked] == ["latest"], str(served.asked))
        _, told = ask("1.2 card.raucb", "1.2", begun={"1.1.raucb": b"bun"})
        report.check("the beginning of another version is thrown away", "rauc install" in told and ("card.raucb", 0) in served.asked and not bundles(), str(served.asked))
        for begun in (b"other", b"longer than it"):
            code, told = ask("1.1 card.raucb", "1.1", begun={"1.1.raucb": begun})
            report.check("a beginning that does not fit is not taken, and thrown away", code == 2 and told == "" and not bundles(), f"{code} {told}")
    finally:
        served.stop()
