//! Turns how a guest's call ended into a [`Failure`] or a result.

use serde_json::value::RawValue;
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

use super::guest::{Answer, Status, Text};
use super::json::{self, Refusal};
use super::memory::OutOfMemory;
use super::output::OutputLimitExceeded;
use super::{Failure, Limits};

/// Longest line of a failure, in bytes. A script's message can be of any length.
const MAX_LINE: usize = 4096;

/// What an answer comes to.
///
/// # Errors
/// When it is anything but a result.
pub fn of_answer(answer: Answer, limits: &Limits) -> Result<Box<RawValue>, Failure> {
    let text = match answer.text {
        Text::Bytes(bytes) => bytes,
        Text::TooLong => {
            return Err(Failure::OutputLimit {
                stream: "result",
                limit: limits.result,
            });
        }
    };
    match answer.status {
        Status::Result => json::take(text, limits.result_depth).map_err(|refusal| match refusal {
            Refusal::TooDeep => {
                let levels = limits.result_depth;
                Failure::NotSerializable(format!(
                    "it is nested deeper than the limit of {levels} levels"
                ))
            }
            Refusal::Malformed => Failure::NotSerializable("its JSON text is malformed".to_owned()),
        }),
        Status::SyntaxError => Err(Failure::Syntax(line(&text))),
        Status::NoMain => Err(Failure::NoMain(line(&text))),
        Status::Exception => Err(Failure::Exception(line(&text))),
        Status::NotSerializable => Err(Failure::NotSerializable(line(&text))),
        Status::OutOfMemory => Err(Failure::MemoryLimit(limits.memory)),
        Status::Exited => Err(Failure::Exited(line(&text).parse().unwrap_or(-1))),
    }
}

/// Returns the failure that an error of the call means. `out_of_memory` says whether the guest could not go on for lack of
/// memory: it may be why it aborts, but is never why it does anything else that ends a run.
pub fn of_error(error: &wasmtime::Error, limits: &Limits, out_of_memory: bool) -> Failure {
    if let Some(OutputLimitExceeded { stream, limit }) = error.downcast_ref() {
        return Failure::OutputLimit {
            stream,
            limit: *limit,
        };
    }
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return Failure::Exited(i64::from(*code));
    }
    if let Some(OutOfMemory) = error.downcast_ref() {
        return Failure::MemoryLimit(limits.memory);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => {
            Failure::Crashed("stack overflow, by recursion that is too deep".to_owned())
        }
        // The interpreter gives up this way when it cannot even raise a MemoryError.
        Some(Trap::UnreachableCodeReached) if out_of_memory => Failure::MemoryLimit(limits.memory),
        Some(Trap::UnreachableCodeReached) => Failure::Crashed("it aborted".to_owned()),
        Some(trap) => Failure::Crashed(crash(*trap).to_owned()),
        None => Failure::Crashed(line(error.to_string().as_bytes())),
    }
}

/// The names of other traps where CPython is machine code.
fn crash(trap: Trap) -> &'static str {
    match trap {
        Trap::IntegerDivisionByZero | Trap::IntegerOverflow | Trap::BadConversionToInteger => {
            "arithmetic fault"
        }
        _ => "segmentation fault",
    }
}

/// `text` as one line of bounded length.
fn line(text: &[u8]) -> String {
    let end = text
        .iter()
        .position(|byte| *byte == b'\n' || *byte == b'\r')
        .unwrap_or(text.len());
    // A few bytes more than can be kept, so that a character cut in two is not among the kept.
    let cut = &text[..end.min(MAX_LINE + 3)];
    let mut line = String::from_utf8_lossy(cut).into_owned();
    if line.len() > MAX_LINE {
        line.truncate(line.floor_char_boundary(MAX_LINE));
        line.push('…');
    }
    line
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: Status, text: &[u8]) -> Result<String, Failure> {
        let answer = Answer {
            status,
            text: Text::Bytes(text.to_vec()),
        };
        of_answer(answer, &Limits::default()).map(|value| value.get().to_owned())
    }

    #[test]
    fn answers() {
        assert_eq!(verdict(Status::Result, b"[1]"), Ok("[1]".to_owned()));
        assert_eq!(verdict(Status::Exited, b"3"), Err(Failure::Exited(3)));
        assert_eq!(
            verdict(Status::Exited, b"nonsense"),
            Err(Failure::Exited(-1))
        );
        assert_eq!(
            verdict(Status::Exception, b"E: a\nb"),
            Err(Failure::Exception("E: a".to_owned()))
        );
        let malformed = Failure::NotSerializable("its JSON text is malformed".to_owned());
        assert_eq!(verdict(Status::Result, b"[1"), Err(malformed));
    }

    /// A script can catch a MemoryError and crash for another reason later.
    #[test]
    fn only_an_abort_is_for_lack_of_memory() {
        let limits = Limits::default();
        let out_of_memory = Failure::MemoryLimit(limits.memory);
        let of_trap = |trap: Trap, starved| of_error(&trap.into(), &limits, starved);
        assert_eq!(of_trap(Trap::UnreachableCodeReached, true), out_of_memory);
        assert_eq!(of_error(&OutOfMemory.into(), &limits, true), out_of_memory);
        for (trap, starved) in [
            (Trap::UnreachableCodeReached, false),
            (Trap::StackOverflow, true),
            (Trap::MemoryOutOfBounds, true),
            (Trap::IndirectCallToNull, true),
        ] {
            let failure = of_trap(trap, starved);
            assert!(matches!(failure, Failure::Crashed(_)), "{failure:?}");
        }
    }

    #[test]
    fn crashes_are_told_in_words_of_python() {
        let crash = |trap: Trap| of_error(&trap.into(), &Limits::default(), false).to_string();
        let traps = [
            (
                Trap::StackOverflow,
                "stack overflow, by recursion that is too deep",
            ),
            (Trap::BadSignature, "segmentation fault"),
            (Trap::MemoryOutOfBounds, "segmentation fault"),
            (Trap::IntegerDivisionByZero, "arithmetic fault"),
        ];
        for (trap, words) in traps {
            assert_eq!(
                crash(trap),
                format!("script crashed the interpreter: {words}")
            );
        }
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = line("é".repeat(MAX_LINE).as_bytes());
        assert_eq!(line, format!("{}…", "é".repeat(MAX_LINE / 2)));
    }

    /// Found by `properties`: each of these bytes becomes three.
    #[test]
    fn long_lines_of_no_text_are_cut_as_well() {
        let line = line(&[0xff; MAX_LINE]);
        assert_eq!(line, format!("{}…", "\u{fffd}".repeat(MAX_LINE / 3)));
    }
}
