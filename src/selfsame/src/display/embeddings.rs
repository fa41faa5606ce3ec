//! Embeddings in the plane.

use super::hover::{with_points, Point};
use super::number::thousands;
use super::pictures::{read, tile};
use super::{html, Content, Show};
use crate::data::{Dataset, Part};
use crate::diagnose::{Geometry, Pca};
use crate::error::{Error, Result};
use crate::eval::Embeddings;
use crate::plot::{geometry_table, scatter, Figure, Tile};
use crate::shape::ImageShape;

/// Points a scatter shows; more would only cover each other.
const POINTS: usize = 1500;
/// Points that have an image.
const PICTURES: usize = 300;
/// Rows the principal components are found on, and the geometry is measured on, at most.
const SAMPLE: usize = 2000;

/// Embeddings on their first two principal components, coloured by class.
///
/// Principal components turn the features and keep their distances; t-SNE and its like would show clusters where there
/// are none.
#[derive(Debug, Clone)]
pub struct Scatter {
    figure: Figure,
    points: Vec<Shown>,
}

/// A sample that has a point in the figure.
#[derive(Debug, Clone)]
struct Shown {
    at: (f64, f64),
    /// Its row in the embeddings.
    row: usize,
    name: String,
    tile: Option<Tile>,
}

impl Scatter {
    /// The figure.
    pub fn figure(&self) -> &Figure {
        &self.figure
    }

    /// Gives points the images they were made from, shown when pointed at: `part` holds them in the embeddings' order.
    ///
    /// # Errors
    /// [`Error::Shape`] for a part that does not hold as many; an image that cannot be read.
    pub fn with_pictures<P: ImageShape>(mut self, part: &Part<P>) -> Result<Scatter> {
        let every = self.points.len().div_ceil(PICTURES).max(1);
        for point in self.points.iter_mut().step_by(every) {
            if point.row >= part.len() {
                return Err(Error::shape("images of a scatter", "as many as embeddings", part.len()));
            }
            point.tile = Some(tile(part.shape().size(), read(part, point.row)?, &point.name));
        }
        Ok(self)
    }
}

impl Show for Scatter {
    fn content(&self) -> Content {
        let content = Content::new(self.figure.alt()).with_figure(self.figure.clone());
        let points: Vec<Point<'_>> = self
            .points
            .iter()
            .map(|p| Point { at: p.at, name: p.name.clone(), tile: p.tile.as_ref() })
            .collect();
        match with_points(&self.figure, &points) {
            Ok(page) => content.with_html(page),
            Err(_) => content,
        }
    }
}

impl Embeddings {
    /// The embeddings in the plane, up to 1,500 of them, evenly spread; classes are called by their numbers.
    ///
    /// ```
    /// use selfsame::{eval::pixels, prelude::*};
    /// let digits = Digits::load()?;
    /// let test = pixels(&digits.test())?;
    /// test.scatter()?.with_pictures(&digits.test())?.figure().alt();
    /// # Ok::<(), selfsame::Error>(())
    /// ```
    ///
    /// # Errors
    /// Fewer than two samples, or two features; values that are not finite.
    pub fn scatter(&self) -> Result<Scatter> {
        let names: Vec<String> = (0..self.classes()).map(|class| class.to_string()).collect();
        self.scatter_of("Embeddings in the plane (PCA)", &names)
    }

    /// [`Embeddings::scatter`] with a title and the names of the classes.
    ///
    /// # Errors
    /// As there; fewer names than classes.
    pub fn scatter_of(&self, title: &str, classes: &[String]) -> Result<Scatter> {
        let rows = spread(self.len(), POINTS);
        let (sample, shown) = (self.subset(&spread(self.len(), SAMPLE)), self.subset(&rows));
        let pca = Pca::fit(sample.values(), sample.len(), sample.width(), 2.min(self.width()))?;
        let plane = pca.transform(shown.values(), shown.len())?;
        let width = (plane.len() / shown.len().max(1)).max(1);
        let points: Vec<(f64, f64)> = plane
            .chunks_exact(width)
            .map(|p| (f64::from(p[0]), p.get(1).map_or(0.0, |y| f64::from(*y))))
            .collect();
        let labels: Vec<usize> = shown.labels().iter().map(|l| *l as usize).collect();
        let total = pca.total_variance().max(f64::MIN_POSITIVE);
        let axis = |i: usize| {
            let share = pca.explained_variance().get(i).map_or(0.0, |v| 100.0 * v / total);
            format!("component {} ({share:.0} % of the variance)", i + 1)
        };
        let figure = scatter(title, &axis(0), &axis(1), &points, &labels, classes)?;
        let shown = |&(i, x, y): &(usize, f64, f64)| {
            let name = classes.get(labels[i]).cloned().unwrap_or_default();
            Shown { at: (x, y), row: rows[i], name, tile: None }
        };
        let points = figure.points().iter().map(shown).collect();
        Ok(Scatter { figure, points })
    }
}

