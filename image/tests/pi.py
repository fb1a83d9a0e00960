"""An emulated Raspberry Pi 3B with a card, and with what hangs on it."""

import contextlib
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import free
from header import Header
from hid_scanner import HidScanner
from qmp import Qmp
from wait import until

# What the firmware of a real Pi does before U-Boot, QEMU must be told: where U-Boot and the device tree are. It also has
# no hardware watchdog that counts (its model starts again as soon as one is armed), so systemd is told to leave that
# alone; and the screen's text goes to the first serial line, to be read here.
PASSED = "systemd.watchdog_sec=0 systemd.default_timeout_start_sec=900 console=ttyAMA0,115200"


def drain(line):
    with contextlib.suppress(OSError):
        while line.recv(4096):
            pass


class Pi:
    def __init__(self, card, dir, radio=None):
        self.card = card
        self.dir = dir
        self.radio = radio
        self.panel_port = free.port()
        self.process = None
        self.starts = 0
        card.take("u-boot-rpi_3.bin", dir / "u-boot.bin")
        card.take("bcm2837-rpi-3-b.dtb", dir / "pi.dtb")

    def line(self, name):
        return self.dir / f"{name}.sock"

    def start(self, more=""):
        """Switches it on, with more words for its kernel. Gives the moment."""
        self.starts += 1
        for name in ("scanner", "gnss", "pos", "qmp", "pins"):
            self.line(name).unlink(missing_ok=True)
        # One thread for all four cores: the three that wait in U-Boot would keep a processor each busy.
        serve = lambda name: f"socket,id={name},path={self.line(name)},server=on,wait=off"
        command = ["qemu-system-aarch64", "-accel", "tcg,thread=single", "-M", "raspi3b", "-display", "none", "-nodefaults"]
        command += ["-kernel", self.dir / "u-boot.bin", "-dtb", self.dir / "pi.dtb", "-append", f"{PASSED} {more}"]
        command += ["-drive", f"file={self.card.path},if=sd,format=raw"]
        command += ["-serial", f"file:{self.console()}"]
        # The second serial line is the one on the header's pins.
        command += ["-chardev", serve("gnss"), "-serial", "chardev:gnss"]
        command += ["-device", "usb-hub,id=hub,port=1"]
        command += ["-chardev", serve("scanner"), "-device", "usb-serial,chardev=scanner,serial=SCANNER,port=1.1,always-plugged=on"]
        command += ["-device", "usb-kbd,port=1.2"]
        command += ["-chardev", serve("pos"), "-device", "usb-redir,chardev=pos,port=1.5"]
        net = f"user,id=net,hostfwd=tcp:127.0.0.1:{self.panel_port}-:8080"
        command += ["-netdev", net, "-device", "usb-net,netdev=net,port=1.3"]
        if self.radio:
            command += ["-chardev", f"serial,id=radio,path={self.radio}"]
            command += ["-device", "usb-serial,chardev=radio,serial=RADIO,port=1.4,always-plugged=on"]
        command += ["-qmp", f"unix:{self.line('qmp')},server=on,wait=off"]
        command += ["-qtest", f"unix:{self.line('pins')},server=on,wait=off", "-qtest-log", "none"]
        with open(self.dir / "qemu.log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        began = time.monotonic()
        until("QEMU answers", lambda: self.running() and self.line("qmp").exists(), 60)
        self.qmp = Qmp(self.line("qmp"))
        self.scanner = self.connect("scanner")
        receiver = self.connect("gnss")
        # Nobody listens to what the Pi says to scanner and receiver; but QEMU waits for whoever is connected to read it.
        for line in (self.scanner, receiver):
            threading.Thread(target=drain, args=(line,), daemon=True).start()
        self.header = Header(self.connect("pins"), receiver)
        self.pos = HidScanner(self.line("pos"))
        return began

    def connect(self, name):
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(self.line(name)))
        return line

    def console(self):
        return self.dir / f"console-{self.starts}.log"

    def console_text(self):
        """All that the screen showed since it was switched on."""
        return self.console().read_text(errors="replace")

    def said(self, text):
        self.running()
        return text in self.console_text()

    def line_with(self, text):
        return next((line for line in self.console_text().splitlines() if text in line), None)

    def running(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"QEMU ended: {(self.dir / 'qemu.log').read_text()[-500:]}")
        return True

    def written(self):
        """Bytes that QEMU wrote since its start. Its card does not count by itself; what else it writes, the few bytes
        of its serial lines and sockets, is in it too."""
        with open(f"/proc/{self.process.pid}/io") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("wchar"))

    @contextlib.contextmanager
    def standing_still(self):
        """No part of QEMU moves, and nothing is written to the card."""
        self.process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self.process.pid}/task")
        state = lambda thread: (thread / "stat").read_text().rsplit(")", 1)[1].split()[0]
        until("QEMU stands still", lambda: all(state(thread) == "T" for thread in threads.iterdir()), 60)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def cut(self):
        """Pulls the plug: QEMU gets SIGKILL and is not asked."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.scanner.close()
            self.header.unplug()
            self.pos.unplug()

    def scan(self, text):
        """The serial scanner reads a code."""
        self.scanner.sendall(text.encode() + b"\r")
