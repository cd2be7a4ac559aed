//! The text formats of metrics: OpenMetrics, and the older one of Prometheus.

use std::fmt::Write;

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus text format 0.0.4, which every reader of metrics understands.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// The media type, with its parameters.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Converts OpenMetrics to the format of Prometheus. The samples are the same; metrics are described under
/// the names of their samples, have no units, and an info is a gauge.
pub(super) fn prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    for line in open_metrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            // The name depends on the type, which is on the next line.
            help = described.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap_or((typed, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n"
            );
        } else if !line.starts_with('#') {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_described_by_the_names_of_their_samples() {
        let open_metrics = "\
            # HELP runs Runs that ended.\n# TYPE runs counter\nruns_total{kind=\"ok\"} 3\n\
            # HELP build What is running.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
            # HELP wait_seconds Time.\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n\
            wait_seconds_sum 0.5\nwait_seconds_count 1\nwait_seconds_bucket{le=\"+Inf\"} 1\n\
            # EOF\n";
        let expected = "\
            # HELP runs_total Runs that ended.\n# TYPE runs_total counter\nruns_total{kind=\"ok\"} 3\n\
            # HELP build_info What is running.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
            # HELP wait_seconds Time.\n# TYPE wait_seconds histogram\n\
            wait_seconds_sum 0.5\nwait_seconds_count 1\nwait_seconds_bucket{le=\"+Inf\"} 1\n";
        assert_eq!(prometheus(open_metrics), expected);
    }
}
