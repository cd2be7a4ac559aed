//! Settings and the configuration they result in.

use std::time::Duration;

use clap::CommandFactory;

use super::values::{positive_duration, size};
use super::*;
use crate::sandbox::{FileLimits, Limits};

pub(super) const RESOURCES: SystemResources = SystemResources {
    cores: 2,
    memory: 8 << 30,
    address_space: None,
    open_files: None,
};

pub(super) fn parse(args: &[&str], resources: SystemResources) -> Result<Config, String> {
    let args = ["python-executor"].iter().chain(args);
    let config = Config::parse_for(args, resources).and_then(|config| {
        config.check(resources)?;
        Ok(config)
    });
    config.map_err(|error| error.to_string())
}

#[test]
fn the_definition_is_valid() {
    Config::command().debug_assert();
}

#[test]
fn every_setting_has_help_and_an_environment_variable_named_like_its_flag() {
    let command = Config::command();
    for arg in command.get_arguments() {
        let flag = arg.get_long().unwrap_or_default();
        let variable = arg.get_env().unwrap_or_default().to_string_lossy();
        assert_eq!(variable, flag.to_uppercase().replace('-', "_"));
        assert!(arg.get_help().is_some(), "{flag}");
    }
}

#[test]
fn defaults_are_the_documented_limits() -> Result<(), String> {
    let documented = Limits {
        cpu: Duration::from_secs(5),
        wall: Duration::from_secs(10),
        memory: 50_000_000,
        stdout: 1 << 20,
        stderr: 1 << 20,
        result: 8 << 20,
        result_depth: 200,
        files: FileLimits {
            open: 10,
            bytes: 16 << 20,
            entries: 1000,
        },
        output_files: 8 << 20,
        host_calls: 10_000_000,
    };
    assert_eq!(parse(&[], RESOURCES)?.run.limits(), documented);
    assert_eq!(Limits::default(), documented);
    Ok(())
}

