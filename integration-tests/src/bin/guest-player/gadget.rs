//! A USB device on the bus inside the kernel (`dummy_hcd`), made by configfs: what a host sees of it is a real device.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use rustix::event::{PollFd, PollFlags, poll};
use waypost_integration_tests::wait::{SOON, until};

const GADGETS: &str = "/sys/kernel/config/usb_gadget";

/// What it calls itself, and which of the bus's ports it hangs on.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// 0 or 1.
    pub port: u8,
    /// Vendor and product.
    pub ids: (u16, u16),
    /// Product, in words.
    pub product: &'static str,
    /// Serial number.
    pub serial: &'static str,
}

/// A gadget. Dropped, it is no more.
pub struct Gadget {
    folder: PathBuf,
    function: PathBuf,
    port: u8,
}

impl Gadget {
    /// Makes it with one function, whose attributes are files. It is not plugged in yet.
    pub fn new(names: Names, function: &str, attributes: &[(&str, &[u8])]) -> Self {
        let folder = Path::new(GADGETS).join(names.serial);
        let text = folder.join("strings/0x409");
        let function = folder.join("functions").join(function);
        for folder in [&folder, &text, &folder.join("configs/c.1"), &function] {
            fs::create_dir(folder).unwrap();
        }
        for (name, value) in [("idVendor", names.ids.0), ("idProduct", names.ids.1), ("bcdUSB", 0x0200)] {
            fs::write(folder.join(name), format!("{value:#06x}")).unwrap();
        }
        for (name, value) in
            [("serialnumber", names.serial), ("product", names.product), ("manufacturer", "Bench")]
        {
            fs::write(text.join(name), value).unwrap();
        }
        for (name, value) in attributes {
            fs::write(function.join(name), value).unwrap();
        }
        let link = folder.join("configs/c.1").join(function.file_name().unwrap());
        std::os::unix::fs::symlink(&function, link).unwrap();
        Self { folder, function, port: names.port }
    }

    /// A device that sends reports as this descriptor says, `length` bytes at most.
    pub fn hid(names: Names, boot_keyboard: bool, length: usize, descriptor: &[u8]) -> Self {
        let number = if boot_keyboard { b"1" } else { b"0" };
        let length = length.to_string();
        let attributes: [(&str, &[u8]); 4] = [
            ("subclass", number),
            ("protocol", number),
            ("report_length", length.as_bytes()),
            ("report_desc", descriptor),
        ];
        Self::new(names, &format!("hid.{}", names.serial), &attributes)
    }

    /// Puts its cable in.
    pub fn plug(&self) {
        fs::write(self.folder.join("UDC"), format!("dummy_udc.{}", self.port)).unwrap();
    }

    /// Puts in the cable of a HID gadget; gives where its reports are written.
    pub fn plug_for_reports(&self) -> Reports {
        self.plug();
        let number = fs::read_to_string(self.function.join("dev")).unwrap();
        let node = format!("/dev/hidg{}", number.trim().split(':').next_back().unwrap());
        Reports(until(&format!("{node} is there"), SOON, || {
            OpenOptions::new().read(true).write(true).open(&node).ok()
        }))
    }

    /// Pulls it.
    pub fn unplug(&self) {
        fs::write(self.folder.join("UDC"), "\n").unwrap();
    }
}

impl Drop for Gadget {
    fn drop(&mut self) {
        // A cable that is out already cannot be pulled.
        let _ = fs::write(self.folder.join("UDC"), "\n");
        let link = self.folder.join("configs/c.1").join(self.function.file_name().unwrap());
        let _ = fs::remove_file(link);
        let (config, text) = (self.folder.join("configs/c.1"), self.folder.join("strings/0x409"));
        for folder in [&config, &self.function, &text, &self.folder] {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Where a HID gadget's reports are written: anew after each plugging in.
pub struct Reports(File);

impl Reports {
    /// Sends one, and waits until the host has fetched it.
    pub fn send(&mut self, report: &[u8]) {
        self.0.write_all(report).unwrap();
        poll(&mut [PollFd::new(&self.0.as_fd(), PollFlags::OUT)], None).unwrap();
    }
}
