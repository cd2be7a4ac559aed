//! Control groups (Linux): the memory limit of this process.
//!
//! A limit holds for a group and for all groups below it, so the smallest one between the process's
//! own group and the root of the mounted hierarchy counts. Both versions are read: in version 1 the
//! memory controller has a hierarchy of its own, in version 2 there is one hierarchy for everything.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// Files with one number each. Above `memory.high` the kernel throttles the group, so memory beyond
/// it is of no use either.
const LIMIT_FILES: [&str; 3] = ["memory.max", "memory.high", "memory.limit_in_bytes"];
/// In `memory.stat` of version 1: the smallest limit of the group and of all groups above, of those
/// too that are above the mount.
const INHERITED_LIMIT: &str = "hierarchical_memory_limit ";

/// Returns the smallest memory limit in bytes, if there is any. `root` is the root directory that
/// `/proc` and the mount points are in.
pub(super) fn memory_limit(root: &Path) -> Option<u64> {
    let read = |path: &str| fs::read(root.join(path)).unwrap_or_default();
    let memberships = String::from_utf8_lossy(&read("proc/self/cgroup")).into_owned();
    let mounts = read("proc/self/mountinfo");
    let mounts = mounts.split(|byte| *byte == b'\n').filter_map(Mount::parse);
    let limits = mounts.filter_map(|mount| {
        let group = own_group(&memberships, mount.version)?;
        mount.smallest_limit(root, Path::new(group))
    });
    limits.min()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The path of the process's group within a hierarchy, from `/proc/self/cgroup`. Its lines are
/// `number:controllers:path`; the one of version 2 is `0::path`.
fn own_group(memberships: &str, version: Version) -> Option<&str> {
    memberships.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let found = match version {
            Version::One => controllers.split(',').any(|name| name == "memory"),
            Version::Two => number == "0" && controllers.is_empty(),
        };
        found.then_some(path)
    })
}

/// A mounted hierarchy that may limit memory.
struct Mount {
    version: Version,
    /// The group that is at the mount point.
    group: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// Reads a line of `/proc/self/mountinfo`.
    fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let group = unescape(fields.nth(3)?);
        let point = unescape(fields.next()?);
        // A varying number of fields ends with a hyphen.
        let mut fields = fields.skip_while(|field| field != b"-").skip(1);
        let version = match fields.next()? {
            b"cgroup2" => Version::Two,
            b"cgroup" => {
                let mut options = fields.nth(1)?.split(|byte| *byte == b',');
                options
                    .any(|option| option == b"memory")
                    .then_some(Version::One)?
            }
            _ => return None,
        };
        Some(Self {
            version,
            group,
            point,
        })
    }

    /// The smallest limit of `group` and of those above it, up to the mount point.
    fn smallest_limit(&self, root: &Path, group: &Path) -> Option<u64> {
        let below = group.strip_prefix(&self.group).ok();
        // Of a group that is not below the mounted one, only the mount point can be seen.
        let below =
            below.filter(|path| !path.components().any(|part| part == Component::ParentDir));
        let below = below.unwrap_or(Path::new(""));
        let point = root.join(self.point.strip_prefix("/").unwrap_or(&self.point));
        let groups = below.ancestors().map(|group| point.join(group));
        groups.filter_map(|group| limit_of(&group)).min()
    }
}

/// The limit that the files of one group name.
fn limit_of(group: &Path) -> Option<u64> {
    let own = LIMIT_FILES.iter().filter_map(|file| {
        let text = fs::read_to_string(group.join(file)).ok()?;
        // The word `max` stands for no limit.
        text.trim().parse().ok()
    });
    let statistics = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let inherited = statistics
        .lines()
        .filter_map(|line| line.strip_prefix(INHERITED_LIMIT)?.trim().parse().ok());
    own.chain(inherited).min()
}

