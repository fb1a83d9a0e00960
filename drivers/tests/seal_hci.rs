//! Host and controller: packets on a serial line, answers, reports, and the conversation that keeps a scan alive.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use waypost_drivers::seal::Address;
use waypost_drivers::seal::h4::{Deframer, PACKET_MAX};
use waypost_drivers::seal::hci::{Command, ControllerError, Event, Opcode, Report, Rest, ScanKind};
use waypost_drivers::seal::scan::{
    ANSWER_TIMEOUT, Action, Mending, QUIET_MAX, REOPEN_AFTER, RETRY_MIN, Scan,
};

const SILENT: Duration = Duration::from_secs(10);
const ADDRESS: Address = Address([0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5]);

fn legacy(data: &[u8], rssi: i8) -> Vec<u8> {
    let one = one_legacy(data, rssi);
    [&[0x04, 0x3E, one.len() as u8 + 2, 0x02, 1], one.as_slice()].concat()
}

fn one_legacy(data: &[u8], rssi: i8) -> Vec<u8> {
    [&[0x03, 0x01], ADDRESS.to_air().as_slice(), &[data.len() as u8], data, &[rssi as u8]].concat()
}

fn complete(opcode: Opcode, status: u8) -> Vec<u8> {
    let [low, high] = opcode.0.to_le_bytes();
    vec![0x04, 0x0E, 0x04, 0x01, low, high, status]
}

fn heard(data: &[u8], rssi: Option<i8>) -> Event {
    Event::Reports(vec![report(data, rssi)])
}

fn report(data: &[u8], rssi: Option<i8>) -> Report {
    Report { address: ADDRESS, rssi, data: data.to_vec(), set: None, response: false, rest: Rest::Nothing }
}

const LEGACY: ScanKind = ScanKind::Legacy;
const EXTENDED: ScanKind = ScanKind::Extended;

#[test]
fn commands_are_the_bytes_of_the_standard() {
    let table: [(Command, &[u8]); 11] = [
        (Command::Reset, &[0x01, 0x03, 0x0C, 0x00]),
        (Command::SetEventMask, &[0x01, 0x01, 0x0C, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F, 0x00, 0x20]),
        (Command::LeSetEventMask, &[0x01, 0x01, 0x20, 0x08, 0x1F, 0x10, 0, 0, 0, 0, 0, 0]),
        (
            Command::SetScanParameters { kind: LEGACY, active: false },
            &[0x01, 0x0B, 0x20, 0x07, 0x00, 0xA0, 0x00, 0xA0, 0x00, 0x00, 0x00],
        ),
        (Command::SetScanEnable { kind: LEGACY, enable: true }, &[0x01, 0x0C, 0x20, 0x02, 0x01, 0x00]),
        (Command::SetScanEnable { kind: LEGACY, enable: false }, &[0x01, 0x0C, 0x20, 0x02, 0x00, 0x00]),
        (Command::ReadLocalSupportedCommands, &[0x01, 0x02, 0x10, 0x00]),
        (Command::LeReadLocalSupportedFeatures, &[0x01, 0x03, 0x20, 0x00]),
        (
            Command::SetScanParameters { kind: EXTENDED, active: true },
            &[0x01, 0x41, 0x20, 0x08, 0x00, 0x00, 0x01, 0x01, 0xA0, 0x00, 0xA0, 0x00],
        ),
        (
            Command::SetScanEnable { kind: EXTENDED, enable: true },
            &[0x01, 0x42, 0x20, 0x06, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00],
        ),
        (
            Command::SetScanParameters { kind: LEGACY, active: true },
            &[0x01, 0x0B, 0x20, 0x07, 0x01, 0xA0, 0x00, 0xA0, 0x00, 0x00, 0x00],
        ),
    ];
    for (command, bytes) in table {
        assert_eq!(command.packet(), bytes, "{command:?}");
    }
}

