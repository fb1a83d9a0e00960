//! QEMU, and the lines to it: what the player says and asks, QEMU's own commands, and the device behind the serial adapter.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use waypost_drivers::seal::hex;

use super::picture::{self, Picture};
use crate::{
    process::Process,
    wait::{SOON, until},
};

/// Everything in the guest takes at most so long, on a machine that is busy with other tests too.
const ALL_TIME_MAX: Duration = Duration::from_secs(900);
/// How long a read waits until it looks whether the machine still runs.
const LOOK: Duration = Duration::from_millis(200);

/// An emulated machine that runs.
pub struct Machine {
    dir: PathBuf,
    qemu: Process,
    began: Instant,
    player: BufReader<UnixStream>,
    line: String,
    commands: BufReader<UnixStream>,
    scanner: UnixStream,
    picture: Option<Picture>,
}

impl Machine {
    /// Starts it with what lies in the folder: without a network and without a disk.
    pub fn start(dir: &Path) -> Self {
        let sockets = ["player", "commands", "scanner"].map(|name| dir.join(name));
        sockets.iter().for_each(|path| drop(fs::remove_file(path)));
        let [player, commands, scanner] = &sockets;
        let socket = |path: &Path| format!("path={},server=on,wait=off", path.display());
        let mut command = Command::new(dir.join("qemu"));
        // Emulated without the processor's help, which many build machines lack: so it is the same everywhere.
        command.args([
            "-accel",
            "tcg",
            "-machine",
            "pc",
            "-m",
            "512",
            "-smp",
            "1",
            "-nodefaults",
            "-no-reboot",
        ]);
        command.args(["-display", "none", "-vga", "std", "-device", "qemu-xhci,id=usb"]);
        command.arg("-kernel").arg(dir.join("vmlinuz")).arg("-initrd").arg(dir.join("initrd"));
        // On a busy machine an emulated timer may come late at first, which the kernel takes for a broken one. Its own
        // tests of its ciphers are slow here, and a cursor would blink in the panel's picture.
        command.args([
            "-append",
            "console=ttyS0 loglevel=4 no_timer_check cryptomgr.notests vt.global_cursor_default=0 panic=-1",
        ]);
        command.arg("-serial").arg(format!("file:{}", dir.join("console").display()));
        command.arg("-chardev").arg(format!("socket,id=player,{}", socket(player)));
        command.args(["-serial", "chardev:player"]);
        command.arg("-chardev").arg(format!("socket,id=scanner,{}", socket(scanner)));
        command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", commands.display()));
        let log = dir.join("qemu.log");
        let _ = fs::remove_file(&log);
        let mut qemu = Process::start("qemu", &mut command, &log);
        let [player, commands, scanner] = sockets.map(|path| {
            until("QEMU listens", SOON, || {
                qemu.assert_runs();
                UnixStream::connect(&path).ok()
            })
        });
        player.set_read_timeout(Some(LOOK)).unwrap();
        let [player, commands] = [player, commands].map(BufReader::new);
        let (line, picture) = (String::new(), None);
        let mut machine = Self {
            dir: dir.to_owned(),
            qemu,
            began: Instant::now(),
            player,
            line,
            commands,
            scanner,
            picture,
        };
        machine.line_of_commands();
        machine.command(&json!({ "execute": "qmp_capabilities" })).unwrap();
        machine
    }

    /// What the player says next; none when the machine has ended.
    pub fn next(&mut self) -> Option<Value> {
        loop {
            match self.player.read_line(&mut self.line) {
                Ok(0) => return None,
                Ok(_) => {
                    let line = std::mem::take(&mut self.line);
                    return Some(
                        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}")),
                    );
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    assert!(self.began.elapsed() < ALL_TIME_MAX, "the guest hangs:\n{}", self.console());
                    self.qemu.ended().is_none().then_some(())?;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Does what the player asks for.
    pub fn answer(&mut self, question: &Value) {
        let bytes = |name: &str| question[name].as_str().map(|text| hex::decode(text).unwrap());
        let answer = if question.get("machine").is_some() {
            self.command(&question["machine"])
        } else if let Some(bytes) = bytes("serial") {
            self.scanner.write_all(&bytes).unwrap();
            // QEMU has taken them when it has answered this.
            self.command(&json!({ "execute": "query-status" }))
                .and_then(|_| self.command(&json!({ "execute": "query-status" })))
        } else if let Some(bytes) = bytes("picture") {
            self.picture = Some(picture::of_png(&bytes));
            Ok(Value::Null)
        } else if let Some(name) = question["photograph"].as_str() {
            self.photograph(name, "png").map(|_| Value::Null)
        } else {
            self.photograph("now", "ppm")
                .map(|path| json!(Some(picture::of_ppm(&fs::read(path).unwrap())) == self.picture))
        };
        let answer = match answer {
            Ok(answer) => json!({ "answer": answer }),
            Err(error) => json!({ "error": error }),
        };
        writeln!(self.player.get_mut(), "{answer}").unwrap();
    }

    /// What its kernel and first process said.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("console")).unwrap_or_default()).into_owned()
    }

    fn photograph(&mut self, name: &str, format: &str) -> Result<PathBuf, Value> {
        let path = self.dir.join(format!("{name}.{format}"));
        let arguments = json!({ "filename": path, "format": format });
        self.command(&json!({ "execute": "screendump", "arguments": arguments }))?;
        Ok(path)
    }

    /// A command of QEMU's machine protocol; events are passed over.
    fn command(&mut self, command: &Value) -> Result<Value, Value> {
        writeln!(self.commands.get_mut(), "{command}").unwrap();
        // A device has left what it was connected to only when this is said.
        let mut deleted = command["execute"] != "device_del";
        let mut returned = None;
        loop {
            let mut answer = self.line_of_commands();
            deleted |= answer["event"] == "DEVICE_DELETED";
            if let Some(result) = answer.get_mut("return") {
                returned = Some(result.take());
            }
            if deleted && let Some(returned) = returned.take() {
                return Ok(returned);
            }
            if let Some(error) = answer.get_mut("error") {
                return Err(error.take());
            }
        }
    }

    fn line_of_commands(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.commands.read_line(&mut line).unwrap() > 0, "QEMU ended: {}", self.qemu.log());
        serde_json::from_str(&line).unwrap()
    }
}
