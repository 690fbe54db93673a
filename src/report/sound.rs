//! What a saved report may say. It is input like any other: whoever has changed one must not be able to
//! put a line of his own into a script, a unit or a Containerfile that is made of it.

use serde_json::Value;

use super::Report;

/// Members whose text is for people and may have several lines.
const PROSE: [&str; 8] = [
    "why", "fix", "title", "message", "reason", "improve", "note", "remarks",
];

/// Why a report is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReportFault {
    /// It is no report.
    #[error("it is no readiness report: {0}")]
    Form(#[from] serde_json::Error),
    /// A text where only certain words may stand, or one with a line of its own.
    #[error("{place}: {reason}")]
    Text {
        /// The member, by its names from the top.
        place: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Report {
    /// Reads a report from its JSON.
    ///
    /// # Errors
    /// When it is none, or says something that no audit says.
    pub fn from_json(value: Value) -> Result<Self, ReportFault> {
        lines(&value, &mut Vec::new())?;
        let report: Self = serde_json::from_value(value)?;
        report.words()?;
        Ok(report)
    }

    /// The words that stand for a choice, and go into manifests as they are.
    fn words(&self) -> Result<(), ReportFault> {
        let plan = &self.plan;
        for port in &plan.ports {
            let is_known = ["tcp", "udp", "sctp"].contains(&port.transport.as_str());
            ensure(is_known, "plan.ports.transport", "neither tcp nor udp")?;
            let protocol = port.protocol.as_deref().unwrap_or_default();
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"+-./_ ".contains(&byte);
            let fits = protocol.bytes().all(is_word);
            ensure(fits, "plan.ports.protocol", "not the name of a protocol")?;
        }
        let modes = plan.mounts.iter().filter_map(|mount| mount.mode.as_ref());
        let modes = modes.chain(plan.scratch.iter().map(|scratch| &scratch.mode));
        for mode in modes {
            let is_octal =
                (1..=5).contains(&mode.len()) && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
            ensure(is_octal, "plan: mode", "not permission bits in octal")?;
        }
        for signal in plan
            .start
            .iter()
            .filter_map(|start| start.stop_signal.as_ref())
        {
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_".contains(&byte);
            let fits = !signal.is_empty() && signal.bytes().all(is_word);
            ensure(fits, "plan.start.stop_signal", "not the name of a signal")?;
        }
        Ok(())
    }
}

fn ensure(fits: bool, place: &str, reason: &'static str) -> Result<(), ReportFault> {
    if fits {
        return Ok(());
    }
    Err(ReportFault::Text {
        place: place.to_owned(),
        reason,
    })
}

/// Looks for characters that end a line, or hide one. An audit writes them escaped.
fn lines<'a>(value: &'a Value, place: &mut Vec<&'a str>) -> Result<(), ReportFault> {
    match value {
        Value::String(text) => {
            let is_prose = place.iter().rev().find(|name| !name.is_empty());
            let is_prose = is_prose.is_some_and(|name| PROSE.contains(name));
            let is_odd = |c: char| match c {
                '\n' | '\t' if is_prose => false,
                '\u{2028}' | '\u{2029}' => true,
                c => c.is_control(),
            };
            ensure(
                !text.contains(is_odd),
                &place.join("."),
                "a line break or another sign that does not show",
            )
        }
        Value::Array(rows) => {
            for row in rows {
                lines(row, place)?;
            }
            Ok(())
        }
        Value::Object(members) => {
            for (name, value) in members {
                let is_plain = !name.contains(char::is_control);
                ensure(
                    is_plain,
                    &place.join("."),
                    "a name with a sign that does not show",
                )?;
                place.push(name);
                lines(value, place)?;
                place.pop();
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
