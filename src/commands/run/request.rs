//! The request body that the options of `run` stand for.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use python_executor::config::{Config, RunOptions};
use python_executor::display::Bytes;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The name of standard input as a file.
const STDIN: &str = "-";

#[derive(Serialize)]
struct Request<'a> {
    script: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<&'a RawValue>,
    #[serde(serialize_with = "object", skip_serializing_if = "Vec::is_empty")]
    kwargs: Vec<(&'a str, &'a RawValue)>,
    stdin: String,
    #[serde(serialize_with = "object")]
    files: Vec<(Cow<'a, str>, Contents)>,
    options: Options<'a>,
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(serialize_with = "object")]
    limits: &'a [(String, String)],
    argv: &'a [String],
    #[serde(serialize_with = "object")]
    env: &'a [(String, String)],
    mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    include: &'a [String],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Contents {
    Text(String),
    Bytes { base64: String },
}

/// Writes pairs as an object. Names that are there twice are left to the checks of the request.
fn object<S: Serializer, K: Serialize, V: Serialize>(
    pairs: impl AsRef<[(K, V)]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.as_ref().iter().map(|(name, value)| (name, value)))
}

/// Returns the request body; the error is one line for the user.
pub fn body(config: &Config, options: &RunOptions) -> Result<Vec<u8>, String> {
    if options.stdin && options.script == Path::new(STDIN) {
        return Err("standard input is the script, so it cannot be passed to it, too".to_owned());
    }
    let max_script = config.request.script_limit;
    let script = text(&options.script, max_script, "SCRIPT_LIMIT")?;
    let stdin = if options.stdin {
        text(Path::new(STDIN), config.request.body_limit, "BODY_LIMIT")?
    } else {
        String::new()
    };
    let args = options.args.iter();
    let args = args.map(|value| raw(value)).collect::<Result<_, _>>()?;
    let kwargs = options.kwargs.iter();
    let kwargs = kwargs.map(|(name, value)| Ok((name.as_str(), raw(value)?)));
    let files = options.files.iter().map(|argument| file(config, argument));
    let request = Request {
        script,
        args,
        kwargs: kwargs.collect::<Result<_, String>>()?,
        stdin,
        files: files.collect::<Result<_, _>>()?,
        options: Options {
            limits: &options.limits,
            argv: &options.argv,
            env: &options.env,
            mode: if options.cell { "cell" } else { "main" },
            seed: options.seed,
            time: options.time.as_deref(),
            include: &options.include,
        },
    };
    serde_json::to_vec(&request).map_err(|error| error.to_string())
}

fn raw(json: &str) -> Result<&RawValue, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Reads the file of an argument `PATH` or `NAME=PATH`, and returns its name in the working directory, too.
fn file<'a>(config: &Config, argument: &'a str) -> Result<(Cow<'a, str>, Contents), String> {
    let (name, path) = match argument.split_once('=') {
        Some((name, path)) => (name.into(), Path::new(path)),
        None => {
            let path = Path::new(argument);
            let last = path.file_name().filter(|_| path.is_absolute());
            (last.unwrap_or(path.as_os_str()).to_string_lossy(), path)
        }
    };
    let contents = match String::from_utf8(read(path, config.run.disk_limit, "DISK_LIMIT")?) {
        Ok(text) => Contents::Text(text),
        Err(error) => Contents::Bytes {
            base64: BASE64_STANDARD.encode(error.as_bytes()),
        },
    };
    Ok((name, contents))
}

fn text(path: &Path, limit: usize, setting: &str) -> Result<String, String> {
    String::from_utf8(read(path, limit, setting)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{} is not UTF-8: see byte {at}", name(path))
    })
}

/// Reads `path`, whose size may be `limit`, the value of `setting`.
fn read(path: &Path, limit: usize, setting: &str) -> Result<Vec<u8>, String> {
    let name = name(path);
    let mut source: Box<dyn Read> = if path == Path::new(STDIN) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| format!("cannot open {name}: {error}"))?)
    };
    let mut bytes = Vec::new();
    // One byte more than the limit shows that there is too much.
    let max = (limit as u64).saturating_add(1);
    (&mut source)
        .take(max)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    if bytes.len() > limit {
        let limit = Bytes(limit);
        return Err(format!("{name} exceeds the limit of {limit} ({setting})"));
    }
    Ok(bytes)
}

fn name(path: &Path) -> Cow<'_, str> {
    if path == Path::new(STDIN) {
        "standard input".into()
    } else {
        path.to_string_lossy()
    }
}