#[test]
fn a_report_comes_whole_however_its_bytes_arrive() {
    let packet = legacy(&[2, 1, 6], -60);
    let mut deframer = Deframer::default();
    let events: Vec<Event> = packet.iter().flat_map(|byte| deframer.push(&[*byte])).collect();
    assert_eq!(events, [heard(&[2, 1, 6], Some(-60))]);
    assert_eq!(deframer.push(&[packet.clone(), packet].concat()).len(), 2);
    assert_eq!(deframer.dropped(), 0);
}

#[test]
fn one_event_may_hold_several_reports() {
    let (one, other) = (one_legacy(&[2, 1, 6], -60), one_legacy(&[], 127));
    let body = [&[0x02, 2], one.as_slice(), &other].concat();
    let packet = [&[0x04, 0x3E, body.len() as u8], body.as_slice()].concat();
    let [Event::Reports(reports)] = &Deframer::default().push(&packet)[..] else { panic!() };
    assert_eq!(reports.len(), 2);
    assert_eq!((reports[1].rssi, reports[1].data.len()), (None, 0), "127 is a strength that is not known");
}

#[test]
fn an_extended_report_says_whether_it_is_whole_and_of_which_set() {
    let read = |kind: u8, set: u8| {
        let body = [
            &[0x0D, 1, kind, 0x00, 0x01],
            ADDRESS.to_air().as_slice(),
            &[0x01, 0x00, set, 0x7F, 0xC4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 2, 1, 6],
        ]
        .concat();
        Deframer::default().push(&[&[0x04, 0x3E, body.len() as u8], body.as_slice()].concat())
    };
    let whole = report(&[2, 1, 6], Some(-60));
    assert_eq!(read(0x10, 0xFF), [Event::Reports(vec![whole.clone()])]);
    for (kind, set, wanted) in [
        (0x00, 3, Report { set: Some(3), ..whole.clone() }),
        (0x20, 0, Report { set: Some(0), rest: Rest::Follows, ..whole.clone() }),
        (0x40, 0, Report { set: Some(0), rest: Rest::Lost, ..whole.clone() }),
        (0x08, 0, Report { set: Some(0), response: true, ..whole.clone() }),
    ] {
        assert_eq!(read(kind, set), [Event::Reports(vec![wanted])], "{kind:02x}");
    }
}

#[test]
fn answers_say_which_command_and_how_it_went() {
    let read = |bytes: &[u8]| Deframer::default().push(bytes);
    let answer = |result| [Event::Answer { opcode: Opcode::RESET, result }];
    assert_eq!(read(&complete(Opcode::RESET, 0)), answer(Ok(vec![])));
    assert_eq!(read(&[0x04, 0x0E, 0x06, 0x01, 0x03, 0x0C, 0x00, 0xAB, 0xCD]), answer(Ok(vec![0xAB, 0xCD])));
    let disallowed = ControllerError { code: 0x0C };
    assert_eq!(read(&complete(Opcode::RESET, 0x0C)), answer(Err(disallowed)));
    assert_eq!(read(&[0x04, 0x0F, 0x04, 0x0C, 0x01, 0x03, 0x0C]), answer(Err(disallowed)));
    assert_eq!(disallowed.to_string(), "Command Disallowed (0x0C)");
    assert_eq!(read(&[0x04, 0x10, 0x01, 0x42]), [Event::HardwareError(0x42)]);
    assert_eq!(read(&[0x04, 0xFF, 0x01, 0x42]), [Event::Other(0xFF)]);
}

#[test]
fn a_head_without_its_packet_costs_at_most_one_packets_length() {
    let mut deframer = Deframer::default();
    assert_eq!(deframer.push(&[0x04, 0x3E, 0xFF, 0x02]), []);
    let packet = legacy(&[2, 1, 6], -60);
    let count = PACKET_MAX / packet.len() + 1;
    let events: Vec<Event> = (0..count).flat_map(|_| deframer.push(&packet)).collect();
    assert_eq!(events.len(), count, "nothing was lost, only late");
}

