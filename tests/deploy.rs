//! `deploy/` and the Dockerfile: they set only settings that exist, and their numbers are consistent.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use common::{HELLO, Server};
use python_executor::config::Config;
use serde_json::Value;

/// The three ways to deploy, each with the pointers to its numbers.
const CLOUD_RUN: &str = "deploy/cloud-run/service.yaml";
const KUBERNETES: &str = "deploy/kubernetes/deployment.yaml";
const COMPOSE: &str = "deploy/compose.yaml";

/// The maximum memory of a script at the default limits: memory, stdout, stderr, result, disk.
const RUN_MEMORY: u64 = 50_000_000 + (1 << 20) + (1 << 20) + (8 << 20) + DISK_LIMIT;
const DISK_LIMIT: u64 = 16 << 20;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifest(file: &str) -> Value {
    let text = fs::read_to_string(root().join(file)).expect("the manifest is there");
    serde_saphyr::from_str(&text).expect("it is YAML")
}

/// The pod of a manifest of Kubernetes or Cloud Run.
fn pod(manifest: &Value) -> &Value {
    &manifest["spec"]["template"]["spec"]
}

/// The environment that a manifest gives the service.
fn environment(file: &str) -> Vec<(String, String)> {
    let manifest = manifest(file);
    let text = |value: &Value| value.as_str().expect("values are texts").to_owned();
    if file == COMPOSE {
        let variables = manifest["services"]["python-executor"]["environment"].as_object();
        let variables = variables.expect("there is an environment").iter();
        return variables
            .map(|(name, value)| (name.clone(), text(value)))
            .collect();
    }
    let variables = pod(&manifest)["containers"][0]["env"].as_array();
    let variables = variables.expect("there is an environment").iter();
    variables
        .map(|variable| (text(&variable["name"]), text(&variable["value"])))
        .collect()
}

fn setting(file: &str, name: &str) -> Option<String> {
    let all = environment(file);
    let found = all.into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value)
}

fn concurrent(file: &str) -> u64 {
    let set = setting(file, "MAX_CONCURRENT").expect("it is set");
    set.parse().expect("it is a number")
}

/// Bytes of a size as these platforms write it.
fn bytes(text: &str) -> u64 {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let number: u64 = digits.parse().expect("a size begins with a number");
    number
        * match &text[digits.len()..] {
            "Gi" | "gb" => 1 << 30,
            "Mi" | "m" => 1 << 20,
            unit => panic!("{unit} is not a known unit"),
        }
}

#[test]
fn only_known_settings_are_set() {
    let command = Config::augment_args(Command::new("python-executor"));
    let known: Vec<_> = command
        .get_arguments()
        .filter_map(|arg| arg.get_env()?.to_str())
        .collect();
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).expect("there is a Dockerfile");
    let variables = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("ENV "));
    let variables = variables
        .flat_map(str::split_whitespace)
        .filter_map(|pair| pair.split_once('='));
    let mut set: Vec<_> = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert!(!set.is_empty());
    for file in [CLOUD_RUN, KUBERNETES, COMPOSE] {
        set.extend(environment(file));
    }
    for (name, _) in set {
        assert!(known.contains(&name.as_str()), "{name} is not a setting");
    }
}

#[test]
fn the_service_starts_with_these_settings() {
    for file in [CLOUD_RUN, KUBERNETES, COMPOSE] {
        let settings = environment(file);
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            Server::start(&settings).execute(HELLO).status,
            200,
            "{file}"
        );
    }
}

