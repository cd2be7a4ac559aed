//! Downloads of pinned files.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::progress::download_bar;
use super::{SourceArchive, publish, sha256};

/// The largest file that is accepted, so that a wrong server cannot fill the disk.
const MAX_BYTES: u64 = 200 << 20;
/// A server that cannot be reached within this time is skipped.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time within which a server must start its response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the bytes of `archive`: from `downloads`, the user's cache or its sources, in this order.
///
/// # Errors
/// When it is found nowhere, or its digest is wrong; then it is not kept.
pub fn fetch(archive: &SourceArchive, downloads: Option<&Path>) -> Result<Vec<u8>> {
    if let Some(path) = downloads.map(|directory| directory.join(&archive.file))
        && path.exists()
    {
        return verify(read(&path)?, archive, &path.display().to_string());
    }
    let cached = cache_directory()?.join(&archive.file);
    if cached.exists() {
        let verified = verify(read(&cached)?, archive, &cached.display().to_string());
        if verified.is_err() {
            std::fs::remove_file(&cached)?;
        }
        return verified;
    }
    let bytes = download(archive)?;
    publish(&cached, &bytes)?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}

fn verify(bytes: Vec<u8>, archive: &SourceArchive, origin: &str) -> Result<Vec<u8>> {
    let digest = sha256(&bytes);
    if digest != archive.sha256 {
        bail!(
            "{origin} is not the pinned {}: its SHA-256 is {digest}, not {}",
            archive.file,
            archive.sha256
        );
    }
    Ok(bytes)
}

/// Returns the directory of downloads that all checkouts share.
fn cache_directory() -> Result<PathBuf> {
    let base = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
        (_, Some(home)) => Path::new(&home).join(".cache"),
        _ => {
            bail!("neither XDG_CACHE_HOME nor HOME is set, so there is no directory for downloads")
        }
    };
    let directory = base.join("python-executor");
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("creating {}", directory.display()))?;
    Ok(directory)
}

fn download(archive: &SourceArchive) -> Result<Vec<u8>> {
    let mut failures = String::new();
    for address in addresses(archive) {
        match get(&address).and_then(|bytes| verify(bytes, archive, &address)) {
            Ok(bytes) => return Ok(bytes),
            Err(error) => failures += &format!("\n  {address}: {error:#}"),
        }
    }
    bail!(
        "{} could not be downloaded. Put the file into a directory and name that with --downloads.{failures}",
        archive.file
    )
}

/// Returns the archive's addresses, with `{debian}` replaced by each mirror of apt's configuration.
fn addresses(archive: &SourceArchive) -> Vec<String> {
    let mirrors = debian_mirrors(Command::new("apt-get"));
    let expand = |source: &String| match source.strip_prefix("{debian}") {
        Some(path) => mirrors
            .iter()
            .map(|mirror| format!("{}{path}", mirror.trim_end_matches('/')))
            .collect(),
        None => vec![source.clone()],
    };
    archive.sources.iter().flat_map(expand).collect()
}

/// Returns the mirrors of apt's configuration. Without release info they are listed even if the package lists
/// have been deleted, as in most container images.
fn debian_mirrors(mut apt_get: Command) -> Vec<String> {
    let list = [
        "indextargets",
        "--no-release-info",
        "--format",
        "$(REPO_URI)",
    ];
    let text = apt_get
        .args(list)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let mut mirrors: Vec<String> = text.lines().map(str::to_owned).collect();
    mirrors.sort();
    mirrors.dedup();
    mirrors
}

fn get(address: &str) -> Result<Vec<u8>> {
    let client = ureq::Agent::config_builder()
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(RESPONSE_TIMEOUT))
        .build()
        .new_agent();
    let response = client.get(address).call()?;
    let bar = download_bar(response.body().content_length());
    let mut bytes = Vec::new();
    bar.wrap_read(response.into_body().into_reader())
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)?;
    bar.finish_and_clear();
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(sha256: &str) -> SourceArchive {
        SourceArchive {
            version: "1".into(),
            file: "source.tar.xz".into(),
            sha256: sha256.into(),
            sources: Vec::new(),
        }
    }

    #[test]
    fn only_the_pinned_file_is_taken() -> Result<()> {
        let downloads = tempfile::tempdir()?;
        let path = downloads.path().join("source.tar.xz");
        std::fs::write(&path, "right")?;
        let pinned = archive(&sha256(b"right"));
        assert_eq!(fetch(&pinned, Some(downloads.path()))?, b"right");
        std::fs::write(&path, "wrong")?;
        let error = fetch(&pinned, Some(downloads.path())).map_err(|error| error.to_string());
        let message = error.err().unwrap_or_default();
        assert!(
            message.contains("source.tar.xz is not the pinned"),
            "{message}"
        );
        assert!(message.contains(&sha256(b"wrong")), "{message}");
        Ok(())
    }

    #[test]
    fn mirrors_are_known_where_the_package_lists_have_been_deleted() -> Result<()> {
        if Command::new("apt-get").arg("--version").output().is_err() {
            return Ok(());
        }
        let directory = tempfile::tempdir()?;
        let root = directory.path().display();
        let sources = directory.path().join("sources.list");
        std::fs::write(&sources, "deb http://mirror.example/debian trixie main\n")?;
        let settings = directory.path().join("apt.conf");
        std::fs::write(
            &settings,
            format!(
                "Dir::State::Lists \"{root}/lists\";\n\
                 Dir::Etc::SourceList \"{root}/sources.list\";\n\
                 Dir::Etc::SourceParts \"/dev/null\";\n"
            ),
        )?;
        let mut apt_get = Command::new("apt-get");
        apt_get.env("APT_CONFIG", &settings);
        assert_eq!(debian_mirrors(apt_get), ["http://mirror.example/debian/"]);
        Ok(())
    }
}
