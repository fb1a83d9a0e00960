//! mosquitto's access list: a gateway writes only what it sends and reads only what is for it.

use std::fmt::Write;

use waypost_core::wire::topic::{PREFIX, Up};

use super::authority::HUB_NAME;

/// Makes the list. The broker takes each client's name from its certificate (`use_identity_as_username true`); of
/// revoked gateways it lets nothing through, also on connections that they have already.
pub fn mosquitto<'a>(revoked: impl IntoIterator<Item = &'a str>) -> String {
    let mut list =
        "# Made by `waypost hub acl`. A client's name is its certificate's: use_identity_as_username true.\n\
                    # A topic that no line allows is denied.\n"
            .to_owned();
    // Writing to a string cannot fail.
    let _ = writeln!(list, "\n# The hub.\nuser {HUB_NAME}");
    for up in Up::ALL {
        let _ = writeln!(list, "topic read {}", up.filter());
    }
    let _ = writeln!(list, "topic readwrite {PREFIX}/+/ack");
    let _ = writeln!(list, "topic write {PREFIX}/+/answer");
    let _ = writeln!(list, "topic readwrite {PREFIX}/+/order/#");
    let _ = writeln!(list, "topic readwrite {PREFIX}/all/filter/#");
    for gateway in revoked {
        let _ = writeln!(list, "\n# Revoked.\nuser {gateway}\ntopic deny {PREFIX}/#");
    }
    let _ = writeln!(list, "\n# Gateways: %u is a gateway's name.");
    for up in Up::ALL {
        let _ = writeln!(list, "pattern write {PREFIX}/%u/{}", up.name());
    }
    let _ = writeln!(list, "pattern read {PREFIX}/%u/ack");
    let _ = writeln!(list, "pattern read {PREFIX}/%u/answer");
    let _ = writeln!(list, "pattern read {PREFIX}/%u/order/#");
    let _ = writeln!(list, "pattern read {PREFIX}/all/order/#");
    let _ = writeln!(list, "pattern read {PREFIX}/all/filter/#");
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_writes_its_own_six_topics_and_reads_its_own_and_everybodys_orders() {
        let list = mosquitto(["stolen-1"]);
        let patterns: Vec<_> = list.lines().filter(|line| line.starts_with("pattern")).collect();
        assert_eq!(patterns.len(), 11);
        assert!(patterns.iter().all(|line| line.contains("/%u/") || line.contains("read waypost/v1/all/")));
        assert!(list.contains("user stolen-1\ntopic deny waypost/v1/#\n"));
    }
}
