//! Content negotiation: which format of the metrics a request prefers (RFC 9110, section 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use crate::telemetry::Exposition;

/// Returns the format that the request prefers. OpenMetrics has to be named explicitly; a request that
/// accepts neither format gets that of Prometheus.
pub(super) fn exposition(headers: &HeaderMap) -> Exposition {
    let values = headers.get_all(ACCEPT).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let ranges: Vec<_> = values
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect();
    let best = |media_types: &[&str], version: &str| {
        let matching = ranges.iter().filter(|range| {
            media_types.contains(&range.media_type.as_str())
                && range
                    .version
                    .as_deref()
                    .is_none_or(|wanted| wanted == version)
        });
        matching.map(|range| range.quality).max()
    };
    let open_metrics = best(&["application/openmetrics-text"], "1.0.0").unwrap_or(0);
    // The most specific range takes precedence.
    let prometheus = best(&["text/plain"], "0.0.4")
        .or_else(|| best(&["text/*"], "0.0.4"))
        .or_else(|| best(&["*/*"], "0.0.4"))
        .unwrap_or(0);
    if open_metrics > 0 && open_metrics >= prometheus {
        Exposition::OpenMetrics
    } else {
        Exposition::Prometheus
    }
}

/// A media range of the header.
struct Range {
    media_type: String,
    version: Option<String>,
    /// In thousandths.
    quality: u16,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut range = Self {
            media_type: parts.next()?.to_ascii_lowercase(),
            version: None,
            quality: 1000,
        };
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "version" => range.version = Some(value.to_owned()),
                "q" => range.quality = quality(value)?,
                _ => {}
            }
        }
        Some(range)
    }
}

/// A weight from 0 to 1 with at most three decimals.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if decimals.len() > 3 || !digits(decimals) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn open_metrics_is_sent_if_the_request_prefers_it() {
        use Exposition::{OpenMetrics, Prometheus};
        let cases: &[(&[&str], Exposition)] = &[
            (&[], Prometheus),
            (&["*/*"], Prometheus),
            (&["text/plain"], Prometheus),
            (&["application/json"], Prometheus),
            (&["application/openmetrics-text"], OpenMetrics),
            (
                &["Application/OpenMetrics-Text; Version=1.0.0"],
                OpenMetrics,
            ),
            (
                &["application/openmetrics-text; version=\"1.0.0\""],
                OpenMetrics,
            ),
            (&["application/openmetrics-text; version=2.0.0"], Prometheus),
            (&["application/openmetrics-text, */*"], OpenMetrics),
            (&["application/openmetrics-text;q=0"], Prometheus),
            (
                &["application/openmetrics-text;q=0.2, text/plain;q=0.3"],
                Prometheus,
            ),
            (
                &["application/openmetrics-text;q=0.2", "text/plain;q=0.1"],
                OpenMetrics,
            ),
            (
                &["application/openmetrics-text;q=0.2, text/*;q=0.1, */*;q=0.3"],
                OpenMetrics,
            ),
            (
                &["application/openmetrics-text;q=nonsense, text/plain;q=0.1"],
                Prometheus,
            ),
            // Prometheus with its defaults, and set to prefer the older format.
            (
                &[
                    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                   application/openmetrics-text;version=0.0.1;q=0.5,\
                   text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                   text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                ],
                OpenMetrics,
            ),
            (
                &["text/plain;version=0.0.4;q=0.6,\
                   application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.2"],
                Prometheus,
            ),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(exposition(&headers), *expected, "{values:?}");
        }
    }
}
