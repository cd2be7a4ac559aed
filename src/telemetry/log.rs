//! The log: on standard error, as text or as JSON.

use std::io::{self, IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, Service};

/// Starts logging.
pub fn init(config: &Service) {
    // Warnings of libraries are left out, because scripts could fill the log with them.
    let filter = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), config.log)
        .with_default(config.log.min(LevelFilter::ERROR));
    let lines = fmt::layer().with_writer(|| Escaping(io::stderr()));
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
}

/// A line writer that escapes the control characters that JSON allows and some terminals interpret: DEL and
/// U+0080 to U+009F. Each line is written in one piece, so no character is cut.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let control = |pair: &[u8]| pair[0] == 0xc2 && pair[1] < 0xa0;
        if !line.contains(&0x7f) && !line.windows(2).any(control) {
            return self.0.write_all(line).map(|()| line.len());
        }
        let mut escaped = Vec::with_capacity(line.len() + 16);
        for character in String::from_utf8_lossy(line).chars() {
            match character {
                '\u{7f}'..='\u{9f}' => write!(escaped, "\\u{:04x}", u32::from(character))?,
                other => write!(escaped, "{other}")?,
            }
        }
        self.0.write_all(&escaped)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_as_in_json() -> io::Result<()> {
        let cases = [
            ("{\"a\":\"plain\"}\n", "{\"a\":\"plain\"}\n"),
            ("\u{a0}\u{c2}\u{e4}\u{1f600}", "\u{a0}\u{c2}\u{e4}\u{1f600}"),
            (
                "a\u{7f}b\u{80}\u{9b}31m\u{9f}",
                "a\\u007fb\\u0080\\u009b31m\\u009f",
            ),
        ];
        for (line, expected) in cases {
            let mut written = Vec::new();
            Escaping(&mut written).write_all(line.as_bytes())?;
            assert_eq!(String::from_utf8_lossy(&written), expected);
        }
        Ok(())
    }
}
