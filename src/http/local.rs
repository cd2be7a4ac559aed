//! Requests without a server, for the command line.

use super::included::Include;
use super::request::ExecuteRequest;
use crate::sandbox::{Job, Limits};

/// Parses and checks a request body as `POST /execute` does. Returns its job, which runs within `limits`, and the fields
/// that its response includes. A script may have `max_script` bytes.
///
/// # Errors
/// The error's text when the service would reject the request.
pub fn parse_request(
    body: &[u8],
    limits: &Limits,
    max_script: usize,
) -> Result<(Job, Include), String> {
    ExecuteRequest::parse(body)
        .and_then(|request| request.into_job(limits, max_script))
        .map_err(|error| error.to_string())
}
