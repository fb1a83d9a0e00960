//! One connection to a printer: how it is, and one job after the other.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    Bitmap, Dialect, bitmap,
    escpos::{self, Inbox},
    link::Link,
    status::{Status, Trouble, of_usb_port},
    zpl,
};

/// Longest time for an answer about the status.
const ANSWER_MAX: Duration = Duration::from_millis(1_500);
/// How long one try to send may take.
const SEND_STEP: Duration = Duration::from_millis(500);
/// A printer that takes nothing for this long is told as busy.
const STALL: Duration = Duration::from_secs(3);
/// How often a printer is asked while it prints.
const LOOK: Duration = Duration::from_millis(200);
/// Unanswered questions in a row after which a printer that spoke before is given up.
const SILENT_MAX: u32 = 4;
/// A label printer is done when it says so this often in a row: the first word may come before it read the label.
const IDLE_TIMES: u32 = 2;

/// What a printer can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// It answers questions.
    Speaks,
    /// Only its USB port tells something.
    PortOnly,
    /// Nothing, by configuration.
    Mute,
}

/// How a job ended.
#[derive(Debug)]
pub enum End {
    /// It is printed, as far as the printer can say.
    Printed,
    /// None of it can have come out: it may be sent again.
    Untouched(String),
    /// Some of it may have come out.
    Unsure(String),
}

/// What happens beside a job.
pub struct Beside<'a> {
    /// News of the printer's state.
    pub tell: &'a mut dyn FnMut(Option<Trouble>),
    /// Waits; false when it is time to stop.
    pub pause: &'a dyn Fn(Duration) -> bool,
    /// Until then the printer may take its time.
    pub until: Instant,
}

/// A connection.
pub struct Session {
    link: Box<dyn Link>,
    dialect: Dialect,
    voice: Voice,
    inbox: Inbox,
    silent: u32,
}

