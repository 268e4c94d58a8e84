//! The table: printed as it grows, and written as JSON at the end.

use crate::latencies::{Latencies, median};
use anyhow::Context;
use serde::Serialize;
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
        self.push(Row { name: name.to_owned(), value, unit, limit: Some(limit), ratio: Some(ratio) });
    }

    /// Two rows: the middle and the slow end.
    pub fn latencies(&mut self, name: &str, latencies: &Latencies) {
        self.value(&format!("{name}, p50"), "ms", latencies.quantile_ms(0.5));
        self.value(&format!("{name}, p99"), "ms", latencies.quantile_ms(0.99));
    }

    pub fn value(&mut self, name: &str, unit: &'static str, value: f64) {
        self.push(Row { name: name.to_owned(), value, unit, limit: None, ratio: None });
    }

    pub fn value_of(&mut self, name: &str, unit: &'static str, value: f64, limit: f64) {
        self.push(Row { name: name.to_owned(), value, unit, limit: Some(limit), ratio: Some(value / limit) });
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
