//! Draws what the table's rows say as curves: one SVG for each plot, from the JSON of one or more runs.

mod axis;
mod svg;

use crate::latencies::median;
use crate::report::Point;
use anyhow::Context;
use axis::Axis;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use svg::Curve;

pub struct Plot {
    /// As in the rows' points.
    name: &'static str,
    file: &'static str,
    title: &'static str,
    x_title: &'static str,
    y_from_zero: bool,
}

const PLOTS: [Plot; 3] = [
    Plot {
        name: crate::peers::PLOT,
        file: "writers.svg",
        title: "Events appended a second, single events to new streams",
        x_title: "writers at once",
        y_from_zero: false,
    },
    Plot {
        name: crate::alternatives::PLOT,
        file: "alternatives.svg",
        title: "Events appended a second, by the technique that orders them",
        x_title: "writers at once",
        y_from_zero: false,
    },
    Plot {
        name: crate::log_size::PLOT,
        file: "log-size.svg",
        title: "Events appended a second, to a log of some length",
        x_title: "events in the log",
        y_from_zero: true,
    },
];

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    points: Vec<Point>,
}

/// What is in `from`, as far as it is there, into the directory `to`. A plot without points is left as it is.
pub fn draw(from: &[PathBuf], to: &Path) -> anyhow::Result<()> {
    let mut points = Vec::new();
    for path in from.iter().filter(|path| path.exists()) {
        let rows: Vec<Row> = serde_json::from_slice(&std::fs::read(path)?).with_context(|| format!("{} is no table", path.display()))?;
        points.extend(rows.into_iter().flat_map(|row| row.points));
    }
    std::fs::create_dir_all(to)?;
    for plot in &PLOTS {
        let curves = curves(points.iter().filter(|point| point.plot == plot.name));
        if !curves.is_empty() {
            let path = to.join(plot.file);
            std::fs::write(&path, svg::draw(plot.title, plot.x_title, &curves, &Axis::of(&curves, plot.y_from_zero)))?;
            println!("{}", path.display());
        }
    }
    Ok(())
}

/// In the order in which the series come; what was measured at one place more than once counts by its median.
fn curves<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<Curve> {
    let mut curves: Vec<(String, Vec<&Point>)> = Vec::new();
    for point in points {
        match curves.iter_mut().find(|(name, _)| *name == point.series) {
            Some((_, points)) => points.push(point),
            None => curves.push((point.series.clone(), vec![point])),
        }
    }
    let place = |points: &[&Point], x: f64| (x, median(points.iter().filter(|point| point.x == x).map(|point| point.y)));
    let curve = |(name, points): (String, Vec<&Point>)| {
        let mut places: Vec<f64> = points.iter().map(|point| point.x).collect();
        places.sort_unstable_by(f64::total_cmp);
        places.dedup();
        Curve { name, points: places.into_iter().map(|x| place(&points, x)).collect() }
    };
    curves.into_iter().map(curve).collect()
}