impl Session {
    /// Begins on an open link. After a connection that broke in the middle of a job, `recover` clears what is left of it.
    ///
    /// # Errors
    /// The link is broken, or a printer that should answer does not.
    pub fn begin(link: Box<dyn Link>, dialect: Dialect, answers: bool, recover: bool) -> io::Result<Self> {
        let mut session = Self { link, dialect, voice: Voice::Speaks, inbox: Inbox::default(), silent: 0 };
        if recover {
            let bytes = match dialect {
                Dialect::Zpl => zpl::FORGET.to_vec(),
                Dialect::EscPos => escpos::recovery(bitmap::WIDTH_MAX.div_ceil(8) as usize),
            };
            session.send(&bytes, Instant::now() + STALL)?;
        }
        if !answers {
            session.voice = Voice::Mute;
        } else if session.ask()?.is_none() {
            if session.link.port_status()?.is_none() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the printer does not answer"));
            }
            session.voice = Voice::PortOnly;
        }
        Ok(session)
    }

    /// How the printer is. One that says nothing is taken to be well.
    ///
    /// # Errors
    /// The link is broken, or the printer has stopped answering.
    pub fn status(&mut self) -> io::Result<Status> {
        match self.voice {
            Voice::Mute => Ok(Status::default()),
            Voice::PortOnly => Ok(self.link.port_status()?.map(of_usb_port).unwrap_or_default()),
            Voice::Speaks => loop {
                if let Some(status) = self.ask()? {
                    self.silent = 0;
                    return Ok(status);
                }
                self.silent += 1;
                if self.silent >= SILENT_MAX {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the printer does not answer any more",
                    ));
                }
            },
        }
    }

    /// Prints a picture.
    pub fn print(&mut self, picture: &Bitmap, beside: &mut Beside<'_>) -> End {
        match self.dialect {
            Dialect::Zpl => self.print_label(picture, beside),
            Dialect::EscPos => self.print_receipt(picture, beside),
        }
    }

    fn print_label(&mut self, picture: &Bitmap, beside: &mut Beside<'_>) -> End {
        if let Err(broken) = self.send_beside(&zpl::label(picture), beside) {
            return End::Untouched(broken.why);
        }
        // The answer says that the label is there as a whole, and not only on its way.
        if self.voice == Voice::Speaks
            && let Err(error) = self.status()
        {
            return End::Untouched(error.to_string());
        }
        if let Err(broken) = self.send_beside(zpl::END, beside) {
            return if broken.sent > 0 { End::Unsure(broken.why) } else { End::Untouched(broken.why) };
        }
        if self.voice != Voice::Speaks {
            return End::Printed;
        }
        let mut idle = 0;
        loop {
            if !(beside.pause)(LOOK) {
                return End::Unsure("the gateway stops".to_owned());
            }
            let status = match self.status() {
                Ok(status) => status,
                Err(error) => return End::Unsure(error.to_string()),
            };
            (beside.tell)(status.trouble);
            idle = if status.busy { 0 } else { idle + 1 };
            if idle >= IDLE_TIMES {
                return End::Printed;
            }
            if Instant::now() >= beside.until {
                return End::Unsure("it did not finish in time".to_owned());
            }
        }
    }

    fn print_receipt(&mut self, picture: &Bitmap, beside: &mut Beside<'_>) -> End {
        if let Err(broken) = self.send_beside(escpos::RESET, beside) {
            return End::Untouched(broken.why);
        }
        let mut begun = false;
        let ends = std::iter::once(escpos::END.to_vec());
        for mut piece in escpos::strips(picture).into_iter().chain(ends) {
            if self.voice == Voice::Speaks {
                piece.extend_from_slice(escpos::ASK_DONE);
            }
            if let Err(broken) = self.send_beside(&piece, beside) {
                begun |= broken.sent > 0;
                return if begun { End::Unsure(broken.why) } else { End::Untouched(broken.why) };
            }
            begun = true;
            if self.voice == Voice::Speaks
                && let Err(why) = self.wait_done(beside)
            {
                return End::Unsure(why);
            }
        }
        End::Printed
    }

    /// Until the piece that was sent is on paper.
    fn wait_done(&mut self, beside: &mut Beside<'_>) -> Result<(), String> {
        loop {
            if self.inbox.is_done(self.link.as_mut(), LOOK).map_err(|error| error.to_string())? {
                return Ok(());
            }
            let status = self.status().map_err(|error| error.to_string())?;
            (beside.tell)(status.trouble);
            if Instant::now() >= beside.until {
                return Err("it did not finish in time".to_owned());
            }
            if !(beside.pause)(Duration::ZERO) {
                return Err("the gateway stops".to_owned());
            }
        }
    }

    fn ask(&mut self) -> io::Result<Option<Status>> {
        match self.dialect {
            Dialect::Zpl => zpl::ask(self.link.as_mut(), ANSWER_MAX),
            Dialect::EscPos => self.inbox.ask(self.link.as_mut(), ANSWER_MAX),
        }
    }

    /// Sends it all, however long the printer takes, up to the job's time.
    fn send_beside(&mut self, bytes: &[u8], beside: &mut Beside<'_>) -> Result<(), Broken> {
        let mut sent = 0;
        let mut moved = Instant::now();
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            let now = Instant::now();
            if now >= beside.until {
                return Err(Broken { sent, why: "it takes no data".to_owned() });
            }
            match self.link.send(rest, SEND_STEP) {
                Ok(0) if moved.elapsed() > STALL => (beside.tell)(Some(Trouble::Busy)),
                Ok(0) => {}
                Ok(length) => {
                    sent += length;
                    moved = now;
                }
                Err(error) => return Err(Broken { sent, why: error.to_string() }),
            }
            if !(beside.pause)(Duration::ZERO) {
                return Err(Broken { sent, why: "the gateway stops".to_owned() });
            }
        }
        Ok(())
    }

    fn send(&mut self, mut bytes: &[u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the printer takes no data"));
            }
            let sent = self.link.send(bytes, left)?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }
}

/// A job that did not go through whole.
struct Broken {
    sent: usize,
    why: String,
}