#[test]
fn computed_settings_are_listed_with_their_values() -> Result<(), String> {
    let settings = parse(&[], RESOURCES)?.settings();
    let computed = settings
        .into_iter()
        .filter(|setting| setting.source == Source::Machine);
    let computed: Vec<_> = computed
        .map(|setting| (setting.name, setting.value))
        .collect();
    let expected = [
        ("MAX_CONCURRENT", "32"),
        ("MAX_QUEUE", "256"),
        ("MAX_CONNECTIONS", "1152"),
    ];
    assert_eq!(
        computed,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    Ok(())
}

#[test]
fn by_default_a_shutdown_is_over_before_the_platform_kills() -> Result<(), String> {
    let service = parse(&[], RESOURCES)?.service;
    // Docker and Cloud Run kill after 10 s; the last responses may take one of them.
    let longest = service.shutdown_delay + service.shutdown_grace + Duration::from_secs(1);
    assert!(longest < Duration::from_secs(10), "{longest:?}");
    Ok(())
}

#[test]
fn sizes_and_durations() {
    let sizes = [
        ("50MB", Some(50_000_000)),
        ("1MiB", Some(1 << 20)),
        ("1.5 KiB", Some(1536)),
        ("50000000", Some(50_000_000)),
        ("0", None),
        ("0MB", None),
        ("-1", None),
        ("", None),
        ("50 parsecs", None),
        ("99999999999GiB", None),
    ];
    for (text, bytes) in sizes {
        assert_eq!(size(text).ok(), bytes, "{text:?}");
    }
    let durations = [
        ("5s", Some(5_000)),
        ("1500ms", Some(1_500)),
        ("1m 30s", Some(90_000)),
        ("365days", Some(31_536_000_000)),
        ("366days", None),
        // The sum of this and the current time would overflow.
        ("500000000000years", None),
        ("0s", None),
        ("5", None),
        ("-5s", None),
        ("soon", None),
    ];
    for (text, millis) in durations {
        assert_eq!(
            positive_duration(text).ok(),
            millis.map(Duration::from_millis),
            "{text:?}"
        );
    }
}

#[test]
fn errors_are_one_line_that_names_the_setting() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["--cpu-limit", "5"], &["CPU_LIMIT", "10s"]),
        (&["--cpu-limit", "366days"], &["CPU_LIMIT", "365days"]),
        (&["--cpu-limit", "a\n\nUsage:"], &["CPU_LIMIT", "10s"]),
        (&["--cpu-limit", "0s"], &["CPU_LIMIT", "more than zero"]),
        (&["--memory-limit", "19MB"], &["MEMORY_LIMIT", "20MB"]),
        (&["--memory-limit", "5GiB"], &["MEMORY_LIMIT", "4GiB"]),
        (
            &["--stdout-limit", "0"],
            &["STDOUT_LIMIT", "more than zero"],
        ),
        (
            &["--max-concurrent", "0"],
            &["MAX_CONCURRENT", "1 to 1000000"],
        ),
        (&["--max-queue=-1"], &["MAX_QUEUE"]),
        (&["--entries-limit", "2001"], &["ENTRIES_LIMIT", "2000"]),
        (&["--port", "70000"], &["PORT", "65535"]),
        (&["--host", "nowhere.invalid"], &["HOST", "name"]),
        (&["--host", "a b"], &["HOST"]),
        (&["--metrics", "maybe"], &["METRICS", "true or false"]),
        (&["--playground", ""], &["PLAYGROUND", "true or false"]),
        (
            &["--allowed-hosts", "a.example:80"],
            &["ALLOWED_HOSTS", "without a port"],
        ),
        (&["--allowed-hosts", "a,,b"], &["ALLOWED_HOSTS"]),
        (&["--cors-origins", "*"], &["CORS_ORIGINS", "not supported"]),
        (&["--cors-origins", "null"], &["CORS_ORIGINS"]),
        (&["--cors-origins", "a.example"], &["CORS_ORIGINS"]),
        (&["--cors-origins", "https://a.example/"], &["CORS_ORIGINS"]),
        (
            &["--cors-origins", "https://a.example:443"],
            &["CORS_ORIGINS"],
        ),
        (&["--cors-origins", "https://A.example"], &["CORS_ORIGINS"]),
        (&["--cors-origins", "file:///a"], &["CORS_ORIGINS"]),
        (&["--log", "loud"], &["LOG", "debug"]),
        (&["--log-format", "xml"], &["LOG_FORMAT", "text, json"]),
        (
            &["--temp-root", "/nonexistent"],
            &["TEMP_ROOT", "not a directory"],
        ),
        (
            &["--max-connections", "1"],
            &["MAX_CONNECTIONS", "MAX_QUEUE"],
        ),
        (&["--rate-limit", "10"], &["RATE_LIMIT", "10/s"]),
        (&["--rate-limit", "10/d"], &["RATE_LIMIT", "10/s"]),
        (&["--rate-limit", "0/s"], &["RATE_LIMIT", "1 to 1000000"]),
        (&["--rate-burst", "5"], &["RATE_BURST", "RATE_LIMIT"]),
        (&["--trusted-proxies", "11"], &["TRUSTED_PROXIES", "10"]),
        (&["--require-auth"], &["REQUIRE_AUTH", "API_KEYS_FILE"]),
        (&["--require-auth=maybe"], &["REQUIRE_AUTH"]),
        (
            &["--api-keys-file", "/nonexistent"],
            &["API_KEYS_FILE", "cannot be read"],
        ),
        (
            &["--api-keys-file", "/dev/null"],
            &["API_KEYS_FILE", "no key"],
        ),
        (&["--api-keys", ""], &["key 1 of API_KEYS", "too short"]),
        (
            &["--oidc-issuer", "https://issuer.example"],
            &["OIDC_AUDIENCE"],
        ),
        (
            &["--oidc-audience", "https://me.example"],
            &["OIDC_AUDIENCE", "OIDC_ISSUER"],
        ),
        (
            &["--oidc-allowed-emails", "a@b.example"],
            &["OIDC_ALLOWED_EMAILS", "OIDC_ISSUER"],
        ),
        (
            &[
                "--oidc-issuer",
                "https://a.example",
                "--oidc-audience",
                "a,",
            ],
            &["OIDC_AUDIENCE", "empty"],
        ),
        (
            &[
                "--oidc-issuer",
                "https://accounts.google.com",
                "--oidc-audience",
                "a",
            ],
            &["anyone", "OIDC_ALLOWED_EMAILS"],
        ),
        (
            &[
                "--oidc-issuer",
                "https://a.example",
                "--oidc-audience",
                "a",
                "--ssl-cert-file",
                "/nonexistent",
            ],
            &["SSL_CERT_FILE", "cannot be read"],
        ),
        (
            &[
                "--oidc-issuer",
                "https://a.example",
                "--oidc-audience",
                "a",
                "--ssl-cert-file",
                "/dev/null",
            ],
            &["SSL_CERT_FILE", "no certificate"],
        ),
        (&["--cpu-limt", "5s"], &["--cpu-limt", "--cpu-limit"]),
        (&["surplus"], &["surplus"]),
    ];
    for (args, expected) in cases {
        let Err(line) = parse(args, RESOURCES) else {
            panic!("{args:?} was accepted")
        };
        assert!(!line.contains('\n'), "{line}");
        for words in *expected {
            assert!(line.contains(words), "{args:?}: {line}");
        }
    }
}

