//! Curves over epochs or steps.

use plotters::element::{Circle, PathElement};
use plotters::prelude::{DashedLineSeries, DrawingBackend};
use plotters::style::Color;
use serde::{Deserialize, Serialize};

use super::figure::{Area, Drawn, Figure, Recipe};
use super::frame::{axes, drawable, head, range, stroke, Axes, Entry, Swatch};
use super::theme::{px, Theme, COLORS};
use crate::error::Result;

/// Longer curves are thinned to the lowest and highest point of each of half as many stretches.
const MOST_POINTS: usize = 2000;

/// One curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points in drawing order. A point that is not finite (or beyond 1e300) leaves a gap.
    pub points: Vec<(f64, f64)>,
    /// Drawn dashed: a baseline or a goal rather than a measurement.
    pub dashed: bool,
}

impl Series {
    /// A solid curve.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Series {
        Series { name: name.into(), points, dashed: false }
    }

    /// The same curve, dashed.
    pub fn dashed(mut self) -> Series {
        self.dashed = true;
        self
    }
}

/// Curves over a common axis, with a legend above them when there are several. `x_label` and `y_label` name the
/// quantity and its unit: `epoch`, `loss (nats)`.
///
/// Points that are not finite leave a gap; no points at all give empty axes.
///
/// # Errors
/// When the figure cannot be drawn.
pub fn curves(title: &str, x_label: &str, y_label: &str, series: &[Series]) -> Result<Figure> {
    Figure::new(Recipe::Curves(Curves {
        title: title.into(),
        x_label: x_label.into(),
        y_label: y_label.into(),
        series: series.iter().map(thinned).collect(),
        log_y: false,
    }))
}

/// What [`curves`] and [`spectrum`](super::spectrum) draw.
#[derive(Debug, Clone)]
pub(super) struct Curves {
    pub title: String,
    pub x_label: String,
    pub y_label: String,
    pub series: Vec<Series>,
    /// The second coordinates are decimal logarithms.
    pub log_y: bool,
}

impl Curves {
    pub(super) fn alt(&self) -> String {
        let curves: Vec<String> = self
            .series
            .iter()
            .map(|s| {
                let finite = || s.points.iter().filter(|p| p.1.is_finite());
                let value =
                    |v: f64| if self.log_y { format!("{:.1e}", 10_f64.powf(v)) } else { format!("{v:.3}") };
                match (finite().next(), finite().next_back()) {
                    (Some(a), Some(b)) => format!("{} goes from {} to {}", s.name, value(a.1), value(b.1)),
                    _ => format!("{} has no points", s.name),
                }
            })
            .collect();
        format!("{}: {} over {}. {}.", self.title, self.y_label, self.x_label, curves.join("; "))
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, theme: Theme) -> Drawn<(), DB> {
        let is_dashed = |i: usize| i >= COLORS || self.series[i].dashed;
        let names = if self.series.len() > 1 { self.series.as_slice() } else { &[] };
        let entries: Vec<Entry<'_>> = names
            .iter()
            .enumerate()
            .map(|(i, s)| Entry { name: &s.name, index: i, swatch: Swatch::Line { dashed: is_dashed(i) } })
            .collect();
        let below = head(area, theme, &self.title, &entries)?;
        let points = || self.series.iter().flat_map(|s| &s.points).filter(|p| drawable(p.0) && drawable(p.1));
        let whole_x = points().all(|p| p.0.fract() == 0.0);
        let mut y = range(points().map(|p| p.1), 0.06);
        // Falling towards 0 is clearer with 0 in sight, when it is near; nothing measured here is below it.
        let low = points().fold(f64::INFINITY, |m, p| m.min(p.1));
        if !self.log_y && low >= 0.0 && y.start < 0.0 {
            y.start = 0.0;
        }
        let x = if points().next().is_none() { 0.0..1.0 } else { range(points().map(|p| p.0), 0.0) };
        let frame = Axes { x, y, x_label: &self.x_label, y_label: &self.y_label, whole_x, log_y: self.log_y };
        let mut chart = axes(&below, theme, &frame)?;
        for (i, series) in self.series.iter().enumerate() {
            let (color, style) = (theme.color(i), stroke(theme.color(i), 2));
            for run in series.points.split(|p| !(drawable(p.0) && drawable(p.1))) {
                match run {
                    [] => {}
                    &[at] => _ = chart.draw_series([Circle::new(at, px(3), color.filled())])?,
                    _ if is_dashed(i) => {
                        let dashes = DashedLineSeries::new(run.iter().copied(), px(6), px(4), style);
                        _ = chart.draw_series(dashes)?;
                    }
                    _ => _ = chart.draw_series([PathElement::new(run.to_vec(), style)])?,
                }
            }
        }
        Ok(())
    }
}

/// A curve of at most [`MOST_POINTS`] points that keeps every peak: of each stretch its lowest and highest point.
fn thinned(series: &Series) -> Series {
    let points = &series.points;
    if points.len() <= MOST_POINTS {
        return series.clone();
    }
    let stretch = points.len().div_ceil(MOST_POINTS / 2);
    let kept = points.chunks(stretch).flat_map(|chunk| {
        let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let low = chunk.iter().min_by(by_height);
        let high = chunk.iter().max_by(by_height);
        let mut pair: Vec<(f64, f64)> = low.into_iter().chain(high).copied().collect();
        pair.sort_by(|a, b| a.0.total_cmp(&b.0));
        pair
    });
    Series { points: kept.collect(), ..series.clone() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_peak() {
        let mut points: Vec<(f64, f64)> = (0..50_000).map(|i| (f64::from(i), 1.0)).collect();
        points[31_234].1 = 9.0;
        let thin = thinned(&Series::new("loss", points));
        assert!(thin.points.len() <= MOST_POINTS && thin.points.contains(&(31_234.0, 9.0)));
    }

    #[test]
    fn gaps_single_points_and_nothing_at_all_can_be_drawn() {
        let nan = f64::NAN;
        let cases: [Vec<Series>; 4] = [
            vec![],
            vec![Series::new("empty", vec![])],
            vec![Series::new("one", vec![(1.0, 2.0)])],
            vec![
                Series::new("gap", vec![(1.0, 2.0), (2.0, nan), (3.0, 1.0), (4.0, 2.0)]),
                Series::new("all nan", vec![(nan, nan), (f64::INFINITY, 1.0)]).dashed(),
                Series::new("huge", vec![(1.0, 1e300), (4.0, -1e300), (5.0, f64::MAX), (6.0, f64::MIN)]),
            ],
        ];
        for series in cases {
            let figure = curves("Loss", "epoch", "loss (nats)", &series).unwrap();
            assert!(figure.svg().starts_with("<svg") && figure.svg().ends_with("</svg>\n"));
            assert_eq!(figure.png().unwrap()[1..4], *b"PNG");
        }
    }

    #[test]
    fn names_are_escaped_and_the_alt_text_gives_both_ends() {
        let series = [Series::new("a<b>", vec![(1.0, 6.2), (2.0, 4.0)]), Series::new("c", vec![])];
        let figure = curves("R&D", "epoch", "loss (nats)", &series).unwrap();
        assert!(!figure.svg().contains("<b>") && figure.svg().contains("R&amp;D"));
        assert_eq!(
            figure.alt(),
            "R&D: loss (nats) over epoch. a<b> goes from 6.200 to 4.000; c has no points."
        );
    }
}
