//! The state that all requests share.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::access::Access;
use super::admission::Admission;
use crate::config::Config;
use crate::sandbox::{Interpreter, Limits, StorageUnavailable};
use crate::telemetry::Metrics;

/// The state that all requests share.
pub struct App {
    pub(super) config: Config,
    pub(super) interpreter: Interpreter,
    /// The limits of a run.
    pub(super) limits: Limits,
    pub(super) access: Access,
    pub(super) admission: Admission,
    pub(super) metrics: Arc<Metrics>,
    /// The runtime of scripts that need more than one turn.
    pub(super) guests: Handle,
}

impl App {
    /// Builds the state around an interpreter of this version of Python. Scripts run in the runtime
    /// `guests`; the keys of an OIDC issuer are fetched in the runtime that this is called in.
    #[must_use]
    pub fn new(
        config: Config,
        interpreter: Interpreter,
        python_version: &str,
        guests: Handle,
    ) -> Self {
        let metrics = Arc::new(Metrics::new(config.capacity, python_version));
        let access = Access::new(&config.access);
        let admission = Admission::new(config.capacity);
        Self {
            limits: config.run.limits(),
            config,
            interpreter,
            access,
            admission,
            metrics,
            guests,
        }
    }

    /// Checks that the host can store what a run may write.
    pub(super) fn check_storage(&self) -> Result<(), StorageUnavailable> {
        let runtime = self.interpreter.runtime();
        runtime.check_storage(self.limits.files.bytes)
    }
}