#[test]
fn too_little_address_space_names_what_to_change() {
    let with = |address_space| SystemResources {
        address_space: Some(address_space),
        ..RESOURCES
    };
    let cases: &[(u64, &[&str], &[&str])] = &[
        (2_000_000_000, &[], &["1.9 GiB", "ulimit -v", "raise"]),
        (
            10_000_000_000,
            &["--max-concurrent", "3"],
            &["9.3 GiB", "lower MAX_CONCURRENT to 2"],
        ),
    ];
    for (space, args, expected) in cases {
        let Err(line) = parse(args, with(*space)) else {
            panic!("{space} was enough for {args:?}")
        };
        for words in *expected {
            assert!(line.contains(words), "{line}");
        }
    }
}

#[test]
fn too_few_open_files_name_what_to_change() -> Result<(), String> {
    let with = |open_files| SystemResources {
        open_files: Some(open_files),
        ..RESOURCES
    };
    // 1152 connections, 32 scripts with 10 files and a directory each, and 512 besides.
    let connections = |files| parse(&[], with(files)).map(|config| config.capacity.connections);
    assert_eq!((connections(2016)?, connections(2015)?), (1152, 1151));
    // There are at least as many as requests that may run or wait, of which fewer may wait without files for more.
    assert_eq!(connections(1152)?, 288);
    let capacity = parse(&[], with(1000))?.capacity;
    assert_eq!((capacity.queue, capacity.connections), (104, 136));
    parse(&["--max-connections", "1000"], with(1864))?;
    let few = [
        "--max-concurrent",
        "1",
        "--max-queue",
        "1",
        "--open-files-limit",
        "5",
        "--max-connections",
        "8",
    ];
    parse(&few, with(526))?;
    let cases: &[(u64, &[&str], &[&str])] = &[
        (
            2015,
            &["--max-connections", "1152"],
            &["lower MAX_CONNECTIONS to 1151", "ulimit -n"],
        ),
        (
            525,
            &few,
            &["lower MAX_CONNECTIONS to 7", "OPEN_FILES_LIMIT"],
        ),
        (
            1151,
            &["--max-queue", "256"],
            &[
                "1151 files",
                "MAX_CONNECTIONS, MAX_CONCURRENT and MAX_QUEUE",
            ],
        ),
        (64, &[], &["64 files", "need 896"]),
    ];
    for (files, args, expected) in cases {
        let line = parse(args, with(*files)).err().unwrap_or_default();
        for words in *expected {
            assert!(line.contains(words), "{files}: {line}");
        }
    }
    Ok(())
}

#[test]
fn memory_must_suffice_for_at_least_one_run() -> Result<(), String> {
    let tiny = SystemResources {
        memory: 50 << 20,
        ..RESOURCES
    };
    let line = parse(&[], tiny).err().unwrap_or_default();
    for words in ["50.0 MiB", "lower MEMORY_LIMIT"] {
        assert!(line.contains(words), "{line}");
    }
    let lower = ["--memory-limit", "20MB", "--result-limit", "1MiB"];
    assert!(parse(&lower, tiny)?.fits_into_memory(tiny));
    assert!(!parse(&["--max-concurrent", "1000"], RESOURCES)?.fits_into_memory(RESOURCES));
    Ok(())
}

#[test]
fn all_switches_are_parsed_alike() -> Result<(), String> {
    for (text, on) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("yes", true),
        ("on", true),
        ("false", false),
        ("0", false),
        ("no", false),
        ("Off", false),
    ] {
        let config = parse(&["--metrics", text, "--playground", text], RESOURCES)?;
        let service = &config.service;
        assert_eq!((service.metrics, service.playground), (on, on), "{text}");
        let rejected = parse(&[&format!("--require-auth={text}")], RESOURCES).is_err();
        assert_eq!(rejected, on, "{text}");
    }
    Ok(())
}

#[test]
fn names_of_hosts_are_resolved() -> Result<(), String> {
    let host = |text| parse(&["--host", text], RESOURCES).map(|config| config.service.host);
    assert!(host("localhost")?.is_loopback());
    assert!(host("::1")?.is_loopback());
    assert!(host("0.0.0.0")?.is_unspecified());
    Ok(())
}

