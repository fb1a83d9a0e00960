"""The card's own judgement after a start, and its choice of updates: the scripts of the root, with tools that stand in for
systemd, the console, U-Boot's environment and RAUC, and write down what they were told."""

import json
import os
import shutil
import subprocess

from serving import Folder

TOOLS = {
    "systemctl": 'case "$*" in *NRestarts*) echo "$RESTARTS";; *MainPID*) echo 1;; *StatusText*) echo "$STATUS";; *is-active*) exit "$INACTIVE";; *) echo "systemctl $*" >>"$TOLD";; esac',
    "panel": 'echo "$PANEL"; [ -n "$PANEL" ]',
    "fw_printenv": 'echo "$CONFIRMED"',
    "fw_setenv": 'echo "fw_setenv $*" >>"$TOLD"; exit "$SECTOR_FAILS"',
    "rauc": "case \"$1\" in info) [ \"$(cat \"$3\")\" = bundle ] && echo \"RAUC_MF_VERSION='$SIGNED'\";; *) echo \"rauc $*\" >>\"$TOLD\"; [ -z \"$POWER_FAILS\" ] || kill -9 $PPID; exit \"$INSTALL_FAILS\";; esac",
    "sleep": "exit 0",
    "sync": "exit 0",
    "journalctl": 'echo "$SAID"',
}


def panel(person=None, hour=3, journal="well"):
    """What the gateway's panel says."""
    status = {"person": person, "time": f"2026-11-29T{hour:02}:10:00+08:00", "journal": journal}
    return json.dumps({"title": "Testing centre", "status": status}, separators=(",", ":"))


HEALTHY = {"INACTIVE": "0", "PANEL": panel(), "STATUS": "12 records", "RESTARTS": "0"}
ENDS_BY_ITSELF = {"INACTIVE": "3", "PANEL": "", "RESTARTS": "12"}