proptest! {
    #[test]
    fn behind_any_garbage_reports_are_read_again(garbage in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut deframer = Deframer::default();
        deframer.push(&garbage);
        let packet = legacy(&[2, 1, 6], -60);
        let wanted = heard(&[2, 1, 6], Some(-60));
        let count = 2 * PACKET_MAX / packet.len();
        let events: Vec<Event> = (0..count).flat_map(|_| deframer.push(&packet)).collect();
        prop_assert_eq!(events.last(), Some(&wanted));
    }

    #[test]
    fn any_bytes_in_any_pieces_give_the_same_events(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(4), Just(0x3E), Just(2)], 0..600), cut in 1_usize..50) {
        let whole = Deframer::default().push(&bytes);
        let mut deframer = Deframer::default();
        let pieces: Vec<Event> = bytes.chunks(cut).flat_map(|piece| deframer.push(piece)).collect();
        prop_assert_eq!(whole, pieces);
    }
}

#[test]
fn what_no_controller_sends_is_dropped_byte_by_byte_and_what_follows_is_read() {
    for impossible in [
        // A report without a count, with none, with too many, too short for its data, with too much.
        &[0x04, 0x3E, 0x01, 0x02][..],
        &[0x04, 0x3E, 0x02, 0x02, 0x00],
        &[0x04, 0x3E, 0x02, 0x02, 0x1A],
        &[0x04, 0x3E, 0x0C, 0x02, 0x01, 0, 0, 1, 2, 3, 4, 5, 6, 31, 0xC4],
        &[0x04, 0x3E, 0x0D, 0x02, 0x01, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0xC4, 0xC4],
        // A legacy report of a type, and with a length, that do not exist.
        &[0x04, 0x3E, 0x0C, 0x02, 0x01, 5, 0, 1, 2, 3, 4, 5, 6, 0, 0xC4],
        // An extended one that ends within its head; an answer without an opcode; a code that does not exist.
        &[0x04, 0x3E, 0x05, 0x0D, 0x01, 0, 0, 0],
        &[0x04, 0x0E, 0x02, 0x01, 0x03],
        &[0x04, 0x0F, 0x05, 0, 1, 3, 0x0C, 0],
        &[0x04, 0x10, 0x00],
        &[0x04, 0x00, 0x00],
        &[0x04, 0x62, 0x00],
        &[0x02, 0x55],
    ] {
        let mut deframer = Deframer::default();
        let packet = legacy(&[2, 1, 6], -60);
        let mut events = deframer.push(&[impossible, packet.as_slice()].concat());
        for _ in 0..2 * PACKET_MAX / packet.len() {
            events.extend(deframer.push(&packet));
        }
        assert!(deframer.dropped() > 0, "{impossible:02x?}");
        assert_eq!(events.last(), Some(&heard(&[2, 1, 6], Some(-60))), "{impossible:02x?}");
    }
}

#[test]
fn a_flood_of_noise_costs_no_more_memory_than_a_packet_and_a_chunk() {
    let mut deframer = Deframer::default();
    // A pseudo-random sequence (xorshift), so that a failure comes again.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut noise = [0; 4096];
    for _ in 0..2_000 {
        for byte in &mut noise {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state as u8;
        }
        deframer.push(&noise);
        assert!(deframer.pending() < PACKET_MAX, "{}", deframer.pending());
    }
    let packet = legacy(&[2, 1, 6], -60);
    let count = 2 * PACKET_MAX / packet.len();
    let events: Vec<Event> = (0..count).flat_map(|_| deframer.push(&packet)).collect();
    assert_eq!(events.last(), Some(&heard(&[2, 1, 6], Some(-60))));
}

/// A controller in the test's hands: what it says of itself, and what it refuses.
#[derive(Default)]
struct Controller {
    features: Vec<u8>,
    commands: Vec<u8>,
    refused: Vec<(Opcode, u8)>,
}

impl Controller {
    fn extended() -> Self {
        Self { features: vec![0, 1 << 4, 0, 0, 0, 0, 0, 0], ..Self::default() }
    }

