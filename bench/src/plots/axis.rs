//! Where values lie on the paper: both directions by their logarithm, so that ratios are distances, or upwards from zero.

use super::svg::Curve;

pub const LEFT: f64 = 70.0;
pub const RIGHT: f64 = 560.0;
pub const TOP: f64 = 50.0;
pub const BOTTOM: f64 = 390.0;

pub struct Axis {
    x: (f64, f64),
    y: (f64, f64),
    y_from_zero: bool,
    pub x_marks: Vec<f64>,
    pub y_marks: Vec<f64>,
}

impl Axis {
    pub fn of(curves: &[Curve], y_from_zero: bool) -> Self {
        let all = || curves.iter().flat_map(|curve| curve.points.iter().copied());
        let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
        let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let mut x_marks: Vec<f64> = all().map(|point| point.0).collect();
        x_marks.sort_unstable_by(f64::total_cmp);
        x_marks.dedup();
        let x = (least(&mut all().map(|point| point.0)), most(&mut all().map(|point| point.0)));
        let (bottom, top) = (least(&mut all().map(|point| point.1)), most(&mut all().map(|point| point.1)));
        let y_marks = if y_from_zero { even_marks(top) } else { round_marks(bottom, top) };
        let y = if y_from_zero { (0.0, top * 1.1) } else { (bottom / 1.25, top * 1.25) };
        Self { x, y, y_from_zero, x_marks, y_marks }
    }

    pub fn x(&self, value: f64) -> f64 {
        LEFT + (value / self.x.0).ln() / (self.x.1 / self.x.0).ln().max(f64::MIN_POSITIVE) * (RIGHT - LEFT)
    }

    pub fn y(&self, value: f64) -> f64 {
        let part = if self.y_from_zero { value / self.y.1 } else { (value / self.y.0).ln() / (self.y.1 / self.y.0).ln() };
        BOTTOM - part * (BOTTOM - TOP)
    }
}

/// About five.
fn even_marks(top: f64) -> Vec<f64> {
    let rough = top / 5.0;
    let ten = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * ten).find(|step| *step >= rough).unwrap_or(rough);
    (0..).map(|number| f64::from(number) * step).take_while(|mark| *mark <= top * 1.1).collect()
}

/// 1, 2, 5, 10, …
fn round_marks(bottom: f64, top: f64) -> Vec<f64> {
    let tens = (bottom.log10().floor() as i32)..=(top.log10().ceil() as i32);
    let marks = tens.flat_map(|ten| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(ten)));
    marks.filter(|mark| (bottom / 1.25..=top * 1.25).contains(mark)).collect()
}