impl Show for Embeddings {
    fn content(&self) -> Content {
        let size = format!("{} samples of {} features", thousands(self.len()), self.width());
        let title = format!("Embeddings: {size}, {} classes", self.classes());
        let sample = self.subset(&spread(self.len(), SAMPLE));
        let geometry = Geometry::measure(sample.values(), sample.len(), sample.width(), None)
            .map(|g| geometry_table(&g));
        let (mut text, mut page) = (title.clone(), html::heading(&title));
        let scatter = self.scatter().map(|s| s.content());
        if let Ok(scatter) = &scatter {
            page += scatter.html().unwrap_or_default();
        }
        if let Ok(table) = geometry {
            text = format!("{text}\n{}", table.text());
            page += &html::table(&table);
        }
        let content = Content::new(text).with_html(page);
        match scatter.ok().and_then(|s| s.figure().cloned()) {
            Some(figure) => content.with_figure(figure),
            None => content,
        }
    }
}

/// At most `most` positions below `n`, evenly spread.
fn spread(n: usize, most: usize) -> Vec<usize> {
    let count = n.min(most);
    (0..count).map(|i| i * n / count).collect()
}

impl<P: ImageShape> Dataset<P> {
    /// `embeddings` of `part` in the plane, with the names of this data set's classes and the images themselves.
    ///
    /// # Errors
    /// As [`Embeddings::scatter_of`] and [`Scatter::with_pictures`].
    pub fn scatter(&self, embeddings: &Embeddings, part: &Part<P>) -> Result<Scatter> {
        let title = format!("{}, {} part, in the plane (PCA)", self.name(), part.name());
        embeddings.scatter_of(&title, self.classes())?.with_pictures(part)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data::Digits;
    use crate::eval::pixels;

    #[test]
    fn every_point_has_a_name_and_some_have_images() {
        let digits = Digits::load().unwrap();
        let test = digits.test();
        let content = digits.scatter(&pixels(&test).unwrap(), &test).unwrap().content();
        let page = content.html().unwrap();
        assert_eq!(page.matches("<circle id=").count(), test.len());
        let every = test.len().div_ceil(PICTURES);
        assert_eq!(page.matches("<set ").count(), test.len().div_ceil(every));
        assert!(page.contains("<img src=\"data:image/png;base64,") && !page.contains("<script"));
        let other = digits.train().subset(&[0, 1]);
        assert!(digits.scatter(&pixels(&test).unwrap(), &other).is_err());
    }

    #[test]
    fn points_lie_where_the_figure_has_them() {
        let e =
            Embeddings::new(vec![0.0, 0.0, 4.0, 0.0, 0.0, 1.0, 4.0, 1.0], 2, vec![0, 1, 0, 1], 2).unwrap();
        let scatter = e.scatter().unwrap();
        let svg = scatter.figure().svg();
        for point in &scatter.points {
            let (x, y) = ((point.at.0 * 4.0).round(), (point.at.1 * 4.0).round());
            assert!(svg.contains(&format!("cx=\"{x}\" cy=\"{y}\"")), "{:?} in {svg}", point.at);
        }
        assert!((scatter.points[1].at.0 - scatter.points[0].at.0).abs() > 100.0);
    }

    #[test]
    fn embeddings_of_any_size_are_shown() {
        let one = Embeddings::new(vec![1.0, 2.0], 2, vec![0], 1).unwrap().content();
        assert!(one.text().starts_with("Embeddings: 1 samples of 2 features, 1 classes"));
        assert!(one.figure().is_none());
        let narrow = Embeddings::new(vec![1.0, 2.0, 3.0], 1, vec![0, 0, 0], 1).unwrap();
        assert!(narrow.content().figure().is_some());
        let none = Embeddings::new(vec![], 3, vec![], 1).unwrap();
        assert!(none.content().figure().is_none());
    }
}