    fn answer(&self, opcode: Opcode) -> Event {
        let refused = self.refused.iter().find(|(refused, _)| *refused == opcode);
        let result = match (refused, opcode) {
            (Some((_, code)), _) => Err(ControllerError { code: *code }),
            (None, Opcode::LE_READ_LOCAL_SUPPORTED_FEATURES) => Ok(self.features.clone()),
            (None, Opcode::READ_LOCAL_SUPPORTED_COMMANDS) => Ok(self.commands.clone()),
            (None, _) => Ok(vec![]),
        };
        Event::Answer { opcode, result }
    }

    /// Answers each command as it is sent, until the scan is up or fails: the commands, and what was said at the end.
    fn run(&self, scan: &mut Scan, mut actions: Vec<Action>, now: Instant) -> (Vec<Opcode>, Vec<Action>) {
        let mut sent = Vec::new();
        loop {
            let Some(Action::Send(command)) = actions.last().cloned() else { return (sent, actions) };
            sent.push(command.opcode());
            actions = scan.event(&self.answer(command.opcode()), now);
        }
    }
}

const ASK: [Opcode; 2] = [Opcode::READ_LOCAL_SUPPORTED_COMMANDS, Opcode::LE_READ_LOCAL_SUPPORTED_FEATURES];
const MASKS: [Opcode; 2] = [Opcode::SET_EVENT_MASK, Opcode::LE_SET_EVENT_MASK];
const SCAN: [Opcode; 2] = [Opcode::LE_SET_SCAN_PARAMETERS, Opcode::LE_SET_SCAN_ENABLE];
const EXTENDED_SCAN: [Opcode; 2] =
    [Opcode::LE_SET_EXTENDED_SCAN_PARAMETERS, Opcode::LE_SET_EXTENDED_SCAN_ENABLE];

fn start_with(scan: [Opcode; 2]) -> Vec<Opcode> {
    [&[Opcode::RESET][..], &ASK, &MASKS, &restart_with(scan)].concat()
}

fn restart_with([parameters, enable]: [Opcode; 2]) -> Vec<Opcode> {
    vec![enable, parameters, enable]
}

#[test]
fn a_controller_with_extended_advertising_is_asked_with_the_extended_commands_and_others_are_not() {
    let mut commands = vec![0; 64];
    commands[37] = 0x60;
    for (controller, scan_commands) in [
        (Controller::default(), SCAN),
        (Controller::extended(), EXTENDED_SCAN),
        (Controller { commands, ..Controller::default() }, EXTENDED_SCAN),
        (Controller { features: vec![0xFF], commands: vec![0xFF; 3], ..Controller::default() }, SCAN),
    ] {
        let now = Instant::now();
        let mut scan = Scan::new(false, SILENT);
        let actions = scan.line_up(false, now);
        assert_eq!(controller.run(&mut scan, actions, now), (start_with(scan_commands), vec![Action::Up]));
        assert!(scan.is_listening());
    }
}

#[test]
fn a_controller_that_knows_only_the_other_sort_is_asked_with_that_one() {
    let [parameters, enable] = EXTENDED_SCAN;
    let only_extended =
        Controller { refused: SCAN.map(|opcode| (opcode, 0x01)).to_vec(), ..Controller::default() };
    let now = Instant::now();
    let mut scan = Scan::new(false, SILENT);
    let actions = scan.line_up(false, now);
    let (sent, end) = only_extended.run(&mut scan, actions, now);
    assert_eq!(end, [Action::Up]);
    assert_eq!(sent[6..], [Opcode::LE_SET_SCAN_PARAMETERS, parameters, enable]);
    // Known from then on.
    let actions = scan.elapsed(now + SILENT);
    assert_eq!(only_extended.run(&mut scan, actions, now + SILENT).0, restart_with(EXTENDED_SCAN));

    let neither = Controller {
        refused: [SCAN, EXTENDED_SCAN].concat().into_iter().map(|opcode| (opcode, 0x01)).collect(),
        ..Controller::extended()
    };
    let mut scan = Scan::new(false, SILENT);
    let actions = scan.line_up(false, now);
    let (_, end) = neither.run(&mut scan, actions, now);
    assert_eq!(end, [Action::Down("LE Set Scan Parameters: Unknown HCI Command (0x01)".to_owned())]);
}

