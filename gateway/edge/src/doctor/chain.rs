//! Do the records still fit their links?

use super::{Check, Finding, Patient, causes, reader};
use crate::journal::{Verified, verify, verify_tail};

pub struct Chain;

impl Check for Chain {
    fn id(&self) -> &'static str {
        "chain"
    }

    fn description(&self) -> &'static str {
        "records fit their links"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let reader = match reader(patient) {
            Ok(reader) => reader,
            Err(finding) => return finding,
        };
        if !patient.full {
            return match verify_tail(&reader) {
                Ok((last, _)) => {
                    Finding::ok(format!("the end fits, up to record {last}; --full looks at all of it"))
                }
                Err(error) => bad(&causes(&error), patient),
            };
        }
        match verify(&reader, |_, _| ()) {
            Ok(found) if found.is_whole() => {
                let from = found.after + 1;
                Finding::ok(format!("records {from} to {} fit, and every row of the ledger", found.last))
            }
            Ok(found) => bad(&words(&found), patient),
            Err(error) => bad(&causes(&error), patient),
        }
    }
}

fn words(found: &Verified) -> String {
    let mut words = Vec::new();
    words.extend(found.bad.as_ref().map(|bad| format!("record {}: {}", bad.seq, bad.why)));
    if !found.bad_rows.is_empty() {
        words.push(format!("{} row(s) of the ledger are not as they were written", found.bad_rows.len()));
    }
    words.join("; ")
}

fn bad(why: &str, patient: &Patient) -> Finding {
    let data = patient.config.as_ref().map(|config| config.data.display().to_string()).unwrap_or_default();
    Finding::failure(why.to_owned(), format!("stop the gateway and run `waypost journal salvage {data}`"))
}
