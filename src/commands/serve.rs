//! The service: start-up and shutdown, in order.

use std::future::Future;
use std::net::SocketAddr;
use std::process::{self, ExitCode};

use anyhow::Context;
use python_executor::config::Config;
use python_executor::http::{App, Listeners, Server};
use python_executor::sandbox::{self, Interpreter, Limits};
use python_executor::self_test;
use python_executor::system::{self, SystemResources};
use python_executor::telemetry::millis;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use super::bad_usage;

/// The exit code after a second signal, which leaves runs and requests unfinished.
const INTERRUPTED: i32 = 1;

/// Serves until asked to stop.
///
/// Connections have threads of their own: on the guests' threads they would have to wait behind every
/// guest that computes.
///
/// # Errors
/// When the service cannot start.
pub fn serve(config: Config, resources: SystemResources) -> anyhow::Result<ExitCode> {
    if let Err(problem) = config.check(resources) {
        return Ok(bad_usage(&problem.to_string()));
    }
    if !config.fits_into_memory(resources) {
        tracing::warn!(
            "the memory does not suffice if {} scripts (MAX_CONCURRENT) reach all their limits",
            config.capacity.concurrent
        );
    }
    let guests = guest_runtime()?;
    let main = Builder::new_current_thread().enable_all().build()?;
    let served = main.block_on(run(config, guests.handle().clone()));
    // Tasks that are left there, such as fetching an issuer's keys, are of no use any more.
    main.shutdown_background();
    served.map(|()| ExitCode::SUCCESS)
}

/// New and resumed guests alternate: neither many short runs nor many long ones keep the others from
/// running.
fn guest_runtime() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder
        .thread_name("guests")
        .enable_all()
        .event_interval(1)
        .global_queue_interval(2)
        .on_thread_start(system::lower_priority);
    Ok(builder.build()?)
}

async fn run(config: Config, guests: Handle) -> anyhow::Result<()> {
    system::raise_open_file_limit();
    let python = config.service.python()?;
    let limits = config.run.limits();
    let runtime = sandbox::Runtime::new(
        config.capacity.concurrent,
        limits.memory,
        config.service.temp_root.as_deref(),
    )?;
    let interpreter = Interpreter::load(&runtime, &python)?;
    let tested = self_test::run(&interpreter, &limits).await?;

    let main = listen(SocketAddr::new(config.service.host, config.service.port)).await?;
    let admin = match config.service.admin_address {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let shutdown = shutdown_signal()?;
    log_ready(&config, &tested.python_version);
    let address = main.local_addr()?;
    if let Some(admin) = &admin {
        tracing::info!("metrics are on http://{}", admin.local_addr()?);
    }
    let authenticates = config.access.authenticates();
    let app = App::new(config, interpreter, &tested.python_version, guests);
    let server = Server::new(Listeners { main, admin }, app)
        .context("cannot start the threads for connections")?;
    tracing::info!("listening on http://{address}");
    if !authenticates && !address.ip().is_loopback() {
        tracing::warn!(
            "anyone who can reach {address} may run scripts: set API_KEYS_FILE or OIDC_ISSUER, unless \
             the platform authenticates callers (with REQUIRE_AUTH=true the service does not start \
             without authentication)"
        );
    }
    server.run(shutdown).await;
    tracing::info!("stopped");
    Ok(())
}

/// Logs the limits in effect, under the names of the settings.
fn log_ready(config: &Config, python: &str) {
    let Limits {
        cpu,
        wall,
        memory,
        stdout,
        stderr,
        result,
        result_depth,
        files,
        output_files,
        host_calls,
    } = config.run.limits();
    let capacity = config.capacity;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        python,
        cpu_limit_ms = millis(cpu),
        wall_limit_ms = millis(wall),
        memory_limit_bytes = memory,
        stdout_limit_bytes = stdout,
        stderr_limit_bytes = stderr,
        result_limit_bytes = result,
        result_depth,
        open_files_limit = files.open,
        disk_limit_bytes = files.bytes,
        entries_limit = files.entries,
        files_limit_bytes = output_files,
        host_calls_limit = host_calls,
        max_concurrent = capacity.concurrent,
        max_queue = capacity.queue,
        queue_timeout_ms = millis(capacity.queue_timeout),
        max_connections = capacity.connections,
        "ready"
    );
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        let (host, port) = (address.ip(), address.port());
        format!("cannot listen on {host} port {port}")
    })
}

/// Returns a future that resolves on SIGTERM or Ctrl-C; the handlers are installed before this returns. A
/// second signal ends the process at once.
fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut signalled = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(async move {
        signalled().await;
        tokio::spawn(async move {
            signalled().await;
            tracing::warn!("ending at once after a second signal");
            process::exit(INTERRUPTED);
        });
    })
}