class Place:
    """Folders in place of the card's."""

    def __init__(self, root, dir):
        self.dir = dir / "judging"
        shutil.rmtree(self.dir, ignore_errors=True)
        for name in ("etc", "var", "rauc/fetched", "run", "tools"):
            (self.dir / name).mkdir(parents=True)
        self.scripts = root / "usr/lib/waypost-card"
        (self.dir / "version").write_text("1.0\n")
        (self.dir / "told").touch()
        (self.dir / "console").touch()

    def set_up(self, text='[console]\nlisten = "127.0.0.1:8080"\n'):
        (self.dir / "etc/gateway.toml").write_text(text)
        (self.dir / "var/identity.json").touch()
        return self

    def run(self, name, slot="B", file_blocks_max="unlimited", **env):
        # The bound on looking is minutes on a Pi; here a few looks tell the same.
        script = (self.scripts / name).read_text().replace("tries_max=120", "tries_max=8")
        moved = {
            "/proc/cmdline": "cmdline", "/usr/lib/waypost-card/version": "version", "/usr/lib/waypost-card/panel": "tools/panel",
            "/etc/waypost": "etc",
            "/var/lib/waypost": "var", "/data/rauc": "rauc", "/data/log": "log", "/run/waypost-card": "run", "/dev/console": "console",
        }
        for there, here in moved.items():
            script = script.replace(there, str(self.dir / here))
        script = script.replace("/usr/lib/waypost-card/signed-version", str(self.scripts / "signed-version"))
        (self.dir / "cmdline").write_text(f"ro rauc.slot={slot} quiet\n")
        for tool, text in TOOLS.items():
            file = self.dir / "tools" / tool
            file.write_text(f"#!/bin/sh\n{text}\n")
            file.chmod(0o755)
        (self.dir / "script").write_text(script)
        told = {"TOLD": str(self.dir / "told"), "INSTALL_FAILS": "0", "POWER_FAILS": "", "SIGNED": "", "CONFIRMED": "A", "SECTOR_FAILS": "0", **HEALTHY}
        env = os.environ | told | env | {"PATH": f"{self.dir / 'tools'}:{os.environ['PATH']}"}
        bounded = f"ulimit -f {file_blocks_max}; . {self.dir / 'script'}"
        done = subprocess.run(["sh", "-c", bounded], env=env, capture_output=True, text=True)
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

    _, told, _ = Place(root, dir).set_up().run("confirm", PANEL="")
    report.check("so is one whose gateway runs and shows no panel", "mark-bad" in told and "reboot" in told, told)

    console = lambda: Place(root, dir).set_up()
    for journal in ("damaged", "read_only", "failed", "full"):
        stopped = {"PANEL": panel(journal=journal)}
        _, told, _ = console().write("rauc/records", "").run("confirm", **stopped)
        report.check(f"so is one whose journal is {journal}, where the version before wrote it", "mark-bad" in told and "reboot" in told, told)
    _, told, said = console().run("confirm", **stopped)
    report.check("where that one could not either, it is confirmed, and the screen says that nothing is recorded", "CONFIRMED B" in told and "nothing is recorded" in said, told + said)

    bare = lambda: Place(root, dir).set_up('gateway = "ctc-1"\n')
    _, told, _ = bare().run("confirm", PANEL="")
    report.check("a gateway without a panel is healthy when it runs", "CONFIRMED B" in told, told)
    _, told, _ = bare().write("rauc/records", "").run("confirm", PANEL="", STATUS="the journal does not open: nothing is recorded")
    report.check("unless it says that nothing is recorded", "mark-bad" in told, told)

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

    _, told, _ = Place(root, dir).run("confirm", PANEL="")
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
            (place.dir / "rauc/fetched" / name).write_bytes(content)
        (served.path / "latest").write_text(latest + "\n")
        served.asked.clear()
        return take(signed, **env)

    def take(signed, **env):
        """Both halves, as systemd starts them; the status of the first that failed, and what was told."""
        for half in ("update", "install"):
            done, told, said = place.run(half, SIGNED=signed, **env)
            if done.returncode != 0:
                break
        return done.returncode, told + said

    def bundles():
        return sorted(path.name for path in (place.dir / "rauc/fetched").iterdir())

    try:
        code, told = ask("1.1 card.raucb", "1.1")
        taken = code == 0 and "rauc install" in told and "reboot" in told and place.file("rauc/trying") == "1.1"
        report.check("a newer version is installed and started", taken and not bundles(), told)
        report.check("and must write the journal, as this one does", place.file("rauc/records") is not None)
        ask("1.1 card.raucb", "1.1", PANEL=panel(journal="damaged"))
        report.check("unless this one cannot", place.file("rauc/records") is None)
        for latest, signed, status, why in (
            ("1.0 card.raucb", "1.0", 0, "the same version"),
            ("0.9 card.raucb", "0.9", 0, "an older one, though it is signed"),
            ("1.1 card.raucb", "1.0", 2, "a bundle that is another version than was said"),
            ("1.1 ../../etc/passwd", "1.1", 2, "a name that leads elsewhere"),
            ("1.1 missing.raucb", "1.1", 1, "a file that is not there"),
        ):
            code, told = ask(latest, signed)
            not_taken = "rauc" not in told and code == status and place.file("rauc/trying") is None and not bundles()
            report.check(f"not taken: {why}", not_taken, f"{code} {told} {bundles()}")
        _, told = ask("1.1 card.raucb", "1.1", refused="1.1")
        report.check("not taken: a version that was not healthy", "rauc" not in told, told)
        _, told = ask("1.2 card.raucb", "1.2", refused="1.1")
        report.check("but the one after it", "rauc install" in told, told)
        for signed, why in (("0.9", "an older version"), ("1.1", "one that was not healthy"), ("", "one that nobody signed")):
            place = Place(root, dir).write("rauc/refused", "1.1")
            (place.dir / "rauc/fetched/1.1.raucb").write_bytes(b"bundle")
            done, told, _ = place.run("install", SIGNED=signed)
            report.check(f"whatever the half on the network brings, not {why}", done.returncode == 0 and told == "" and not bundles(), told)
        code, told = ask("1.1 card.raucb", "1.1", INSTALL_FAILS="1")
        nothing = code == 0 and "reboot" not in told and place.file("rauc/trying") is None and not bundles()
        report.check("an installation that fails starts nothing, and throws the bundle away", nothing, told)

        _, told = ask("1.1 card.raucb", "1.1", PANEL=panel(person="s-clerk"))
        waits = "rauc install" in told and "reboot" not in told and "when nobody is signed in" in told
        report.check("nobody's work is broken off: it waits while somebody is signed in", waits, told)
        served.asked.clear()
        _, told = take("1.1")
        report.check("and starts once nobody is, without another download", "reboot" in told and not served.asked, told)

        code, told = ask("1.1 card.raucb", "1.1", POWER_FAILS="1")
        place.set_up().run("confirm", slot="A")
        _, told = take("1.1")
        again = code != 0 and place.file("rauc/refused") is None and "reboot" in told
        report.check("an installation that the power broke off is begun again, and not held against the version", again, told)

        _, told = ask("1.1 card.raucb", "1.1", begun={"1.1.part": b"bun"})
        report.check("a download that broke off goes on where it was", "rauc install" in told and ("card.raucb", 3) in served.asked, str(served.asked))
        _, told = ask("1.1 card.raucb", "1.1", begun={"1.1.part": b"bundle"})
        report.check("a whole one is not fetched again", "rauc install" in told and [name for name, _ in served.asked] == ["latest"], str(served.asked))
        _, told = ask("1.2 card.raucb", "1.2", begun={"1.1.part": b"bun"})
        report.check("the beginning of another version is thrown away", "rauc install" in told and ("card.raucb", 0) in served.asked and not bundles(), str(served.asked))
        (served.path / "endless.raucb").write_bytes(bytes(5000))
        code, told = ask("1.1 endless.raucb", "1.1", file_blocks_max=1)
        report.check("a bundle that goes on beyond the unit's limit is thrown away", code == 1 and not bundles(), f"{code} {told} {bundles()}")
        for begun in (b"other", b"longer than it"):
            code, told = ask("1.1 card.raucb", "1.1", begun={"1.1.part": begun})
            report.check("a beginning that does not fit is not taken, and thrown away", code == 2 and "rauc" not in told and not bundles(), f"{code} {told}")
    finally:
        served.stop()


