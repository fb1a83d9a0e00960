"""What stands outside: a hub with its authority, mosquitto with mutual TLS, and the air with seals."""

import getpass
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import free
from card import run

# The host, as QEMU's user network shows it to the guest.
HOST = "10.0.2.2"
GATEWAY = "ctc-1"
BADGE = "STAFF-0123456789ABCDEF"
SEAL = ("S-0001", "C0:5E:A1:00:00:01", "231d39c1d7cc1ab1aee224cd096db901")
WAYPOST = os.environ.get("WAYPOST_BIN", "waypost")

# It keeps its rights, as the keys that it reads are open to nobody else.
BROKER = """
user {user}
allow_anonymous false
persistence false
listener {port} 127.0.0.1
cafile {authority}/ca.pem
certfile {authority}/broker.pem
keyfile {authority}/broker-key.pem
crlfile {authority}/ca.crl.pem
require_certificate true
use_identity_as_username true
acl_file {acl}
"""
HUB = """
dir = "."
[mqtt]
host = "{host}"
port = {port}
[mqtt.tls]
ca = "authority/ca.pem"
cert = "authority/hub.pem"
key = "authority/hub-key.pem"
[http]
listen = "127.0.0.1:{http}"
[enrol]
listen = "127.0.0.1:{enrol}"
days = 60
offline_days = 2
{more}
[[gateway]]
id = "ctc-1"
site = "SITE-CTC1"
kind = "testing_centre"
name = "ctc-1"
"""


class World:
    def __init__(self, dir):
        self.dir = dir
        self.hub_dir = dir / "hub"
        self.broker = self.hub = self.bumble = None
        self.ports = {name: free.port() for name in ("broker", "http", "enrol")}
        run(WAYPOST, "hub", "init", self.hub_dir, "--broker", HOST, "--broker", "127.0.0.1", "--json")
        self.lay_orders()
        self.hub_config = self.hub_dir / "hub.toml"
        text = HUB.format(host="127.0.0.1", port=self.ports["broker"], http=self.ports["http"], enrol=self.ports["enrol"], more=self.advertised())
        self.hub_config.write_text(text)
        acl = dir / "acl"
        acl.write_text(run(WAYPOST, "hub", "acl", "--config", self.hub_config))
        config = BROKER.format(user=getpass.getuser(), port=self.ports["broker"], authority=self.hub_dir / "authority", acl=acl)
        (dir / "mosquitto.conf").write_text(config)

    def advertised(self):
        return f'address = "{HOST}:{self.ports["enrol"]}"\nbroker = "{HOST}:{self.ports["broker"]}"'

    def lay_orders(self):
        orders = self.hub_dir / "orders"
        orders.mkdir(exist_ok=True)
        person = {"badge": hashlib.sha256(BADGE.encode()).hexdigest(), "operator": "s-clerk", "role": "staff"}
        name, address, key = SEAL
        seal = {"seal": name, "address": address, "key": key}
        for order in ({"kind": "staff", "people": [person]}, {"kind": "seals", "seals": [seal]}):
            whole = {"id": "-", "epoch": 1, "number": 1, "to": [], "order": order}
            (orders / f"{order['kind']}.json").write_text(json.dumps(whole))

    def start_process(self, name, *command, **options):
        with open(self.dir / f"{name}.log", "ab") as log:
            return subprocess.Popen([str(word) for word in command], stderr=log, **{"stdin": subprocess.DEVNULL, "stdout": log, **options})

    def start_broker(self):
        self.broker = self.start_process("mosquitto", "mosquitto", "-c", self.dir / "mosquitto.conf")

    def start_hub(self):
        self.hub = self.start_process("hub", WAYPOST, "hub", "--config", self.hub_config)

    def stop_broker(self):
        self.broker.kill()
        self.broker.wait()
        self.broker = None

    def code(self):
        """The file with a one-time code."""
        file = self.dir / "enrol.json"
        file.unlink(missing_ok=True)
        run(WAYPOST, "hub", "enrol", GATEWAY, "--config", self.hub_config, "--out", file)
        return file

    def records(self):
        """What the hub has of the gateway's ledger, in order of the numbers."""
        rows = run(WAYPOST, "hub", "export", self.hub_dir, "--stream", "ledger").splitlines()
        return sorted((json.loads(json.loads(row)["line"]) for row in rows), key=lambda record: record["seq"])

    def facts(self, code):
        """Facts at the hub that name a code."""
        return [record["fact"] for record in self.records() if f'"{code}"' in json.dumps(record)]

    def start_air(self):
        """A Bluetooth controller on a pseudo-terminal, and a seal that advertises to it."""
        script = Path(__file__).parents[2] / "integration-tests" / "bumble_seals.py"
        radio = self.dir / "radio"
        seal = f"{SEAL[1]},{SEAL[2]},legacy"
        self.bumble = self.start_process(
            "bumble", sys.executable, script, radio, "--interval-ms", "500", seal,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        if self.bumble.stdout.readline().strip() != "ready":
            raise RuntimeError("Bumble did not start: see bumble.log")
        return radio

    def air(self, command):
        self.bumble.stdin.write(command + "\n")
        self.bumble.stdin.flush()
        return json.loads(self.bumble.stdout.readline())

    def stop(self):
        for process in (self.bumble, self.hub, self.broker):
            if process:
                process.kill()
                process.wait()
