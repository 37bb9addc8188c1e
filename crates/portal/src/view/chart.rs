//! The attack timeline as an SVG that the server draws; uPlot redraws it from the table where scripts run.

use askama::Template;
use base::Timestamp;
use text::{Words, say};

use crate::view::Look;
use crate::view::component;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 22.0;

/// What the chart is drawn from: one row per bin, one count per class.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// Stable names of the classes, in stacking order.
    pub(crate) classes: Vec<String>,
    /// Start of each bin with its counts in the order of `classes`.
    pub(crate) bins: Vec<(Timestamp, Vec<u64>)>,
}

/// One rectangle.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    class: String,
    x: String,
    y: String,
    width: String,
    height: String,
    title: String,
}

/// A mark at an axis.
#[derive(Debug, Clone)]
pub(crate) struct Tick {
    at: String,
    label: String,
}

/// One class below the chart: filters when chosen.
#[derive(Debug, Clone)]
pub(crate) struct Legend {
    pub(crate) class: String,
    pub(crate) label: String,
    pub(crate) count: String,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// One row of the table under the chart.
#[derive(Debug, Clone)]
pub(crate) struct ChartRow {
    iso: String,
    seconds: i64,
    text: String,
    counts: Vec<u64>,
}

/// The drawn chart.
#[derive(Debug, Clone, Template)]
#[template(path = "part/chart.html")]
pub(crate) struct Chart {
    t: &'static Words,
    zone: String,
    text: String,
    bars: Vec<Bar>,
    xs: Vec<Tick>,
    ys: Vec<Tick>,
    pub(crate) legend: Vec<Legend>,
    rows: Vec<ChartRow>,
}
component!(Chart);

impl Chart {
    /// Draws the histogram; `choose` gives the address that filters by a class and whether it is chosen now.
    pub(crate) fn draw(look: &Look, data: &Histogram, choose: impl Fn(&str) -> (String, bool)) -> Self {
        let most = data.bins.iter().map(|(_, counts)| counts.iter().sum::<u64>()).max().unwrap_or(0).max(1);
        let top = nice(most);
        let span = (data.to.since(data.from)).max(1) as f64;
        let x = |at: Timestamp| LEFT + (at.since(data.from) as f64 / span) * (WIDTH - LEFT);
        let height = |n: u64| (n as f64 / top as f64) * (HEIGHT - TOP - BOTTOM);
        let width = ((WIDTH - LEFT) / data.bins.len().max(1) as f64 * 0.86).max(1.0);
        let mut bars = Vec::new();
        for (at, counts) in &data.bins {
            let mut base = HEIGHT - BOTTOM;
            for (class, count) in data.classes.iter().zip(counts).filter(|(_, count)| **count > 0) {
                let h = height(*count).max(0.6);
                base -= h;
                bars.push(Bar {
                    class: class.clone(),
                    x: short(x(*at)),
                    y: short(base),
                    width: short(width),
                    height: short(h),
                    title: look.t.bar(&say::number(*count), &look.class_name(class), &look.zone.long(*at)),
                });
            }
        }
        let total = |i: usize| data.bins.iter().filter_map(|(_, counts)| counts.get(i)).sum::<u64>();
        let legend = data.classes.iter().enumerate().filter(|(i, _)| total(*i) > 0).map(|(i, class)| {
            let (href, current) = choose(class);
            let count = say::number(total(i));
            Legend { class: class.clone(), label: look.class_name(class), count, href, current }
        });
        let whole: u64 = (0..data.classes.len()).map(total).sum();
        Self {
            t: look.t,
            zone: look.zone.name().to_owned(),
            text: look.t.chart_text(&say::number(whole), &look.zone.long(data.from), &look.zone.long(data.to)),
            bars,
            xs: time_ticks(look, data, &x),
            ys: (1..=2)
                .map(|i| top / 2 * i)
                .map(|n| Tick { at: short(HEIGHT - BOTTOM - height(n)), label: say::number(n) })
                .collect(),
            legend: legend.collect(),
            rows: data
                .bins
                .iter()
                .map(|(at, counts)| ChartRow {
                    iso: at.rfc3339(),
                    seconds: at.as_secs(),
                    text: look.zone.long(*at),
                    counts: counts.clone(),
                })
                .collect(),
        }
    }
}

/// About six marks along the time axis; days are shown as dates, shorter ranges as clock times.
fn time_ticks(look: &Look, data: &Histogram, x: &impl Fn(Timestamp) -> f64) -> Vec<Tick> {
    let span = data.to.since(data.from);
    let days = span > 2 * 86_400_000_000;
    (0..6)
        .map(|i| Timestamp::from_micros(data.from.as_micros() + span / 6 * i))
        .map(|at| {
            let long = look.zone.long(at);
            let label = if days { long.get(5..10) } else { long.get(11..16) };
            Tick { at: short(x(at)), label: label.unwrap_or_default().to_owned() }
        })
        .collect()
}

/// The next even round number at or above `n`: 2, 4, 10, 20, 40, 100, ...
fn nice(n: u64) -> u64 {
    let mut decade = 1_u64;
    loop {
        for step in [2, 4, 10] {
            let top = decade.saturating_mul(step);
            if top >= n {
                return top;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

/// One decimal is finer than a pixel.
fn short(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tops_are_round_and_not_below() {
        assert_eq!([1, 2, 3, 7, 10, 11, 39, 41, 1_001].map(nice), [2, 2, 4, 10, 10, 20, 40, 100, 2_000]);
        assert!(nice(u64::MAX) > 0);
    }
}
