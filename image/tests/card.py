"""A card in a file: the image on a larger card, with the files that an installer puts onto its boot partition."""

import subprocess

SECTOR = 512
# QEMU takes cards of a power of two only; it also shows that the data partition grows.
CARD_BYTES = 2 << 30
BOOT = 4 << 20
ROOT_A = 6
# ext4 keeps so many blocks back for its own maps (2 % of them, or 4096 where that is fewer), which no program can have;
# debugfs knows nothing of it.
KEPT_BACK_BLOCKS = 4096
FREE_BLOCKS_LEFT = KEPT_BACK_BLOCKS + 16


def run(*command, **options):
    """What a command printed; stops where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


def mend(place):
    """Takes in what a power cut left in the log of a file system, as each start does; more than that must not be needed."""
    checked = subprocess.run(["e2fsck", "-p", "-f", str(place)], capture_output=True, text=True)
    if checked.returncode > 1:
        raise RuntimeError(f"the data partition needs more than its log: {checked.stdout}{checked.stderr}")


class Card:
    def __init__(self, image, path):
        self.path = path
        run("cp", "--sparse=always", image, path)
        with open(path, "r+b") as file:
            file.truncate(CARD_BYTES)

    def boot(self):
        """The boot partition, as mtools call it."""
        return f"{self.path}@@{BOOT}"

    def put(self, file, name):
        """Lays a file into the folder waypost/ of the boot partition."""
        run("mcopy", "-o", "-i", self.boot(), file, f"::waypost/{name}")

    def take(self, name, to):
        run("mcopy", "-o", "-i", self.boot(), f"::{name}", to)

    def has(self, name):
        return subprocess.run(["mdir", "-i", self.boot(), f"::waypost/{name}"], capture_output=True).returncode == 0

    def partition(self, number):
        """Start and size in bytes."""
        for line in run("sfdisk", "--dump", self.path).splitlines():
            if line.startswith(f"{self.path}{number} "):
                words = dict(word.strip().split("=") for word in line.split(":", 1)[1].split(",") if "=" in word)
                return int(words["start"]) * SECTOR, int(words["size"]) * SECTOR, words["type"].strip()
        raise RuntimeError(f"the card has no partition {number}")

    def slots(self):
        """The sector of the slots, as pairs."""
        with open(self.path, "rb") as file:
            file.seek(1 << 20)
            sector = file.read(SECTOR)
        return dict(entry.decode().split("=", 1) for entry in sector[4:].split(b"\0") if b"=" in entry)

    def in_data(self, *commands):
        """Lets debugfs work on the data partition where it lies; what it printed. Only for a card whose Pi is off."""
        start, size, _ = self.partition(2)
        loop = run("losetup", "--find", "--show", f"--offset={start}", f"--sizelimit={size}", self.path).strip()
        try:
            mend(loop)
            return run("debugfs", "-w", "-f", "-", loop, input="\n".join(commands) + "\n")
        finally:
            run("losetup", "--detach", loop)

    def free_blocks(self):
        return next(int(line.split(":")[1]) for line in self.in_data("stats").splitlines() if line.startswith("Free blocks"))

    def fill_data(self, name):
        """Gives the free blocks of the data partition to a file in its root, but for some that its map may need. How many are left."""
        more = self.free_blocks() - FREE_BLOCKS_LEFT
        self.in_data(f"write /dev/null {name}", f"fallocate {name} 0 {more - 1}")
        return self.free_blocks()

    def drop_data(self, name):
        self.in_data(f"rm {name}")

    def copy(self, number, to):
        """A partition as it lies on the card now, in a file. Only for a card whose Pi is off, or stands still."""
        start, size, _ = self.partition(number)
        to.unlink(missing_ok=True)
        run("dd", f"if={self.path}", f"of={to}", "bs=1M", f"skip={start >> 20}", f"count={size >> 20}", "conv=sparse")

    def copy_data(self, to):
        self.copy(2, to)

    def unpack_root(self, dir):
        """The root of slot A, as a tree."""
        packed, tree = dir / "root.img", dir / "root"
        self.copy(ROOT_A, packed)
        run("unsquashfs", "-quiet", "-no-progress", "-processors", "1", "-dest", tree, packed)
        packed.unlink()
        return tree

    def unpack_data(self, data, to):
        """The journal's folder in such a copy, after its file system was repaired from its own log."""
        mend(data)
        run("debugfs", "-R", f"rdump /waypost {to}", data)
        return to / "waypost"
