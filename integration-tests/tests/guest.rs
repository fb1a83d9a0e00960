//! Devices at a real kernel, in an emulated guest: see `integration-tests/guest/README.md`. The guest is started once; each
//! test is one thing that it showed.

#![allow(clippy::print_stdout, reason = "a test says what was skipped")]

use std::path::Path;

use waypost_integration_tests::guest;

fn show(scenario: &str) {
    let player = Path::new(env!("CARGO_BIN_EXE_guest-player"));
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest");
    if let Some(shown) = guest::shown(player, &dir) {
        shown.assert(scenario);
    }
}

#[test]
fn a_keyboard_scanner_is_grabbed_and_comes_back_after_it_was_unplugged() {
    show("keyboard");
}

#[test]
fn a_point_of_sale_scanner_is_taken_from_the_kernels_driver_and_handed_back() {
    show("hid_pos");
}

#[test]
fn seals_are_heard_through_the_kernels_socket_and_a_silent_or_lost_radio_comes_back() {
    show("radio");
}

#[test]
fn a_serial_scanner_that_is_unplugged_in_the_middle_of_a_code_comes_back_under_its_name() {
    show("serial");
}

#[test]
fn a_usb_printer_is_taken_from_the_kernels_driver_and_says_that_its_paper_is_out() {
    show("printer");
}

#[test]
fn the_panel_is_seen_on_the_kernels_framebuffer_dot_by_dot() {
    show("screen");
}
