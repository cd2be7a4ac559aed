//! A strict parser of metrics.

use std::collections::BTreeMap;

/// Metrics by name: that of the counter, gauge, histogram or info, as one asks Prometheus for it.
pub type Metrics = BTreeMap<String, Metric>;

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// `counter`, `gauge`, `histogram` or `info`.
    pub kind: String,
    /// The values, by the name's suffix and the labels as written.
    pub samples: BTreeMap<String, f64>,
}

impl Metric {
    /// The value of a sample.
    pub fn value(&self, sample: &str) -> Option<f64> {
        self.samples.get(sample).copied()
    }

    /// Values that are not zero by that label, which has to be the only one.
    pub fn by(&self, label: &str) -> BTreeMap<String, f64> {
        let counted = self.samples.iter().filter(|(_, value)| **value != 0.0);
        let named = counted.map(|(sample, value)| {
            let value_of_label = sample
                .strip_prefix(&format!("{{{label}=\""))
                .and_then(|rest| rest.strip_suffix("\"}"));
            (
                value_of_label.expect("it is the only label").to_owned(),
                *value,
            )
        });
        named.collect()
    }
}

/// A request for the metrics in the format that is read here.
pub fn open_metrics() -> String {
    super::get("/metrics").replacen("Host:", "Accept: application/openmetrics-text\r\nHost:", 1)
}

/// Reads the OpenMetrics text format.
///
/// # Panics
/// When it is not written as <https://prometheus.io/docs/specs/om/open_metrics_spec/> demands.
pub fn parse(text: &str) -> Metrics {
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
    let mut metrics = Metrics::new();
    let mut described = String::new();
    // Name and kind of the metric that the next samples are of.
    let mut current: Option<(String, String)> = None;
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let (keyword, rest) = comment.split_once(' ').expect("a comment says something");
            let (name, said) = rest.split_once(' ').expect("a comment is about something");
            match keyword {
                "HELP" => described = name.to_owned(),
                "TYPE" => {
                    assert_eq!(name, described, "{line}");
                    current = Some((name.to_owned(), said.to_owned()));
                    let suffix = match said {
                        "counter" => "_total",
                        "info" => "_info",
                        "gauge" | "histogram" => "",
                        other => panic!("unknown kind: {other}"),
                    };
                    let metric = Metric {
                        kind: said.to_owned(),
                        samples: BTreeMap::new(),
                    };
                    let before = metrics.insert(format!("{name}{suffix}"), metric);
                    assert!(before.is_none(), "{name} comes twice");
                }
                "UNIT" => assert!(name == described && name.ends_with(said), "{line}"),
                _ => panic!("unknown line: {line}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect("a sample has a value");
        let value: f64 = value.parse().expect("the value is a number");
        let (name, kind) = current.as_ref().expect("a sample is of a metric");
        let rest = sample.strip_prefix(name.as_str()).expect("of this metric");
        let full_name = match kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.clone(),
        };
        let suffix = &full_name[name.len()..];
        let rest = rest.strip_prefix(suffix).expect("with its suffix");
        let metric = metrics.get_mut(&full_name).expect("it has been announced");
        let before = metric.samples.insert(rest.to_owned(), value);
        assert!(before.is_none(), "{sample} comes twice");
    }
    for (name, metric) in &metrics {
        check(name, metric);
    }
    metrics
}

/// Checks that the samples of a metric are consistent.
fn check(name: &str, metric: &Metric) {
    assert!(!metric.samples.is_empty(), "{name} has no sample");
    if metric.kind != "histogram" {
        let plain = |sample: &String| sample.is_empty() || sample.starts_with('{');
        assert!(metric.samples.keys().all(plain), "{name}: {metric:?}");
        return;
    }
    let buckets = metric.samples.iter().filter_map(|(sample, count)| {
        let end = sample.strip_prefix("_bucket{le=\"")?.strip_suffix("\"}")?;
        Some((
            end.replace('+', "").parse::<f64>().expect("a number"),
            *count,
        ))
    });
    let mut buckets: Vec<_> = buckets.collect();
    assert_eq!(
        buckets.len() + 2,
        metric.samples.len(),
        "{name}: {metric:?}"
    );
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(
        buckets.is_sorted_by_key(|bucket| bucket.1),
        "{name}: {buckets:?}"
    );
    let last = buckets.last().copied();
    let count = metric.value("_count").expect("a histogram has a count");
    assert_eq!(last, Some((f64::INFINITY, count)), "{name}");
    assert!(metric.value("_sum").is_some_and(|sum| sum >= 0.0), "{name}");
}
