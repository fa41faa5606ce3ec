//! Points in the plane, coloured by class.

use std::sync::OnceLock;

use plotters::prelude::DrawingBackend;

use super::figure::{Area, Drawn, Figure, Recipe};
use super::frame::{axes, drawable, head, marker, range, Axes, Entry, Swatch};
use super::theme::{px, Theme, UNIT};
use super::{Series, Sketch};
use crate::error::{Error, Result};

/// More points than this are thinned evenly: they would only cover each other.
const MOST_POINTS: usize = 3000;

/// Points in two dimensions, each with the colour and shape of its class; `names[class]` stands in the legend.
///
/// Of more than 3,000 points every second, third, ... is drawn; a point that is not finite is left out.
///
/// # Errors
/// `classes` and `points` of different lengths; a class without a name.
pub fn scatter(
    title: &str,
    x_label: &str,
    y_label: &str,
    points: &[(f64, f64)],
    classes: &[usize],
    names: &[String],
) -> Result<Figure> {
    if points.len() != classes.len() {
        return Err(Error::shape("classes of a scatter plot", points.len(), classes.len()));
    }
    if let Some(class) = classes.iter().find(|&&c| c >= names.len()) {
        return Err(Error::shape(
            "classes of a scatter plot",
            format!("classes 0 to {}", names.len()),
            class,
        ));
    }
    let point = |(number, (&(x, y), &class))| Point { number, x, y, class };
    let all = points.iter().zip(classes).enumerate().map(point);
    let kept: Vec<Point> = all.filter(|p| drawable(p.x) && drawable(p.y)).collect();
    let every = kept.len().div_ceil(MOST_POINTS).max(1);
    Figure::new(Recipe::Scatter(Scatter {
        title: title.into(),
        x_label: x_label.into(),
        y_label: y_label.into(),
        points: kept.into_iter().step_by(every).collect(),
        names: names.to_vec(),
        places: OnceLock::new(),
    }))
}

/// What [`scatter`] draws.
#[derive(Debug, Clone)]
pub(super) struct Scatter {
    pub title: String,
    x_label: String,
    y_label: String,
    points: Vec<Point>,
    names: Vec<String>,
    /// Where each point was drawn, in pixels: known once it was.
    places: OnceLock<Vec<(usize, f64, f64)>>,
}

/// A point that is drawn.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// Which of the points that were given.
    number: usize,
    x: f64,
    y: f64,
    class: usize,
}

impl Scatter {
    pub(super) fn alt(&self) -> String {
        format!(
            "{}: {} points in {} classes ({}).",
            self.title,
            self.points.len(),
            self.names.len(),
            self.names.join(", ")
        )
    }

    /// A series for each class.
    pub(super) fn sketch(&self) -> Sketch {
        let of = |class: usize| self.points.iter().filter(|p| p.class == class).map(|p| (p.x, p.y)).collect();
        Sketch::Points {
            title: self.title.clone(),
            x_label: self.x_label.clone(),
            y_label: self.y_label.clone(),
            series: self.names.iter().enumerate().map(|(i, name)| Series::new(name, of(i))).collect(),
        }
    }

    /// See [`Figure::points`].
    pub(super) fn drawn(&self) -> &[(usize, f64, f64)] {
        self.places.get().map_or(&[], Vec::as_slice)
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, theme: Theme) -> Drawn<(), DB> {
        let names = if self.names.len() > 1 { self.names.as_slice() } else { &[] };
        let entries: Vec<Entry<'_>> = names
            .iter()
            .enumerate()
            .map(|(i, name)| Entry { name, index: i, swatch: Swatch::Point })
            .collect();
        let below = head(area, theme, &self.title, &entries)?;
        let frame = Axes {
            x: range(self.points.iter().map(|p| p.x), 0.04),
            y: range(self.points.iter().map(|p| p.y), 0.04),
            x_label: &self.x_label,
            y_label: &self.y_label,
            whole_x: false,
            log_y: false,
        };
        let chart = axes(&below, theme, &frame)?;
        let plane = chart.plotting_area();
        let screen = below.use_screen_coord();
        let size = if self.points.len() > 800 { px(3) } else { px(4) };
        let mut places = Vec::with_capacity(self.points.len());
        for &Point { number, x, y, class } in &self.points {
            let at = plane.map_coordinate(&(x, y));
            places.push((number, f64::from(at.0) / f64::from(UNIT), f64::from(at.1) / f64::from(UNIT)));
            marker(&screen, at, class, theme.color(class), size)?;
        }
        // Every drawing of this figure has the same places.
        self.places.get_or_init(|| places);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_classes_are_checked_and_odd_points_left_out() {
        let names = ["a".to_string(), "b".to_string()];
        let draw = |points: &[(f64, f64)], classes: &[usize]| scatter("t", "x", "y", points, classes, &names);
        assert!(draw(&[(0.0, 1.0)], &[]).is_err());
        assert!(draw(&[(0.0, 1.0)], &[2]).is_err());
        let figure = draw(&[(0.0, 1.0), (f64::NAN, 1.0), (2.0, 2.0)], &[0, 1, 1]).unwrap();
        assert_eq!(figure.alt(), "t: 2 points in 2 classes (a, b).");
        assert!(draw(&[], &[]).is_ok());
        let many = vec![(0.5, 0.5); 10_000];
        assert_eq!(draw(&many, &vec![1; 10_000]).unwrap().svg().matches("<circle").count(), 2500 + 2);
    }
}
