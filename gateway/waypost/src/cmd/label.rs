//! `waypost label`: a label, or a sheet of commands, as a picture for any printer.

use std::{path::PathBuf, process::ExitCode};

use clap::{Subcommand, ValueEnum, builder::RangedU64ValueParser};
use waypost_core::{
    code::gs1::{Fault, Sscc},
    fact::SiteKind,
};
use waypost_edge::{
    panel::Language,
    print::{self, ConsignmentLabel, Document, Media, PrintError, Sheet, TestPage},
};

/// Arguments of `waypost label`.
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(subcommand)]
    what: What,

    /// Where to write the picture
    #[arg(long, value_name = "FILE", global = true, default_value = "label.png")]
    png: PathBuf,

    /// Dots an inch, 150 to 600
    #[arg(long, global = true, default_value_t = 203, value_parser = RangedU64ValueParser::<u32>::new().range(150..=600))]
    dpi: u32,

    /// Width that is printed on
    #[arg(long, value_name = "MM", global = true, default_value_t = 100, value_parser = RangedU64ValueParser::<u32>::new().range(20..=210))]
    width_mm: u32,

    /// Height of a label
    #[arg(long, value_name = "MM", global = true, default_value_t = 60, value_parser = RangedU64ValueParser::<u32>::new().range(20..=300))]
    height_mm: u32,

    /// `en` or `zh-HK`
    #[arg(long, global = true, default_value = "en")]
    lang: String,
}

const HELP: &str = "\
The picture has the printer's own dots: print it at that resolution and do not scale it, or its codes may not scan.

Examples:
  waypost label consignment 376104250021234569 --from \"Kwai Chung testing centre\" --to \"Laboratory 1\" --boxes 3
  waypost label commands post-office --lang zh-HK --width-mm 72 --png commands.png
  waypost label test --dpi 300

Exit status: 0 if the picture is written, 1 if it does not fit on the paper or cannot be written, 2 if the arguments are wrong.";

#[derive(Subcommand)]
enum What {
    /// A consignment's label: its SSCC as GS1-128
    Consignment {
        /// The 18 digits of AI 00, or 17: the check digit is added then
        sscc: String,
        /// Who sends it
        #[arg(long)]
        from: String,
        /// Who gets it
        #[arg(long)]
        to: String,
        /// Boxes in it
        #[arg(long, default_value_t = 1)]
        boxes: u32,
    },
    /// The commands of a kind of site as QR codes, on paper from a roll
    Commands {
        /// The kind of site
        site: Site,
    },
    /// A test page, on paper from a roll
    Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Site {
    TestingCentre,
    PostOffice,
    Vehicle,
    Laboratory,
    Warehouse,
}

#[derive(Debug, thiserror::Error)]
enum LabelError {
    #[error("this is no SSCC: {0}; write 17 digits, or 18 with a right check digit")]
    Sscc(Fault),
    #[error("no language is called {0:?}: write en or zh-HK")]
    Language(String),
    #[error(transparent)]
    Print(#[from] PrintError),
    #[error("the picture cannot be encoded")]
    Encode(#[source] Box<dyn std::error::Error>),
    #[error("{0} cannot be written")]
    Write(PathBuf, #[source] std::io::Error),
}

/// Runs it.
pub fn run(args: &Args) -> ExitCode {
    match write(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&error);
            ExitCode::from(if matches!(error, LabelError::Sscc(_) | LabelError::Language(_)) { 2 } else { 1 })
        }
    }
}

fn write(args: &Args) -> Result<(), LabelError> {
    let unknown = || LabelError::Language(args.lang.clone());
    let language = Language::from_tag(&args.lang).ok_or_else(unknown)?;
    let (document, is_label) = match &args.what {
        What::Consignment { sscc, from, to, boxes } => {
            let sscc = match sscc.len() {
                17 => Sscc::with_check_digit(sscc),
                _ => sscc.parse(),
            };
            let sscc = sscc.map_err(LabelError::Sscc)?;
            let label = ConsignmentLabel { sscc, from: from.clone(), to: to.clone(), boxes: *boxes };
            (Document::Consignment(label), true)
        }
        What::Commands { site } => (Document::Commands(print::work_commands(site.kind())), false),
        What::Test => {
            let page = TestPage { printer: args.png.display().to_string(), dpi: args.dpi };
            (Document::Test(page), false)
        }
    };
    let media = Media::of_mm(args.dpi, args.width_mm, is_label.then_some(args.height_mm));
    let picture = print::draw(&Sheet { document, reprint: 0 }, media, language)?;
    let file = print::png(&picture).map_err(|error| LabelError::Encode(Box::new(error)))?;
    std::fs::write(&args.png, file).map_err(|error| LabelError::Write(args.png.clone(), error))
}

impl Site {
    fn kind(self) -> SiteKind {
        match self {
            Self::TestingCentre => SiteKind::TestingCentre,
            Self::PostOffice => SiteKind::PostOffice,
            Self::Vehicle => SiteKind::Vehicle,
            Self::Laboratory => SiteKind::Laboratory,
            Self::Warehouse => SiteKind::Warehouse,
        }
    }
}
