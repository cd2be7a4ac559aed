//! From a parsed request to a job: every field is checked before anything runs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::value::RawValue;

use super::options::{Mode, Options};
use super::{Error, ExecuteRequest, files, invalid_field};
use crate::http::included::Include;
use crate::sandbox::{Job, Limits, json_depth};

/// The environments that there are.
const ENVIRONMENTS: [&str; 1] = ["python"];

impl ExecuteRequest {
    /// Returns the job that runs the script within `limits`, those of the service, and the fields that the response
    /// includes. A script may have `max_script` bytes.
    pub(in crate::http) fn into_job(
        self,
        limits: &Limits,
        max_script: usize,
    ) -> Result<(Job, Include), Error> {
        let Self {
            script,
            args,
            kwargs,
            stdin,
            files,
            options,
        } = self;
        if script.len() > max_script {
            return Err(Error::ScriptTooLarge(max_script));
        }
        let Options {
            limits: lower,
            argv,
            env,
            mode,
            environment,
            seed,
            time,
            include,
        } = options;

        let mut limits = limits.clone();
        lower.lower(&mut limits).map_err(|(name, problem)| {
            invalid_field(&format!("options.limits.{name}"), &problem)
        })?;
        check_environment(environment.as_deref())?;
        for (field, arguments) in [("args", &args), ("kwargs", &kwargs)] {
            check_depth(field, arguments.as_deref(), limits.result_depth)?;
        }
        check_argv(&argv)?;
        let env = check_env(env)?;
        let files = files.into_iter();
        let files = files.map(|(path, contents)| (path, contents.0)).collect();
        let files = files::check(files, &limits.files)
            .map_err(|problem| invalid_field("files", &problem))?;

        let mut include: Include = include.into_iter().collect();
        include.text = mode == Mode::Cell;
        let mut job = Job::new(script, limits);
        job.input.args = args;
        job.input.kwargs = kwargs;
        job.input.argv = argv;
        job.input.env = env;
        job.input.cell = mode == Mode::Cell;
        job.input.display = include.display;
        job.stdin = stdin.unwrap_or_default().into();
        job.files = files;
        job.seed = seed;
        job.time = time;
        job.returns_files = include.files;
        Ok((job, include))
    }
}

fn check_environment(name: Option<&str>) -> Result<(), Error> {
    match name {
        Some(name) if !ENVIRONMENTS.contains(&name) => {
            let known = ENVIRONMENTS.join(", ");
            let problem = format!("there is no environment {name:?}; there are: {known}");
            Err(invalid_field("options.environment", &problem))
        }
        _ => Ok(()),
    }
}

/// Checks that no argument is nested more deeply than a result may be, because the interpreter decodes it recursively.
fn check_depth(field: &str, arguments: Option<&RawValue>, max: usize) -> Result<(), Error> {
    // Each argument is one level below.
    match arguments {
        Some(arguments) if json_depth(arguments.get()) > max + 1 => Err(invalid_field(
            field,
            &format!("an argument has more than {max} levels of arrays and objects (RESULT_DEPTH)"),
        )),
        _ => Ok(()),
    }
}

fn check_argv(argv: &[String]) -> Result<(), Error> {
    for (index, argument) in argv.iter().enumerate() {
        if argument.contains('\0') {
            let field = format!("options.argv[{index}]");
            return Err(invalid_field(&field, "it contains a NUL character"));
        }
    }
    Ok(())
}

fn check_env(env: Vec<(String, String)>) -> Result<BTreeMap<String, String>, Error> {
    let mut variables = BTreeMap::new();
    for (name, value) in env {
        let problem = if name.is_empty() {
            "a name is empty".to_owned()
        } else if name.contains(['=', '\0']) {
            format!("the name {name:?} contains '=' or a NUL character")
        } else if value.contains('\0') {
            format!("the value of {name:?} contains a NUL character")
        } else if let Entry::Vacant(variable) = variables.entry(name) {
            variable.insert(value);
            continue;
        } else {
            "a name is there twice".to_owned()
        };
        return Err(invalid_field("options.env", &problem));
    }
    Ok(variables)
}
