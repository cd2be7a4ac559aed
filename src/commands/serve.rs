//! Serves: start-up and shutdown, in order.

use std::future::Future;
use std::net::SocketAddr;
use std::process::{self, ExitCode};

use anyhow::Context;
use python_executor::config::{self, Config};
use python_executor::http::{App, Listeners, Server};
use python_executor::machine::{self, Machine};
use python_executor::proof::prove;
use python_executor::sandbox::{self, Interpreter, Limits};
use python_executor::telemetry::millis;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use super::bad_usage;

/// The exit code after a second signal, which leaves runs and requests unfinished.
const INTERRUPTED: i32 = 1;

/// Serves until asked to stop.
///
/// HTTP has threads of its own: a guest that computes is always ready to go on, and a connection would
/// have to wait for its turn among all of those.
///
/// # Errors
/// When the service cannot start.
pub fn serve(config: Config, machine: Machine) -> anyhow::Result<ExitCode> {
    if let Err(problem) = config.check(machine) {
        return Ok(bad_usage(&config::one_line(&problem)));
    }
    if !config.fits_into_memory(machine) {
        tracing::warn!(
            "the memory does not suffice if {} scripts (MAX_CONCURRENT) use their limits to the full",
            config.capacity.concurrent
        );
    }
    let guests = guest_runtime()?;
    let main = Builder::new_current_thread().enable_all().build()?;
    let served = main.block_on(run(config, guests.handle().clone()));
    // What still goes on there, such as a look-up of keys, is of no use any more.
    main.shutdown_background();
    served.map(|()| ExitCode::SUCCESS)
}

/// Guests that begin and guests that go on take turns: neither many short runs nor many long ones keep
/// the others from running.
fn guest_runtime() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder
        .thread_name("guests")
        .enable_all()
        .event_interval(1)
        .global_queue_interval(2)
        .on_thread_start(machine::lower_priority);
    Ok(builder.build()?)
}

async fn run(config: Config, guests: Handle) -> anyhow::Result<()> {
    machine::raise_open_file_limit();
    let limits = config.run.limits();
    let runtime = sandbox::Runtime::new(
        config.capacity.concurrent,
        limits.memory,
        config.service.temp_root.as_deref(),
    )?;
    let interpreter = Interpreter::load(&runtime, &config.service.python()?)?;
    let proof = prove(&interpreter, &limits).await?;

    let main = listen(SocketAddr::new(config.service.host, config.service.port)).await?;
    let admin = match config.service.admin_address {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let shutdown = asked_to_stop()?;
    log_ready(&config, &proof.python_version);
    let address = main.local_addr()?;
    if let Some(admin) = &admin {
        tracing::info!("metrics are on http://{}", admin.local_addr()?);
    }
    let authenticates = config.access.authenticates();
    let app = App::new(config, interpreter, &proof.python_version, guests);
    let server = Server::new(Listeners { main, admin }, app)
        .context("cannot start the threads for connections")?;
    tracing::info!("listening on http://{address}");
    if !authenticates && !address.ip().is_loopback() {
        tracing::warn!(
            "anyone who can reach {address} may run scripts: set API_KEYS_FILE or OIDC_ISSUER, unless \
             the platform decides who may (REQUIRE_AUTH=true refuses to start like this)"
        );
    }
    server.run(shutdown).await;
    tracing::info!("stopped");
    Ok(())
}

/// Logs what is in effect, with the names of the settings.
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

/// Resolves on SIGTERM or Ctrl-C; both are listened for from the moment this returns. A second signal
/// ends the process at once.
fn asked_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut asked = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(async move {
        asked().await;
        tokio::spawn(async move {
            asked().await;
            tracing::warn!("ending at once: asked to stop a second time");
            process::exit(INTERRUPTED);
        });
    })
}
