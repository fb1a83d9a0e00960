//! A gateway or the hub as a process of its own, from this very binary.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long a process may take until it says where it listens.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a process may take to stop when it is asked to.
const STOP_TIME_MAX: Duration = Duration::from_secs(10);

/// Why a process does not run.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started, or its files not be written.
    #[error("{name} cannot be started")]
    Start {
        /// Which.
        name: String,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// It ended, or did not say where it listens.
    #[error("{name} did not come up; its log is {log}")]
    NotUp {
        /// Which.
        name: String,
        /// Where it logs.
        log: PathBuf,
    },
}

/// A process that runs.
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `waypost` with these arguments and waits until it prints the address of its pages.
    pub async fn start(name: &str, args: &[&str], log: &Path) -> Result<(Self, SocketAddr), ProcessError> {
        let failed = |source| ProcessError::Start { name: name.to_owned(), source };
        let errors = File::options().create(true).append(true).open(log).map_err(failed)?;
        let mut child = Command::new(std::env::current_exe().map_err(failed)?)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let lines = child.stdout.take().map(|out| BufReader::new(out).lines());
        let process = Self { name: name.to_owned(), child };
        let address = match lines {
            Some(lines) => timeout(START_TIME_MAX, address(lines)).await.ok().flatten(),
            None => None,
        };
        let not_up = || ProcessError::NotUp { name: name.to_owned(), log: log.to_owned() };
        Ok((process, address.ok_or_else(not_up)?))
    }

    /// Kills it without a word (SIGKILL), as a pulled plug does.
    pub async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(name = self.name, %error, "cannot be killed");
        }
    }

    /// Asks it to stop (SIGTERM) and waits; kills it if it does not.
    pub async fn stop(mut self) {
        if let Some(id) = self.child.id() {
            let asked = Command::new("kill").arg(id.to_string()).status().await;
            if asked.is_ok_and(|status| status.success())
                && timeout(STOP_TIME_MAX, self.child.wait()).await.is_ok()
            {
                return;
            }
        }
        self.kill().await;
    }
}

/// The address in the first line that has one. What is printed after it is read and dropped, so that the pipe never
/// fills.
async fn address(mut lines: Lines<BufReader<ChildStdout>>) -> Option<SocketAddr> {
    while let Ok(Some(line)) = lines.next_line().await {
        let Some((_, rest)) = line.split_once("http://") else { continue };
        let end =
            rest.find(|character: char| !matches!(character, '0'..='9' | '.' | ':')).unwrap_or(rest.len());
        if let Some(address) = rest.get(..end).and_then(|text| text.parse().ok()) {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some(address);
        }
    }
    None
}
