//! W3C Trace Context: <https://www.w3.org/TR/trace-context/>.

use super::random_id;

/// Lengths of the fields of a `traceparent` of version 00.
const VERSION: usize = 2;
const TRACE_ID: usize = 32;
const SPAN_ID: usize = 16;
const FLAGS: usize = 2;

/// A caller's trace, and the run's span in it. All ids are lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The id of the whole trace.
    pub trace_id: String,
    /// The id of the caller's span.
    pub parent_span_id: String,
    /// The id of the run's span.
    pub span_id: String,
    /// The caller's flags; `01` means that the trace is being recorded.
    pub flags: String,
}

impl Trace {
    /// Continues the trace of a `traceparent` header, unless the header is malformed.
    #[must_use]
    pub fn from_parent(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let mut hex = |length| parts.next().filter(|part| is_hex(part, length));
        let version = hex(VERSION)?;
        let trace_id = hex(TRACE_ID).filter(is_some_id)?;
        let parent_span_id = hex(SPAN_ID).filter(is_some_id)?;
        let flags = hex(FLAGS)?;
        // Later versions may add fields, version 00 may not, and ff is invalid.
        let valid = match version {
            "00" => parts.next().is_none(),
            version => version != "ff",
        };
        valid.then(|| Self {
            trace_id: trace_id.to_owned(),
            parent_span_id: parent_span_id.to_owned(),
            span_id: new_span_id(),
            flags: flags.to_owned(),
        })
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    let digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == length && text.bytes().all(digit)
}

/// An id of zeros is invalid.
fn is_some_id(id: &&str) -> bool {
    id.bytes().any(|byte| byte != b'0')
}

fn new_span_id() -> String {
    let id = random_id() as u64;
    format!("{:016x}", id.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_headers_are_accepted() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let parent = "b7ad6b7169203331";
        let cases = [
            (format!("00-{trace}-{parent}-01"), true),
            (format!("00-{trace}-{parent}-00"), true),
            (format!("cc-{trace}-{parent}-01"), true),
            (format!("cc-{trace}-{parent}-01-of the future"), true),
            (format!("cc-{trace}-{parent}-01of the future"), false),
            (format!("00-{trace}-{parent}-01-"), false),
            (format!("00-{trace}-{parent}-01-more"), false),
            (format!("ff-{trace}-{parent}-01"), false),
            (format!("0-{trace}-{parent}-01"), false),
            (format!("00-{trace}-{parent}"), false),
            (format!("00-{trace}-{parent}-1"), false),
            (format!("00-{trace}-{parent}-0x"), false),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), false),
            (format!("00-{}-{parent}-01", "0".repeat(32)), false),
            (format!("00-{trace}-{}-01", "0".repeat(16)), false),
            (format!("00-{trace}0-{parent}-01"), false),
            (format!("00-{trace}-{parent}0-01"), false),
            (format!(" 00-{trace}-{parent}-01"), false),
            (format!("00_{trace}_{parent}_01"), false),
            ("é".repeat(27), false),
            (String::new(), false),
        ];
        for (header, valid) in cases {
            let taken = Trace::from_parent(&header);
            assert_eq!(taken.is_some(), valid, "{header}");
            if let Some(taken) = taken {
                assert_eq!((&*taken.trace_id, &*taken.parent_span_id), (trace, parent));
                assert!(is_hex(&taken.span_id, SPAN_ID) && is_some_id(&&*taken.span_id));
                assert_ne!(taken.span_id, parent);
            }
        }
    }
}
