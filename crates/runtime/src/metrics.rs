//! Prometheus metrics: one registry, names made once, rendered by our own route.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Default)]
struct Inner {
    registry: Registry,
    counters: BTreeMap<&'static str, Counter>,
    gauges: BTreeMap<&'static str, Gauge>,
    histograms: BTreeMap<&'static str, Histogram>,
}

/// The metrics of one process; cheap to clone. No member names, people or addresses ever become labels or values.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<Inner>>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// The counter `lianfang_<name>_total`, made at first use.
    #[must_use]
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        let mut inner = self.lock();
        if let Some(found) = inner.counters.get(name) {
            return found.clone();
        }
        let made = Counter::default();
        inner.registry.register(format!("lianfang_{name}"), help.trim_end_matches('.'), made.clone());
        inner.counters.insert(name, made.clone());
        made
    }

    /// The gauge `lianfang_<name>`.
    #[must_use]
    pub fn gauge(&self, name: &'static str, help: &'static str) -> Gauge {
        let mut inner = self.lock();
        if let Some(found) = inner.gauges.get(name) {
            return found.clone();
        }
        let made = Gauge::default();
        inner.registry.register(format!("lianfang_{name}"), help.trim_end_matches('.'), made.clone());
        inner.gauges.insert(name, made.clone());
        made
    }

    /// The histogram `lianfang_<name>`, in seconds, from 0.5 ms to about 16 s.
    #[must_use]
    pub fn seconds(&self, name: &'static str, help: &'static str) -> Histogram {
        let mut inner = self.lock();
        if let Some(found) = inner.histograms.get(name) {
            return found.clone();
        }
        let made = Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        inner.registry.register(format!("lianfang_{name}"), help.trim_end_matches('.'), made.clone());
        inner.histograms.insert(name, made.clone());
        made
    }

    /// The text exposition of everything.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _infallible = encode(&mut out, &self.lock().registry);
        out
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_name_same_counter_and_text_form() {
        let metrics = Metrics::default();
        metrics.counter("ingest_lines", "Lines that came in.").inc();
        metrics.counter("ingest_lines", "Lines that came in.").inc();
        metrics.gauge("spool_depth", "Waiting events.").set(7);
        let text = metrics.render();
        assert!(text.contains("lianfang_ingest_lines_total 2"), "{text}");
        assert!(text.contains("lianfang_spool_depth 7"), "{text}");
    }
}