#[test]
fn a_shared_controller_is_never_reset_and_its_masks_are_left_alone() {
    let now = Instant::now();
    let controller = Controller::extended();
    let mut scan = Scan::new(false, SILENT);
    let actions = scan.line_up(true, now);
    let (sent, end) = controller.run(&mut scan, actions, now);
    assert_eq!(sent, [ASK.to_vec(), restart_with(EXTENDED_SCAN)].concat());
    assert_eq!(end, [Action::Up]);
    let actions = scan.elapsed(now + SILENT);
    assert_eq!(actions.first(), Some(&Action::Mend(Mending::RestartScan)));
    assert_eq!(controller.run(&mut scan, actions, now + SILENT).0, restart_with(EXTENDED_SCAN));
    assert_eq!(scan.elapsed(now + SILENT * 2), [Action::Mend(Mending::ReopenLine), Action::Reopen]);
    // Another program has used the other sort since the controller's reset.
    let legacy_in_use = Controller { refused: vec![(EXTENDED_SCAN[0], 0x0C)], ..Controller::extended() };
    let actions = scan.line_up(true, now);
    let (sent, end) = legacy_in_use.run(&mut scan, actions, now);
    assert_eq!((sent.last(), end.as_slice()), (Some(&SCAN[1]), &[][..]), "up already, by what was told");
}

#[test]
fn a_silent_scan_is_restarted_then_the_controller_is_reset_then_the_line_is_opened_anew_without_a_failure() {
    let mut now = Instant::now();
    let controller = Controller::default();
    let mut scan = Scan::new(false, SILENT);
    let actions = scan.line_up(false, now);
    controller.run(&mut scan, actions, now);
    let mut silence = SILENT;
    for _ in 0..12 {
        for (step, commands) in
            [(Mending::RestartScan, restart_with(SCAN)), (Mending::ResetController, start_with(SCAN))]
        {
            assert_eq!(scan.elapsed(now + silence / 2), []);
            now += silence;
            let actions = scan.elapsed(now);
            assert_eq!(actions.first(), Some(&Action::Mend(step)));
            assert_eq!(controller.run(&mut scan, actions, now), (commands, vec![]));
        }
        now += silence;
        assert_eq!(scan.elapsed(now), [Action::Mend(Mending::ReopenLine), Action::Reopen]);
        assert_eq!(scan.deadline(), None, "until the line is back");
        let actions = scan.line_up(false, now);
        assert_eq!(controller.run(&mut scan, actions, now), (start_with(SCAN), vec![]));
        silence = (silence * 2).min(QUIET_MAX);
    }
    assert_eq!(scan.deadline(), Some(now + QUIET_MAX), "a quiet place costs little");
    scan.event(&heard(&[], None), now + SILENT / 2);
    assert_eq!(scan.deadline(), Some(now + SILENT / 2 + SILENT), "a report shows that the scan lives");
    let actions = scan.elapsed(now + SILENT * 2);
    assert_eq!(actions.first(), Some(&Action::Mend(Mending::RestartScan)), "from the beginning again");
}

#[test]
fn a_controller_that_does_not_answer_is_down_once_and_tried_again_with_longer_pauses() {
    let mut now = Instant::now();
    let mut scan = Scan::new(false, SILENT);
    assert_eq!(scan.line_up(false, now), [Action::Send(Command::Reset)]);
    now += ANSWER_TIMEOUT;
    assert_eq!(scan.elapsed(now), [Action::Down("the radio does not answer Reset".to_owned())]);
    let mut pause = RETRY_MIN;
    let mut reopened = 0;
    for failures in 1..20 {
        assert_eq!(scan.deadline(), Some(now + pause));
        now += pause;
        let mut actions = scan.elapsed(now);
        if actions.last() == Some(&Action::Reopen) {
            assert_eq!(actions, [Action::Mend(Mending::ReopenLine), Action::Reopen]);
            reopened += 1;
            actions = scan.line_up(false, now);
        }
        assert_eq!(actions, [Action::Send(Command::Reset)], "{failures}");
        now += ANSWER_TIMEOUT;
        assert_eq!(scan.elapsed(now), [], "the same reason is not said again");
        pause = (pause * 2).min(Duration::from_secs(15));
    }
    assert!((19 / (REOPEN_AFTER + 1)..=19 / 2).contains(&reopened), "{reopened}");
}