#[test]
fn capacity_follows_cores_memory_and_settings() -> Result<(), String> {
    let small = SystemResources {
        cores: 4,
        memory: 512 << 20,
        ..RESOURCES
    };
    let tiny = SystemResources {
        cores: 1,
        memory: 90 << 20,
        ..RESOURCES
    };
    let narrow = SystemResources {
        address_space: Some(10_000_000_000),
        ..RESOURCES
    };
    let cases: &[(SystemResources, &[&str], [u32; 3])] = &[
        (RESOURCES, &[], [32, 256, 1152]),
        (small, &[], [4, 32, 144]),
        (tiny, &[], [1, 8, 36]),
        (small, &["--memory-limit", "20MB"], [7, 56, 252]),
        (RESOURCES, &["--max-concurrent", "3"], [3, 24, 108]),
        (
            RESOURCES,
            &["--max-concurrent", "3", "--max-queue", "0"],
            [3, 0, 12],
        ),
        (RESOURCES, &["--max-connections", "5000"], [32, 256, 5000]),
        (narrow, &[], [2, 16, 72]),
    ];
    for (resources, args, [concurrent, queue, connections]) in cases {
        let expected = Capacity {
            concurrent: *concurrent,
            queue: *queue,
            queue_timeout: Duration::from_secs(10),
            connections: *connections,
        };
        assert_eq!(parse(args, *resources)?.capacity, expected, "{args:?}");
    }
    Ok(())
}

#[test]
fn keys_are_long_sendable_and_never_shown() -> Result<(), String> {
    let good = "0123456789abcdefABCDEF-._~+/0123456789==";
    let two = format!("{good}, x{good}");
    assert_eq!(
        parse(&["--api-keys", good], RESOURCES)?.access.keys.len(),
        1
    );
    let config = parse(&["--api-keys", &two], RESOURCES)?;
    assert_eq!(config.access.keys.len(), 2);
    assert!(!format!("{config:?}").contains(good));

    let short = &good[..31];
    let spaced = format!("{good} {good}");
    let cases = [
        (short.to_owned(), "key 1 of API_KEYS is too short"),
        (format!("{good},{short}"), "key 2 of API_KEYS is too short"),
        (format!("{good},"), "key 2 of API_KEYS is too short"),
        (spaced, "letters, digits"),
        (format!("{good}\u{e4}"), "letters, digits"),
    ];
    for (text, expected) in cases {
        let line = parse(&["--api-keys", &text], RESOURCES).err();
        let line = line.ok_or(text)?;
        assert!(line.contains(expected), "{line}");
        assert!(!line.contains(short), "{line}");
    }
    Ok(())
}

#[test]
fn issuers_have_secure_origins() {
    let cases = [
        ("https://issuer.example", true),
        ("https://issuer.example/realms/one/", true),
        ("https://10.0.0.1:8443", true),
        ("http://localhost:9000", true),
        ("http://127.0.0.1", true),
        ("http://[::1]:9000", true),
        ("http://issuer.example", false),
        ("http://localhost.example", false),
        ("http://10.0.0.1", false),
        ("https://user@issuer.example", false),
        ("https://issuer.example?x=y", false),
        ("https://issuer.example#x", false),
        ("ftp://localhost", false),
        ("file:///etc/passwd", false),
        ("issuer.example", false),
        ("https://", false),
        ("", false),
    ];
    for (issuer, accepted) in cases {
        let args = ["--oidc-issuer", issuer, "--oidc-audience", "me"];
        let result = parse(&args, RESOURCES);
        assert_eq!(result.is_ok(), accepted, "{issuer}");
        if let Err(line) = result {
            assert!(line.contains("OIDC_ISSUER"), "{line}");
        }
    }
}

#[test]
fn rates_and_bursts() -> Result<(), String> {
    let cases: &[(&[&str], &str, u32, u64)] = &[
        (&["--rate-limit", "10/s"], "10/s", 10, 100),
        (&["--rate-limit", " 600 / m "], "600/m", 600, 100),
        (&["--rate-limit", "1/h"], "1/h", 1, 3_600_000),
        (
            &["--rate-limit", "10/s", "--rate-burst", "50"],
            "10/s",
            50,
            100,
        ),
    ];
    for (args, rate, burst, millis) in cases {
        let limit = parse(args, RESOURCES)?
            .access
            .rate
            .ok_or("there is a limit")?;
        assert_eq!((&*limit.rate.to_string(), limit.burst), (*rate, *burst));
        assert_eq!(limit.interval(), Duration::from_millis(*millis));
    }
    assert_eq!(parse(&[], RESOURCES)?.access.rate, None);
    Ok(())
}
