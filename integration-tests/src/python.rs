//! Python with the libraries that tests use as peers. `integration-tests/run` makes it; `WAYPOST_PYTHON` names it.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

/// An interpreter that has this module, or why there is none. With `CI=true` there must be one.
pub fn with(module: &str) -> Result<PathBuf, String> {
    let python = env::var_os("WAYPOST_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let mut import = Command::new(&python);
    import.args(["-c", &format!("import {module}")]).stdout(Stdio::null()).stderr(Stdio::null());
    if import.status().is_ok_and(|status| status.success()) {
        return Ok(python);
    }
    let why = format!("{} has no module {module}", python.display());
    assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
    Err(why)
}