#[test]
fn a_controller_that_resets_itself_is_told_and_set_up_anew() {
    let now = Instant::now();
    let controller = Controller::default();
    let mut scan = Scan::new(false, SILENT);
    let actions = scan.line_up(false, now);
    controller.run(&mut scan, actions, now);
    let failed = scan.event(&Event::HardwareError(0x42), now);
    assert_eq!(failed, [Action::Down("the radio's hardware failed (0x42)".to_owned())]);
    assert_eq!(scan.event(&Event::HardwareError(0x42), now), [], "several at once are one");
    let actions = scan.elapsed(now + RETRY_MIN);
    assert_eq!(controller.run(&mut scan, actions, now + RETRY_MIN), (start_with(SCAN), vec![Action::Up]));
}

#[test]
fn a_controller_that_refuses_is_named_with_the_command_and_the_error() {
    let now = Instant::now();
    for (opcode, code, said) in [
        (Opcode::RESET, 0x03, "Reset: Hardware Failure (0x03)"),
        (Opcode::SET_EVENT_MASK, 0x12, "Set Event Mask: Invalid HCI Command Parameters (0x12)"),
        (Opcode::LE_SET_SCAN_PARAMETERS, 0x0C, "LE Set Scan Parameters: Command Disallowed (0x0C)"),
        (Opcode::LE_SET_SCAN_ENABLE, 0x0C, "LE Set Scan Enable: Command Disallowed (0x0C)"),
    ] {
        let mut scan = Scan::new(false, SILENT);
        let actions = scan.line_up(false, now);
        let controller = Controller { refused: vec![(opcode, code)], ..Controller::default() };
        let (_, end) = controller.run(&mut scan, actions, now);
        assert_eq!(end, [Action::Down(said.to_owned())]);
        assert!(!scan.is_listening());
    }
}

#[test]
fn an_old_controller_may_refuse_to_say_what_it_can_do_and_the_le_event_mask() {
    let now = Instant::now();
    let refused = [ASK, [Opcode::LE_SET_EVENT_MASK; 2]].concat().into_iter().map(|opcode| (opcode, 0x12));
    let controller = Controller { refused: refused.collect(), ..Controller::default() };
    let mut scan = Scan::new(false, SILENT);
    let actions = scan.line_up(false, now);
    assert_eq!(controller.run(&mut scan, actions, now), (start_with(SCAN), vec![Action::Up]));
}

#[test]
fn an_active_scan_asks_for_it_in_both_sorts() {
    let now = Instant::now();
    for (controller, kind) in [(Controller::default(), LEGACY), (Controller::extended(), EXTENDED)] {
        let mut scan = Scan::new(true, SILENT);
        let mut actions = scan.line_up(false, now);
        let wanted = Command::SetScanParameters { kind, active: true };
        loop {
            let [Action::Send(command)] = actions[..] else { panic!("{actions:?}") };
            if command == wanted {
                break;
            }
            actions = scan.event(&controller.answer(command.opcode()), now);
        }
    }
}

#[test]
fn an_answer_to_another_command_is_not_taken_for_the_one_that_is_waited_for() {
    let now = Instant::now();
    let mut scan = Scan::new(false, SILENT);
    scan.line_up(false, now);
    let other = Event::Answer { opcode: Opcode::LE_SET_SCAN_ENABLE, result: Ok(vec![]) };
    assert_eq!(scan.event(&other, now), []);
    assert_eq!(scan.event(&heard(&[], None), now), []);
    assert!(!scan.is_listening());
}
