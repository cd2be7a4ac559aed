//! Live output: reading what a run writes while it goes on.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::output::Capture;

/// The output of one step, for a reader beside it. Clones share it. The bytes stay in the capture that bounds them.
#[derive(Clone, Default)]
pub struct LiveOutput(Arc<State>);

#[derive(Default)]
struct State {
    streams: OnceLock<[Capture; 2]>,
    written: Arc<Notify>,
}

/// How far a reader has read the two streams.
#[derive(Debug, Default)]
pub struct Position {
    stdout: Offset,
    stderr: Offset,
}

#[derive(Debug, Default)]
struct Offset {
    /// Bytes as the guest wrote them.
    bytes: usize,
    /// Bytes of the text that was made of them.
    text: usize,
}

/// New text of both streams.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NewOutput {
    /// Text written to stdout.
    pub stdout: String,
    /// Text written to stderr.
    pub stderr: String,
}

impl LiveOutput {
    /// Connects the reader with the captures of its step.
    pub(super) fn connect(&self, stdout: &Capture, stderr: &Capture) -> Arc<Notify> {
        // It is connected once: a job is run once.
        let _ = self.0.streams.set([stdout.clone(), stderr.clone()]);
        Arc::clone(&self.0.written)
    }

    /// Resolves when something has been written since the last time.
    pub async fn written(&self) {
        self.0.written.notified().await;
    }

    /// Returns the text that was written since `position`, and moves it. A character of which only a part has
    /// been written is left for the next time.
    pub fn read(&self, position: &mut Position) -> NewOutput {
        let Some([stdout, stderr]) = self.0.streams.get() else {
            return NewOutput::default();
        };
        NewOutput {
            stdout: position.stdout.advance(stdout),
            stderr: position.stderr.advance(stderr),
        }
    }
}

impl Position {
    /// Returns the rest of the streams, whose whole text is known after the step.
    #[must_use]
    pub fn rest(&self, stdout: &str, stderr: &str) -> NewOutput {
        // The text that was read is a prefix of the whole.
        let rest = |text: &str, offset: &Offset| text.get(offset.text..).unwrap_or("").to_owned();
        NewOutput {
            stdout: rest(stdout, &self.stdout),
            stderr: rest(stderr, &self.stderr),
        }
    }
}

impl Offset {
    fn advance(&mut self, capture: &Capture) -> String {
        let (bytes, text) = capture.from(self.bytes, |new| {
            let complete = &new[..new.len() - incomplete(new)];
            let text = String::from_utf8_lossy(complete).into_owned();
            (complete.len(), text)
        });
        self.bytes += bytes;
        self.text += text.len();
        text
    }
}

/// Returns the length of the character at the end of `bytes` that is not complete yet.
fn incomplete(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last();
    let invalid = last.map_or(&[][..], |chunk| chunk.invalid());
    match std::str::from_utf8(invalid) {
        Err(error) if error.error_len().is_none() => invalid.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary;

    #[test]
    fn characters_are_never_cut() {
        let cases: [(&[u8], usize); 6] = [
            (b"", 0),
            (b"abc", 0),
            (b"a\xc3", 1),
            ("é".as_bytes(), 0),
            (b"\xff", 0),
            (b"\xff\xf0\x9f\x98", 3),
        ];
        for (bytes, expected) in cases {
            assert_eq!(incomplete(bytes), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole(writes in vec(arbitrary::bytes(), 0..10)) {
            let (stdout, stderr) = (Capture::new("stdout"), Capture::new("stderr"));
            let live = LiveOutput::default();
            stdout.begin(1000, Some(live.connect(&stdout, &stderr)));
            stderr.begin(1000, None);
            let mut position = Position::default();
            let mut parts = String::new();
            for write in writes {
                if stdout.append(&write).is_err() {
                    break;
                }
                parts += &live.read(&mut position).stdout;
            }
            let whole = stdout.take_text();
            prop_assert_eq!(live.read(&mut position), NewOutput::default());
            parts += &position.rest(&whole, "").stdout;
            prop_assert_eq!(parts, whole);
        }
    }
}
