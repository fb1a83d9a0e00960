//! Seals heard through the kernel's HCI socket: a virtual adapter of the kernel's, and the bench's controller behind it.

use std::path::Path;

use waypost_drivers::{
    bench::{RadioModel, Stall, VirtualRadio, VirtualSeal},
    seal::{Address, SealKey},
};

use crate::{bridge::Adapter, host::Host, sysfs, trying::Trying};

/// A seal whose frames nobody here can read.
const SEAL: &str = "54:48:E6:8F:80:A5";
/// One without a key, whose state is told.
const PLAIN: &str = "54:48:E6:8F:80:B6";
/// How strong it is.
const RSSI: i8 = -52;

pub fn show(host: &Host) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    // Alone, with a controller of Bluetooth 4 that stops to report until its scan is switched on again.
    channel(host, "user", RadioModel::Legacy, Stall::UntilScan, "RestartScan");
    // Beside the kernel, with one of Bluetooth 5 that must be reset: the adapter is switched off and on.
    channel(host, "raw", RadioModel::ExtendedOnly, Stall::UntilReset, "ReopenLine");
}

fn channel(host: &Host, channel: &str, model: RadioModel, stall: Stall, mended_by: &str) {
    let dir = Path::new("/run");
    let radio = VirtualRadio::of_model(dir, &format!("radio-{channel}"), model).unwrap();
    radio.add(VirtualSeal::new(SEAL.parse().unwrap(), SealKey::new([7; 16])).shared()).unwrap();
    let adapter = Adapter::plug(radio.path());
    sysfs::appears("/sys/class/bluetooth", "hci0");
    let listed = sysfs::listed("adapter = \"hci0\"");
    assert_eq!(listed["kind"], "seal", "{listed}");

    let channel_is = format!("channel={channel}");
    let mut trying = Trying::start("seal", &["adapter=hci0", &channel_is]);
    trying.until_up();
    let hears = |trying: &mut Trying, address: &str| {
        trying.until(&format!("{address} is heard"), |line| line["seal"] == address)
    };
    hears(&mut trying, SEAL);
    // The same sender again and again: closed, open, closed. A filter would pass the first only.
    let plain: Address = PLAIN.parse().unwrap();
    for (state, byte) in [("closed", 0), ("open", 1), ("closed", 0)] {
        radio.inject(plain, RSSI, &[0x40, 0x11, byte]).unwrap();
        let line = hears(&mut trying, PLAIN);
        assert_eq!(
            (&line["frame"]["state"], line["rssi"].as_i64()),
            (&state.into(), Some(RSSI.into())),
            "{line}"
        );
    }

    // Nothing is reported any more, from anybody.
    let resets = radio.resets();
    radio.stall(stall);
    trying.until("the silent scan is mended", |line| line["mending"] == mended_by);
    hears(&mut trying, SEAL);
    assert_eq!(radio.resets() > resets, stall == Stall::UntilReset, "reset, if that is what it needed");

    // The controller says itself that it failed.
    radio.fail(0x42).unwrap();
    let reason = trying.until_away();
    assert!(reason.contains("0x42"), "{reason}");
    trying.until_up();
    hears(&mut trying, SEAL);

    // Taken away, and put back.
    drop(adapter);
    radio.unplug();
    let reason = trying.until_away();
    assert!(reason.contains("hci0"), "{reason}");
    sysfs::vanishes("/sys/class/bluetooth", "hci0");
    radio.plug().unwrap();
    let adapter = Adapter::plug(radio.path());
    trying.until_up();
    hears(&mut trying, SEAL);
    trying.stop();
    drop(adapter);
    sysfs::vanishes("/sys/class/bluetooth", "hci0");
    host.note("radio", &format!("{channel} channel: heard, mended by {mended_by}, away ({reason}) and back"));
}
