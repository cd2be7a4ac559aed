//! Classification of how a guest's call ended: a result or a [`Failure`].

use serde::Deserialize;
use serde_json::value::RawValue;
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

use super::guest::{Reply, Status, Text};
use super::json::{self, JsonError};
use super::memory::OutOfMemory;
use super::output::OutputLimitExceeded;
use super::{Failure, Limits, Value};

/// Maximum length of a failure's line in bytes. A script's message can be of any length.
const MAX_LINE: usize = 4096;

/// The result text of a cell.
#[derive(Deserialize)]
struct CellResult {
    result: Box<RawValue>,
    text: Option<String>,
}

/// Returns the result in a guest's reply, or the failure that it reports.
pub fn from_reply(reply: Reply, is_cell: bool, limits: &Limits) -> Result<Value, Failure> {
    let text = match reply.text {
        Text::Bytes(bytes) => bytes,
        Text::TooLong => {
            return Err(Failure::OutputLimit {
                stream: "result",
                limit: limits.result,
            });
        }
    };
    match reply.status {
        Status::Result if is_cell => cell_value(&text, limits),
        Status::Result => match json::parse(text, limits.result_depth) {
            Ok(json) => Ok(Value { json, text: None }),
            Err(JsonError::TooDeep) => {
                let levels = limits.result_depth;
                Err(Failure::NotSerializable(format!(
                    "it is nested deeper than the limit of {levels} levels"
                )))
            }
            Err(JsonError::Malformed) => Err(malformed()),
        },
        Status::SyntaxError => Err(Failure::Syntax(line(&text))),
        Status::NoMain => Err(Failure::NoMain(line(&text))),
        Status::Exception => Err(Failure::Exception(line(&text))),
        Status::NotSerializable => Err(Failure::NotSerializable(line(&text))),
        Status::OutOfMemory => Err(Failure::MemoryLimit(limits.memory)),
        Status::Exited => Err(Failure::Exited(line(&text).parse().unwrap_or(-1))),
    }
}

/// Returns the value of a cell. A value that is nested too deeply has no JSON form.
fn cell_value(text: &[u8], limits: &Limits) -> Result<Value, Failure> {
    let CellResult { result, text } = serde_json::from_slice(text).map_err(|_| malformed())?;
    let json = String::from(Box::<str>::from(result)).into_bytes();
    let json = match json::parse(json, limits.result_depth) {
        Err(JsonError::TooDeep) => RawValue::NULL.to_owned(),
        json => json.map_err(|_| malformed())?,
    };
    Ok(Value { json, text })
}

fn malformed() -> Failure {
    Failure::NotSerializable("its JSON text is malformed".to_owned())
}

/// Returns the items that a script has shown as an array, if there are any.
///
/// # Errors
/// When they exceed the limit of the result.
pub fn shown(items: Text, limits: &Limits) -> Result<Option<Box<RawValue>>, Failure> {
    /// The array, its items, and the values of these, which are texts.
    const DEPTH: usize = 2;
    let Text::Bytes(items) = items else {
        return Err(Failure::OutputLimit {
            stream: "display",
            limit: limits.result,
        });
    };
    if items.is_empty() {
        return Ok(None);
    }
    let array = [b"[".as_slice(), &items, b"]"].concat();
    // A script that has taken over the interpreter shows anything.
    Ok(json::parse(array, DEPTH).ok())
}

/// Returns the failure behind an error of a call. `out_of_memory` tells whether the interpreter itself was out of
/// memory: this can explain an abort, but no other trap.
pub fn from_error(error: &wasmtime::Error, limits: &Limits, out_of_memory: bool) -> Failure {
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
        // The interpreter aborts when it cannot even raise a MemoryError.
        Some(Trap::UnreachableCodeReached) if out_of_memory => Failure::MemoryLimit(limits.memory),
        Some(Trap::UnreachableCodeReached) => Failure::Crashed("it aborted".to_owned()),
        Some(trap) => Failure::Crashed(crash(*trap).to_owned()),
        None => Failure::Crashed(line(error.to_string().as_bytes())),
    }
}

/// Returns the name that a native CPython's crash would have.
fn crash(trap: Trap) -> &'static str {
    match trap {
        Trap::IntegerDivisionByZero | Trap::IntegerOverflow | Trap::BadConversionToInteger => {
            "arithmetic fault"
        }
        _ => "segmentation fault",
    }
}

/// Returns the first line of `text`, cut to a bounded length.
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

    fn classify(status: Status, text: &[u8]) -> Result<String, Failure> {
        let reply = Reply {
            status,
            text: Text::Bytes(text.to_vec()),
        };
        from_reply(reply, false, &Limits::default()).map(|value| value.json.get().to_owned())
    }

    #[test]
    fn replies() {
        assert_eq!(classify(Status::Result, b"[1]"), Ok("[1]".to_owned()));
        assert_eq!(classify(Status::Exited, b"3"), Err(Failure::Exited(3)));
        assert_eq!(
            classify(Status::Exited, b"nonsense"),
            Err(Failure::Exited(-1))
        );
        assert_eq!(
            classify(Status::Exception, b"E: a\nb"),
            Err(Failure::Exception("E: a".to_owned()))
        );
        let malformed = Failure::NotSerializable("its JSON text is malformed".to_owned());
        assert_eq!(classify(Status::Result, b"[1"), Err(malformed));
    }

    /// A script can catch a MemoryError and crash later for another reason.
    #[test]
    fn only_an_abort_is_for_lack_of_memory() {
        let limits = Limits::default();
        let out_of_memory = Failure::MemoryLimit(limits.memory);
        let of_trap = |trap: Trap, starved| from_error(&trap.into(), &limits, starved);
        assert_eq!(of_trap(Trap::UnreachableCodeReached, true), out_of_memory);
        assert_eq!(
            from_error(&OutOfMemory.into(), &limits, true),
            out_of_memory
        );
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
    fn crashes_have_names_that_python_users_know() {
        let crash = |trap: Trap| from_error(&trap.into(), &Limits::default(), false).to_string();
        let traps = [
            (
                Trap::StackOverflow,
                "stack overflow, by recursion that is too deep",
            ),
            (Trap::BadSignature, "segmentation fault"),
            (Trap::MemoryOutOfBounds, "segmentation fault"),
            (Trap::IntegerDivisionByZero, "arithmetic fault"),
        ];
        for (trap, name) in traps {
            assert_eq!(
                crash(trap),
                format!("script crashed the interpreter: {name}")
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
    fn long_lines_of_invalid_text_are_cut() {
        let line = line(&[0xff; MAX_LINE]);
        assert_eq!(line, format!("{}…", "\u{fffd}".repeat(MAX_LINE / 3)));
    }
}
