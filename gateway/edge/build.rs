//! Every character of the panel's texts has a glyph in the screens' font, or there is no build. And the day of the build
//! is told, as a floor under the clock.

#![allow(clippy::print_stdout, reason = "cargo reads a build script there")]

use std::{
    collections::BTreeSet,
    env, fs, io,
    path::Path,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// The glyphs, made by `fonts/make`.
const FONT: &str = "fonts/panel.hex";
/// The texts.
const LOCALES: &str = "locales";

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed={FONT}");
    println!("cargo:rerun-if-changed={LOCALES}");
    tell_day();
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    match missing(Path::new(&folder)) {
        Ok(missing) if missing.is_empty() => ExitCode::SUCCESS,
        Ok(missing) => {
            let named: Vec<String> =
                missing.iter().map(|one| format!("{one} (U+{:04X})", u32::from(*one))).collect();
            println!(
                "cargo::error=the screens' font {FONT} lacks {}: run gateway/edge/fonts/make, which needs Debian's package unifont",
                named.join(", ")
            );
            ExitCode::FAILURE
        }
        Err(why) => {
            println!("cargo::error=the screens' font {FONT} cannot be compared with {LOCALES}: {why}");
            ExitCode::FAILURE
        }
    }
}

/// `SOURCE_DATE_EPOCH` where it is set, so that a build can be repeated, else now; cut to the day where it is read.
fn tell_day() {
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let given = env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.trim().parse().ok());
    println!("cargo:rustc-env=WAYPOST_BUILD_S={}", given.unwrap_or_else(now_s));
}

#[allow(clippy::disallowed_methods, reason = "a build has no other clock")]
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400 * 86_400)
}

fn missing(folder: &Path) -> io::Result<BTreeSet<char>> {
    let font = fs::read_to_string(folder.join(FONT))?;
    let codes = font.lines().filter_map(|line| line.split_once(':'));
    let known: BTreeSet<char> =
        codes.filter_map(|(code, _)| char::from_u32(u32::from_str_radix(code, 16).ok()?)).collect();
    let mut used: BTreeSet<char> = (' '..='~').collect();
    for language in fs::read_dir(folder.join(LOCALES))? {
        for file in fs::read_dir(language?.path())? {
            let path = file?.path();
            println!("cargo:rerun-if-changed={}", path.display());
            used.extend(fs::read_to_string(path)?.chars().filter(|one| !one.is_control()));
        }
    }
    Ok(&used - &known)
}