#[test]
fn memory_suffices_for_all_runs_at_once() {
    let (run, kubernetes, compose) = (manifest(CLOUD_RUN), manifest(KUBERNETES), manifest(COMPOSE));
    let compose = &compose["services"]["python-executor"];
    let memory =
        |manifest: &Value| pod(manifest)["containers"][0]["resources"]["limits"]["memory"].clone();
    let volume = |manifest: &Value| pod(manifest)["volumes"][0]["emptyDir"]["sizeLimit"].clone();
    let tmpfs = compose["tmpfs"][0].as_str().expect("there is a tmpfs");
    let (_, tmpfs) = tmpfs.split_once("size=").expect("it has a size");
    let tmpfs = tmpfs.split(',').next().expect("there is a first part");
    for (file, memory, volume) in [
        (CLOUD_RUN, memory(&run), volume(&run)),
        (KUBERNETES, memory(&kubernetes), volume(&kubernetes)),
        (COMPOSE, compose["mem_limit"].clone(), tmpfs.into()),
    ] {
        let size = |value: &Value| bytes(value.as_str().expect("sizes are texts"));
        let runs = concurrent(file);
        assert!(runs * RUN_MEMORY <= size(&memory) / 4 * 3, "{file}: memory");
        assert_eq!(
            runs * DISK_LIMIT,
            size(&volume),
            "{file}: temporary directories"
        );
    }
}

#[test]
fn cloud_run_sends_as_many_requests_as_can_run() {
    let manifest = manifest(CLOUD_RUN);
    let concurrency = &pod(&manifest)["containerConcurrency"];
    assert_eq!(concurrency.as_u64(), Some(concurrent(CLOUD_RUN)));
}

#[test]
fn platforms_wait_longer_than_the_service_drains() {
    let kubernetes = manifest(KUBERNETES);
    let kubernetes = &pod(&kubernetes)["terminationGracePeriodSeconds"];
    let kubernetes = kubernetes.as_u64().expect("there is a grace period");
    let compose = manifest(COMPOSE);
    let compose = &compose["services"]["python-executor"]["stop_grace_period"];
    let compose = compose.as_str().expect("there is a grace period");
    let seconds = |text: &str| -> u64 {
        text.trim_end_matches('s')
            .parse()
            .expect("a number of seconds")
    };
    // Cloud Run waits 10 s, and that cannot be set.
    for (file, deadline) in [
        (CLOUD_RUN, 10),
        (KUBERNETES, kubernetes),
        (COMPOSE, seconds(compose)),
    ] {
        let delay = setting(file, "SHUTDOWN_DELAY").map_or(0, |delay| seconds(&delay));
        let grace = setting(file, "SHUTDOWN_GRACE").expect("it is set");
        // A second for the last responses.
        assert!(delay + seconds(&grace) + 1 < deadline, "{file}");
    }
}

#[test]
fn kubernetes_is_given_time_to_send_requests_elsewhere() {
    let delay = setting(KUBERNETES, "SHUTDOWN_DELAY");
    assert!(delay.is_some_and(|delay| delay != "0s"));
}

#[test]
fn callers_cannot_keep_the_liveness_probe_waiting() {
    let kubernetes = manifest(KUBERNETES);
    let probe = &pod(&kubernetes)["containers"][0]["livenessProbe"]["httpGet"]["port"];
    assert_eq!(probe, "admin");
    let address = setting(KUBERNETES, "ADMIN_ADDRESS");
    assert_eq!(address.as_deref(), Some("0.0.0.0:9090"));
}

#[test]
fn deployments_have_no_privileges() {
    let kubernetes = manifest(KUBERNETES);
    let pod = pod(&kubernetes);
    let container = &pod["containers"][0]["securityContext"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(container["readOnlyRootFilesystem"], true);
    assert_eq!(container["allowPrivilegeEscalation"], false);
    assert_eq!(container["capabilities"]["drop"][0], "ALL");
    let policy = manifest("deploy/kubernetes/network-policy.yaml");
    assert_eq!(policy["spec"]["egress"], serde_json::json!([]));
    let compose = manifest(COMPOSE);
    let compose = &compose["services"]["python-executor"];
    assert_eq!(
        (&compose["read_only"], &compose["cap_drop"][0]),
        (&true.into(), &"ALL".into())
    );
}

#[test]
fn kubernetes_manifests_select_the_same_pods() {
    let directory: PathBuf = root().join("deploy/kubernetes");
    for entry in directory.read_dir().expect("the directory is there") {
        let path = entry.expect("it can be read").path();
        if path.is_file() {
            let manifest = manifest(path.to_str().expect("paths are texts"));
            assert_eq!(
                manifest["metadata"]["name"],
                "python-executor",
                "{}",
                path.display()
            );
        }
    }
}