def looking(root, dir, report):
    """When an update is looked for."""
    def due(**env):
        return Place(root, dir).run("update-due", **env)[0].returncode == 0

    hours = [hour for hour in range(24) if due(PANEL=panel(hour=hour))]
    report.check("updates are looked for from 2 to 5 at night, by the site's own clock", hours == [2, 3, 4], str(hours))
    report.check("and at any time where no panel answers", due(PANEL=""))
    done, _, _ = Place(root, dir).write("run/update_at_start", "").run("update-due", PANEL=panel(hour=11))
    report.check("and after a start, where card.conf says so", done.returncode == 0)


def log_is_kept(root, dir, report):
    place = Place(root, dir)
    def keep(said):
        return place.run("keep-log", SAID=said)

    def kept():
        folder = place.dir / "log"
        return [(folder / name).read_text().strip() for name in sorted(path.name for path in folder.iterdir())]

    keep("first")
    report.check("the log's warnings are kept on the card", kept() == ["first"], str(kept()))
    before = (place.dir / "log/0").stat()
    keep("first")
    report.check("and written only where they changed", (place.dir / "log/0").stat().st_ino == before.st_ino)
    keep("first and more")
    for start in range(6):
        # Another start: what lies in memory is gone.
        (place.dir / "run/log.kept").unlink()
        keep(f"start {start}")
    report.check("those of five starts, the latest first", kept() == [f"start {start}" for start in (5, 4, 3, 2, 1)], str(kept()))
    keep("x" * 100_000)
    report.check("and no more than 64 KiB of one", (place.dir / "log/0").stat().st_size == 65536)
