//! Counters and latency histograms in the Prometheus text format.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use crate::api::ROUTES;
use crate::store::Census;

/// How old a count of rows may be.
const CENSUS_AGE_MAX: Duration = Duration::from_mins(1);

/// Upper bounds of the latency buckets, microseconds.
const BUCKETS_US: [u64; 10] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000];

/// Statuses counted on their own; the last slot takes all others.
const STATUSES: [u16; 14] = [200, 204, 400, 404, 405, 406, 408, 409, 413, 415, 422, 500, 503, 0];

/// Counts of one entry of the route table.
#[derive(Debug, Default)]
struct Route {
    statuses: [AtomicU64; STATUSES.len()],
    buckets: [AtomicU64; BUCKETS_US.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

/// What is counted. Labels come from the route table, so their number is bounded, and counting takes no lock.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// One per entry of [`ROUTES`], then one for requests that match none.
    routes: Vec<Route>,
    cache_hits: AtomicU64,
    cache_misses: AtomicU64,
    compatible: AtomicU64,
    incompatible: AtomicU64,
    /// What was counted in the database, and when: scrapers may ask more often than rows should be counted.
    census: Mutex<Option<(Instant, Census)>>,
}

/// What the store says of itself at the time of a scrape.
#[derive(Debug, Default)]
pub(crate) struct StoreFigures {
    /// Time the database took to answer; `None` if it did not.
    pub(crate) answered_in: Option<Duration>,
    /// Events that are not in the hash chain yet.
    pub(crate) unsealed: Option<i64>,
    /// How much is stored.
    pub(crate) census: Option<Census>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            routes: (0..=ROUTES.len()).map(|_| Route::default()).collect(),
            cache_hits: AtomicU64::default(),
            cache_misses: AtomicU64::default(),
            compatible: AtomicU64::default(),
            incompatible: AtomicU64::default(),
            census: Mutex::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn request(&self, method: &Method, path: &str, status: StatusCode, elapsed: Duration) {
        // HEAD is answered by the GET of its path.
        let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
        let index =
            ROUTES.iter().position(|(known, verb)| *known == path && verb.eq_ignore_ascii_case(method));
        let Some(route) = self.routes.get(index.unwrap_or(ROUTES.len())) else { return };
        let slot = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len() - 1);
        if let Some(counter) = route.statuses.get(slot) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        route.count.fetch_add(1, Ordering::Relaxed);
        route.sum_us.fetch_add(micros, Ordering::Relaxed);
        // Buckets are summed up when they are printed.
        let bucket = BUCKETS_US.iter().position(|bound| micros <= *bound);
        if let Some(counter) = bucket.and_then(|bucket| route.buckets.get(bucket)) {
            counter.fetch_add(1, Ordering::Relaxed);
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

    /// The last count, unless it is too old.
    pub(crate) fn known_census(&self) -> Option<Census> {
        let known = self.census.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(at, _)| at.elapsed() < CENSUS_AGE_MAX).map(|(_, census)| census.clone())
    }

    pub(crate) fn remember_census(&self, census: Census) {
        *self.census.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), census));
    }

    /// The exposition; `contents` and `bodies` are the entries of the two caches.
    pub(crate) fn render(&self, contents: u64, bodies: u64, store: &StoreFigures) -> String {
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
        render_store(&mut text, store);
        text
    }

    /// Routes that were asked for, with their labels.
    fn used(&self) -> impl Iterator<Item = (&'static str, String, &Route)> {
        let labels = ROUTES.iter().copied().chain([("unmatched", "other")]);
        let used = labels.zip(&self.routes).filter(|(_, route)| route.count.load(Ordering::Relaxed) > 0);
        used.map(|((path, verb), route)| (path, verb.to_uppercase(), route))
    }

    fn render_requests(&self, text: &mut String) {
        let name = "assay_registry_requests_total";
        line(text, format_args!("# TYPE {name} counter"));
        for (path, method, route) in self.used() {
            for (status, count) in STATUSES.iter().zip(&route.statuses) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let status = if *status == 0 { "other".to_owned() } else { status.to_string() };
                    line(
                        text,
                        format_args!(
                            "{name}{{method=\"{method}\",route=\"{path}\",status=\"{status}\"}} {count}"
                        ),
                    );
                }
            }
        }
    }

    fn render_latency(&self, text: &mut String) {
        let name = "assay_registry_request_duration_seconds";
        line(text, format_args!("# TYPE {name} histogram"));
        for (path, method, route) in self.used() {
            let labels = format!("method=\"{method}\",route=\"{path}\"");
            let mut below = 0;
            for (bound, count) in BUCKETS_US.iter().zip(&route.buckets) {
                below += count.load(Ordering::Relaxed);
                let seconds = Duration::from_micros(*bound).as_secs_f64();
                line(text, format_args!("{name}_bucket{{{labels},le=\"{seconds}\"}} {below}"));
            }
            let count = route.count.load(Ordering::Relaxed);
            line(text, format_args!("{name}_bucket{{{labels},le=\"+Inf\"}} {count}"));
            let sum = Duration::from_micros(route.sum_us.load(Ordering::Relaxed)).as_secs_f64();
            line(text, format_args!("{name}_sum{{{labels}}} {sum}"));
            line(text, format_args!("{name}_count{{{labels}}} {count}"));
        }
    }
}

fn render_store(text: &mut String, store: &StoreFigures) {
    let gauge = |text: &mut String, name: &str, labels: &str, value: &dyn Display| {
        line(text, format_args!("# TYPE {name} gauge\n{name}{labels} {value}"));
    };
    gauge(text, "assay_registry_store_up", "", &u8::from(store.answered_in.is_some()));
    if let Some(time) = store.answered_in {
        gauge(text, "assay_registry_store_answer_seconds", "", &time.as_secs_f64());
    }
    if let Some(unsealed) = store.unsealed {
        gauge(text, "assay_registry_unsealed_events", "", &unsealed);
    }
    if let Some(census) = &store.census {
        gauge(text, "assay_registry_schemas", "{type=\"AVRO\"}", &census.schemas);
        gauge(text, "assay_registry_versions", "", &census.versions);
        gauge(text, "assay_registry_associations", "", &census.associations);
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    if text.write_fmt(arguments).is_ok() {
        text.push('\n');
    }
}
