//! Counters and latency histograms in the Prometheus text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};

/// Upper bounds of the latency buckets, microseconds.
const BUCKETS_US: [u64; 10] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000];

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS_US.len()],
    count: u64,
    sum_us: u64,
}

/// What is counted. Label values come from the route table, so their number is bounded.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(String, String, u16), u64>>,
    latency: Mutex<BTreeMap<String, Histogram>>,
    cache_hits: AtomicU64,
    cache_misses: AtomicU64,
    compatible: AtomicU64,
    incompatible: AtomicU64,
}

impl Metrics {
    pub(crate) fn request(&self, method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
        let method = match *method {
            Method::GET | Method::POST | Method::PUT | Method::DELETE | Method::HEAD | Method::OPTIONS => {
                method.as_str()
            }
            _ => "other",
        };
        let key = (method.to_owned(), route.to_owned(), status.as_u16());
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        let mut latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = latency.entry(route.to_owned()).or_default();
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        histogram.count += 1;
        histogram.sum_us = histogram.sum_us.saturating_add(micros);
        for (bound, bucket) in BUCKETS_US.iter().zip(&mut histogram.buckets) {
            *bucket += u64::from(micros <= *bound);
        }
    }

    pub(crate) fn cache(&self, hit: bool) {
        let counter = if hit { &self.cache_hits } else { &self.cache_misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn verdict(&self, compatible: bool) {
        let counter = if compatible { &self.compatible } else { &self.incompatible };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The exposition; `contents` and `bodies` are the entries of the two caches.
    pub(crate) fn render(&self, contents: u64, bodies: u64) -> String {
        let mut text = String::new();
        self.render_requests(&mut text);
        self.render_latency(&mut text);
        let values = [
            ("assay_registry_cache_hits_total", "counter", self.cache_hits.load(Ordering::Relaxed)),
            ("assay_registry_cache_misses_total", "counter", self.cache_misses.load(Ordering::Relaxed)),
            ("assay_registry_compatible_total", "counter", self.compatible.load(Ordering::Relaxed)),
            ("assay_registry_incompatible_total", "counter", self.incompatible.load(Ordering::Relaxed)),
            ("assay_registry_cached_schemas", "gauge", contents),
            ("assay_registry_cached_bodies", "gauge", bodies),
        ];
        for (name, kind, value) in values {
            line(&mut text, format_args!("# TYPE {name} {kind}\n{name} {value}"));
        }
        text
    }

    fn render_requests(&self, text: &mut String) {
        line(text, format_args!("# TYPE assay_registry_requests_total counter"));
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((method, route, status), count) in requests.iter() {
            line(
                text,
                format_args!(
                    "assay_registry_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {count}"
                ),
            );
        }
    }

    fn render_latency(&self, text: &mut String) {
        line(text, format_args!("# TYPE assay_registry_request_duration_seconds histogram"));
        let name = "assay_registry_request_duration_seconds";
        let latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        for (route, histogram) in latency.iter() {
            for (bound, count) in BUCKETS_US.iter().zip(histogram.buckets) {
                let seconds = Duration::from_micros(*bound).as_secs_f64();
                line(text, format_args!("{name}_bucket{{route=\"{route}\",le=\"{seconds}\"}} {count}"));
            }
            line(text, format_args!("{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {}", histogram.count));
            let sum = Duration::from_micros(histogram.sum_us).as_secs_f64();
            line(text, format_args!("{name}_sum{{route=\"{route}\"}} {sum}"));
            line(text, format_args!("{name}_count{{route=\"{route}\"}} {}", histogram.count));
        }
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    if text.write_fmt(arguments).is_ok() {
        text.push('\n');
    }
}
