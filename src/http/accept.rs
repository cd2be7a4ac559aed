//! Content negotiation: which media type a request prefers (RFC 9110, section 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use crate::telemetry::Exposition;

/// Returns the format of the metrics that the request prefers. OpenMetrics has to be named explicitly; a request that
/// accepts neither format gets that of Prometheus.
pub(super) fn exposition(headers: &HeaderMap) -> Exposition {
    let open_metrics = quality(headers, "application/openmetrics-text", "1.0.0").unwrap_or(0);
    let prometheus = quality_of_default(headers, "text/plain", "text/*", "0.0.4");
    if open_metrics > 0 && open_metrics >= prometheus {
        Exposition::OpenMetrics
    } else {
        Exposition::Prometheus
    }
}

/// Returns which of `media_types` the request prefers to `default`, a kind of `application`. They have to be named
/// explicitly.
pub(super) fn preferred(headers: &HeaderMap, media_types: &[&str], default: &str) -> Option<usize> {
    let default = quality_of_default(headers, default, "application/*", "");
    let qualities = media_types.iter().enumerate().filter_map(|(index, name)| {
        let quality = quality(headers, name, "")?;
        (quality > 0 && quality >= default).then_some((index, quality))
    });
    // The first one of those that are preferred equally.
    let best = qualities.rev().max_by_key(|(_, quality)| *quality);
    best.map(|(index, _)| index)
}

/// Returns the quality of a media type that wildcards include. The most specific range takes precedence.
fn quality_of_default(headers: &HeaderMap, media_type: &str, family: &str, version: &str) -> u16 {
    quality(headers, media_type, version)
        .or_else(|| quality(headers, family, version))
        .or_else(|| quality(headers, "*/*", version))
        .unwrap_or(0)
}

/// Returns the quality of the range with this name, unless it is for another version.
fn quality(headers: &HeaderMap, range: &str, version: &str) -> Option<u16> {
    let values = headers.get_all(ACCEPT).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    let ranges = ranges.filter_map(Range::parse).filter(|candidate| {
        candidate.media_type.eq_ignore_ascii_case(range)
            && candidate.version.is_none_or(|wanted| wanted == version)
    });
    ranges.map(|range| range.quality).max()
}

/// A media range of the header.
struct Range<'a> {
    media_type: &'a str,
    version: Option<&'a str>,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let mut range = Self {
            media_type: parts.next()?,
            version: None,
            quality: 1000,
        };
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("version") {
                range.version = Some(value);
            } else if name.eq_ignore_ascii_case("q") {
                range.quality = parse_quality(value)?;
            }
        }
        Some(range)
    }
}

/// A weight from 0 to 1 with at most three decimals.
fn parse_quality(text: &str) -> Option<u16> {
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
