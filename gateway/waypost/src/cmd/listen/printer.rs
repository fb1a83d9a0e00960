//! A printer: one test page, and how it went.

use std::io;

use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};
use waypost_drivers::printer::{Job, Printer, PrinterEvent, Trouble};
use waypost_edge::{
    config::PrinterSettings,
    panel::Language,
    print::{self, Document, Sheet, TestPage},
};

use super::{Line, Teller};

/// News that may wait.
const EVENTS_MAX: usize = 16;
/// The only job.
const TEST_PAGE: u64 = 1;

/// Starts it, with a test page to print where `page` says so.
///
/// # Errors
/// The system has no thread to give, or the paper is too small for a page.
pub fn start(
    config: &PrinterSettings,
    page: bool,
    teller: Teller,
    tasks: &mut JoinSet<()>,
) -> io::Result<()> {
    let (out, mut events) = mpsc::channel(EVENTS_MAX);
    let printer = Printer::start(config.driver.clone(), out)?;
    if page {
        let test = TestPage { printer: config.name.clone(), dpi: config.media.dpi };
        let sheet = Sheet { document: Document::Test(test), reprint: 0 };
        let picture = print::draw(&sheet, config.media, Language::default()).map_err(io::Error::other)?;
        printer.print(Job { id: TEST_PAGE, picture }).map_err(io::Error::other)?;
    }
    tasks.spawn(async move {
        // The printer's thread ends with it.
        let _printer = printer;
        while let Some(event) = events.recv().await {
            if !teller.say(line(event)).await {
                return;
            }
        }
    });
    Ok(())
}

fn line(event: PrinterEvent) -> Line {
    let about = |words: &str, printed| Line {
        words: words.to_owned(),
        json: json!({ "page": if printed { "printed" } else { "not printed" } }),
        works: printed,
    };
    match event {
        PrinterEvent::Up => Line::up(),
        PrinterEvent::Down(reason) => Line::down(&reason),
        PrinterEvent::Trouble(trouble) => Line {
            words: trouble.map_or("ready", words).to_owned(),
            json: json!({ "trouble": trouble }),
            works: false,
        },
        PrinterEvent::Printed(_) => about("the test page is printed: do its codes scan?", true),
        PrinterEvent::Unsure(_) => {
            about("a part of the test page may have come out: look, and try again", false)
        }
        PrinterEvent::Dropped(_) => about("the test page waited too long and is not printed", false),
    }
}

fn words(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::PaperOut => "the paper is used up: put some in",
        Trouble::CoverOpen => "the cover or the head is open: close it",
        Trouble::RibbonOut => "the ribbon is used up: put one in",
        Trouble::Cutter => "the cutter is stuck: open it and take the paper out",
        Trouble::Temperature => "the head is too hot or too cold: that passes",
        Trouble::Paused => "it is paused: press its key",
        Trouble::Busy => "it takes no more data, and does not say why",
        Trouble::Error => "it has an error that it does not name: look at its lights",
        Trouble::PaperLow => "the paper will be used up soon",
    }
}
