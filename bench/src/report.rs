//! The table: printed as it grows, and written as JSON at the end.

use crate::latencies::{Latencies, median};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    /// What could be had at best, in the same unit and run; or what is allowed.
    limit: Option<f64>,
    ratio: Option<f64>,
    /// Where the value and the limit stand in the plots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    points: Vec<Point>,
}

/// One point of a curve.
#[derive(Deserialize, Serialize)]
pub struct Point {
    pub plot: String,
    pub series: String,
    pub x: f64,
    pub y: f64,
}

/// One figure over all rounds, with the limit that was taken beside it each time.
#[derive(Default)]
pub struct Rounds {
    pairs: Vec<(f64, f64)>,
    pub latencies: Latencies,
}

/// What is being measured now: it takes minutes until the table says something.
pub fn tell(what: &str, round: u32) {
    eprintln!("measuring: {what}, round {}", round + 1);
}

impl Rounds {
    pub fn add(&mut self, value: f64, limit: f64) {
        self.pairs.push((value, limit));
    }
}

impl Report {
    /// The ratio is the median of the rounds' ratios, which what else the machine does touches less than it touches the figures.
    pub fn rounds(&mut self, name: &str, unit: &'static str, rounds: &Rounds) {
        let of = |part: fn(&(f64, f64)) -> f64| median(rounds.pairs.iter().map(part));
        let (value, limit, ratio) = (of(|pair| pair.0), of(|pair| pair.1), of(|pair| pair.0 / pair.1));
        self.push(Row { name: name.to_owned(), value, unit, limit: Some(limit), ratio: Some(ratio), points: vec![] });
    }

    /// Two rows: the middle and the slow end.
    pub fn latencies(&mut self, name: &str, latencies: &Latencies) {
        self.value(&format!("{name}, p50"), "ms", latencies.quantile_ms(0.5));
        self.value(&format!("{name}, p99"), "ms", latencies.quantile_ms(0.99));
    }

    pub fn value(&mut self, name: &str, unit: &'static str, value: f64) {
        self.push(Row { name: name.to_owned(), value, unit, limit: None, ratio: None, points: vec![] });
    }

    pub fn value_of(&mut self, name: &str, unit: &'static str, value: f64, limit: f64) {
        self.push(Row { name: name.to_owned(), value, unit, limit: Some(limit), ratio: Some(value / limit), points: vec![] });
    }

    /// The newest row's value is a point of a curve.
    pub fn plot(&mut self, plot: &str, series: &str, x: usize) {
        self.point(plot, series, x, |row| Some(row.value));
    }

    /// So is what it is measured by.
    pub fn plot_limit(&mut self, plot: &str, series: &str, x: usize) {
        self.point(plot, series, x, |row| row.limit);
    }

    fn point(&mut self, plot: &str, series: &str, x: usize, y: fn(&Row) -> Option<f64>) {
        if let Some(row) = self.rows.last_mut()
            && let Some(y) = y(row)
        {
            row.points.push(Point { plot: plot.to_owned(), series: series.to_owned(), x: x as f64, y });
        }
    }

    fn push(&mut self, row: Row) {
        if self.rows.is_empty() {
            println!("{:<64} {:>10} {:<10} {:>10} {:>6}", "name", "value", "unit", "limit", "ratio");
        }
        let optional = |number: Option<f64>, digits| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"));
        let digits = if row.value < 100.0 { 2 } else { 0 };
        println!(
            "{:<64} {:>10.digits$} {:<10} {:>10} {:>6}",
            row.name,
            row.value,
            row.unit,
            optional(row.limit, 0),
            optional(row.ratio, 3)
        );
        self.rows.push(row);
    }

    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let rows: Vec<String> = self.rows.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let text = format!("[\n  {}\n]\n", rows.join(",\n  "));
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    }
}
