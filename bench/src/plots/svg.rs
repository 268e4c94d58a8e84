//! The drawing itself, as text.

use super::axis::{Axis, BOTTOM, LEFT, RIGHT, TOP};
use std::fmt::Write;

/// Told apart by people who do not see all colours (Okabe and Ito). Ours comes first, the thickest.
const COLOURS: [&str; 9] = ["#d55e00", "#000000", "#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#e69f00", "#999999", "#882255"];
const LABEL_HEIGHT: f64 = 16.0;

pub struct Curve {
    pub name: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

pub fn draw(title: &str, x_title: &str, curves: &[Curve], axis: &Axis) -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 450\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"860\" height=\"450\" fill=\"white\"/>\n",
    );
    text(&mut svg, (LEFT, 26.0), "start", "#000000", &format!("<tspan font-size=\"16\">{title}</tspan>"));
    text(&mut svg, ((LEFT + RIGHT) / 2.0, BOTTOM + 44.0), "middle", "#333333", x_title);
    for mark in &axis.y_marks {
        let y = axis.y(*mark);
        line(&mut svg, &[(LEFT, y), (RIGHT, y)], "#dddddd", 1.0);
        text(&mut svg, (LEFT - 8.0, y + 4.0), "end", "#333333", &number(*mark));
    }
    for mark in &axis.x_marks {
        let x = axis.x(*mark);
        line(&mut svg, &[(x, TOP), (x, BOTTOM)], "#eeeeee", 1.0);
        text(&mut svg, (x, BOTTOM + 20.0), "middle", "#333333", &number(*mark));
    }
    for (place, curve) in curves.iter().enumerate() {
        let places: Vec<(f64, f64)> = curve.points.iter().map(|(x, y)| (axis.x(*x), axis.y(*y))).collect();
        let colour = COLOURS[place % COLOURS.len()];
        line(&mut svg, &places, colour, if place == 0 { 3.0 } else { 1.5 });
        for (x, y) in &places {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
    }
    label(&mut svg, curves, axis);
    svg + "</svg>\n"
}

/// Names stand at the curves' right ends, moved apart where they would cover each other.
fn label(svg: &mut String, curves: &[Curve], axis: &Axis) {
    let end = |curve: &Curve| curve.points.last().map_or(BOTTOM, |(_, y)| axis.y(*y));
    let mut ends: Vec<(f64, usize)> = curves.iter().enumerate().map(|(place, curve)| (end(curve), place)).collect();
    ends.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let mut free = f64::NEG_INFINITY;
    for (y, place) in ends {
        let y = y.max(free);
        free = y + LABEL_HEIGHT;
        text(svg, (RIGHT + 10.0, y + 4.0), "start", COLOURS[place % COLOURS.len()], &curves[place].name);
    }
}

fn line(svg: &mut String, places: &[(f64, f64)], colour: &str, width: f64) {
    let places: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>", places.join(" "));
}

/// `words` are ours and hold nothing that XML would read.
fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, colour: &str, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{words}</text>");
}

/// 500, 1024, 2 k, 20 M.
fn number(value: f64) -> String {
    match value {
        1e6.. => format!("{} M", value / 1e6),
        1e3.. if value % 1e3 == 0.0 => format!("{} k", value / 1e3),
        _ => format!("{value}"),
    }
}