/// A path of mountinfo, in which blanks are written as a backslash and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let code = after.first_chunk::<3>().filter(|_| *first == b'\\');
        let code = code.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    const TWO: &str = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
    const ONE: &str = "31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
         32 24 0:28 / /sys/fs/cgroup/memory rw shared:10 master:1 - cgroup cgroup rw,memory\n";
    /// The host's groups, seen in a container without a cgroup namespace of its own.
    const CONTAINER: &str =
        "40 24 0:28 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";

    /// A root directory with the two files of `/proc` and these files.
    fn tree(
        cgroup: &str,
        mountinfo: &str,
        files: &[(&str, &str)],
    ) -> io::Result<tempfile::TempDir> {
        let root = tempfile::tempdir()?;
        let proc = [
            ("proc/self/cgroup", cgroup),
            ("proc/self/mountinfo", mountinfo),
        ];
        for (path, text) in proc.iter().chain(files) {
            let path = root.path().join(path);
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            fs::write(path, text)?;
        }
        Ok(root)
    }

    #[test]
    fn the_smallest_limit_of_all_groups_above_counts() -> io::Result<()> {
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Option<u64>);
        let cases: &[Case] = &[
            // systemd: the limit of the unit, that of its slice, and none at all.
            (
                "0::/system.slice/executor.service\n",
                TWO,
                &[
                    (
                        "sys/fs/cgroup/system.slice/executor.service/memory.max",
                        "536870912\n",
                    ),
                    ("sys/fs/cgroup/system.slice/memory.max", "max\n"),
                ],
                Some(512 << 20),
            ),
            (
                "0::/a.slice/b.service\n",
                TWO,
                &[
                    ("sys/fs/cgroup/a.slice/b.service/memory.max", "1073741824\n"),
                    ("sys/fs/cgroup/a.slice/memory.max", "268435456\n"),
                ],
                Some(256 << 20),
            ),
            (
                "0::/a.slice/b.service\n",
                TWO,
                &[("sys/fs/cgroup/a.slice/b.service/memory.max", "max\n")],
                None,
            ),
            // The group is throttled before it reaches its limit.
            (
                "0::/a\n",
                TWO,
                &[
                    ("sys/fs/cgroup/a/memory.max", "3000\n"),
                    ("sys/fs/cgroup/a/memory.high", "2000\n"),
                ],
                Some(2000),
            ),
            // A container with a cgroup namespace: its own group is the root.
            (
                "0::/\n",
                TWO,
                &[("sys/fs/cgroup/memory.max", "4096\n")],
                Some(4096),
            ),
            // A group outside of the namespace: only the mount point can be seen.
            (
                "0::/../other\n",
                TWO,
                &[
                    ("sys/fs/cgroup/memory.max", "4096\n"),
                    ("sys/fs/other/memory.max", "1\n"),
                ],
                Some(4096),
            ),
            // Version 1, with the group of another controller beside.
            (
                "3:cpu,cpuacct:/x\n2:memory:/a/b\n0::/c\n",
                ONE,
                &[
                    (
                        "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
                        "9223372036854771712\n",
                    ),
                    (
                        "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
                        "536870912\n",
                    ),
                    ("sys/fs/cgroup/cpu/x/memory.limit_in_bytes", "1\n"),
                ],
                Some(512 << 20),
            ),
            (
                "2:memory:/docker/ab\n",
                CONTAINER,
                &[
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
                    (
                        "sys/fs/cgroup/memory/memory.stat",
                        "cache 7\nhierarchical_memory_limit 4096\nhierarchical_memsw_limit 8\n",
                    ),
                ],
                Some(4096),
            ),
            // A hybrid host: the hierarchy of version 2 has no memory controller.
            (
                "2:memory:/a\n0::/b\n",
                &format!("33 24 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n{ONE}"),
                &[
                    ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096\n"),
                    ("sys/fs/cgroup/unified/b/cgroup.procs", "1\n"),
                ],
                Some(4096),
            ),
            (
                "0::/a\n",
                "30 24 0:26 / /other\\040place rw - cgroup2 none rw\n",
                &[("other place/a/memory.max", "4096\n")],
                Some(4096),
            ),
            ("", "", &[], None),
            ("0::/a\n", "garbage\n\n- \n", &[], None),
        ];
        for (cgroup, mountinfo, files, expected) in cases {
            let root = tree(cgroup, mountinfo, files)?;
            assert_eq!(memory_limit(root.path()), *expected, "{cgroup:?} {files:?}");
        }
        Ok(())
    }

    #[test]
    fn without_proc_there_is_no_limit() -> io::Result<()> {
        assert_eq!(memory_limit(tempfile::tempdir()?.path()), None);
        Ok(())
    }
}
