//! Why a controller refuses, by the standard's names.

/// An error code (Vol 1, Part F, §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{} (0x{code:02X})", self.name())]
pub struct ControllerError {
    /// The code, never 0.
    pub code: u8,
}

impl ControllerError {
    /// A command that the controller does not know.
    pub const UNKNOWN_COMMAND: Self = Self { code: 0x01 };
    /// A command that it does not take now.
    pub const COMMAND_DISALLOWED: Self = Self { code: 0x0C };

    /// The name that the standard gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        const UNKNOWN: &str = "error that the standard does not name";
        NAMES.get(usize::from(self.code)).copied().filter(|name| !name.is_empty()).unwrap_or(UNKNOWN)
    }
}

/// By code, from 0; empty where the standard reserves the code.
const NAMES: [&str; 0x46] = [
    "",
    "Unknown HCI Command",
    "Unknown Connection Identifier",
    "Hardware Failure",
    "Page Timeout",
    "Authentication Failure",
    "PIN or Key Missing",
    "Memory Capacity Exceeded",
    "Connection Timeout",
    "Connection Limit Exceeded",
    "Synchronous Connection Limit To A Device Exceeded",
    "Connection Already Exists",
    "Command Disallowed",
    "Connection Rejected due to Limited Resources",
    "Connection Rejected Due To Security Reasons",
    "Connection Rejected due to Unacceptable BD_ADDR",
    "Connection Accept Timeout Exceeded",
    "Unsupported Feature or Parameter Value",
    "Invalid HCI Command Parameters",
    "Remote User Terminated Connection",
    "Remote Device Terminated Connection due to Low Resources",
    "Remote Device Terminated Connection due to Power Off",
    "Connection Terminated By Local Host",
    "Repeated Attempts",
    "Pairing Not Allowed",
    "Unknown LMP PDU",
    "Unsupported Remote Feature",
    "SCO Offset Rejected",
    "SCO Interval Rejected",
    "SCO Air Mode Rejected",
    "Invalid LMP Parameters / Invalid LL Parameters",
    "Unspecified Error",
    "Unsupported LMP Parameter Value / Unsupported LL Parameter Value",
    "Role Change Not Allowed",
    "LMP Response Timeout / LL Response Timeout",
    "LMP Error Transaction Collision / LL Procedure Collision",
    "LMP PDU Not Allowed",
    "Encryption Mode Not Acceptable",
    "Link Key cannot be Changed",
    "Requested QoS Not Supported",
    "Instant Passed",
    "Pairing With Unit Key Not Supported",
    "Different Transaction Collision",
    "",
    "QoS Unacceptable Parameter",
    "QoS Rejected",
    "Channel Classification Not Supported",
    "Insufficient Security",
    "Parameter Out Of Mandatory Range",
    "",
    "Role Switch Pending",
    "",
    "Reserved Slot Violation",
    "Role Switch Failed",
    "Extended Inquiry Response Too Large",
    "Secure Simple Pairing Not Supported By Host",
    "Host Busy - Pairing",
    "Connection Rejected due to No Suitable Channel Found",
    "Controller Busy",
    "Unacceptable Connection Parameters",
    "Advertising Timeout",
    "Connection Terminated due to MIC Failure",
    "Connection Failed to be Established / Synchronization Timeout",
    "",
    "Coarse Clock Adjustment Rejected but Will Try to Adjust Using Clock Dragging",
    "Type0 Submap Not Defined",
    "Unknown Advertising Identifier",
    "Limit Reached",
    "Operation Cancelled by Host",
    "Packet Too Long",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_names_of_the_standard_at_their_codes() {
        for (code, shown) in [
            (0x01, "Unknown HCI Command (0x01)"),
            (0x0C, "Command Disallowed (0x0C)"),
            (0x12, "Invalid HCI Command Parameters (0x12)"),
            (0x1F, "Unspecified Error (0x1F)"),
            (0x2B, "error that the standard does not name (0x2B)"),
            (0x30, "Parameter Out Of Mandatory Range (0x30)"),
            (0x3A, "Controller Busy (0x3A)"),
            (0x45, "Packet Too Long (0x45)"),
            (0x46, "error that the standard does not name (0x46)"),
            (0xFF, "error that the standard does not name (0xFF)"),
        ] {
            assert_eq!(ControllerError { code }.to_string(), shown);
        }
    }
}
