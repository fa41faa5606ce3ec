//! What a figure shows, for faces that draw it in characters.

use serde::{Deserialize, Serialize};

use super::figure::Recipe;
use super::{Figure, GridRow, Series};

/// A figure's data. As JSON an object whose `kind` names the variant in lower case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sketch {
    /// Curves over a common axis.
    Curves {
        /// Heading.
        title: String,
        /// Name and unit of the horizontal axis.
        x_label: String,
        /// Name and unit of the vertical axis.
        y_label: String,
        /// The curves.
        series: Vec<Series>,
        /// The second coordinates are decimal logarithms.
        log_y: bool,
    },
    /// Points in the plane, a series for each class.
    Points {
        /// Heading.
        title: String,
        /// Name of the horizontal axis.
        x_label: String,
        /// Name of the vertical axis.
        y_label: String,
        /// The classes.
        series: Vec<Series>,
    },
    /// Shares, a row for each thing compared.
    Bars {
        /// Heading.
        title: String,
        /// What is measured.
        label: String,
        /// What each value of a row is of.
        series: Vec<String>,
        /// Names, and a value from 0 to 1 for each series; `None` where there is none.
        rows: Vec<(String, Vec<Option<f64>>)>,
    },
    /// Rows of images.
    Images {
        /// Heading.
        title: String,
        /// The images.
        rows: Vec<GridRow>,
    },
    /// Several figures, in the order of reading.
    Several {
        /// The figures.
        figures: Vec<Sketch>,
    },
}

impl Figure {
    /// The data it was made from.
    ///
    /// ```
    /// use selfsame::plot::{curves, Series, Sketch};
    /// let figure = curves("Loss", "epoch", "nats", &[Series::new("run", vec![(1.0, 2.0)])])?;
    /// assert!(matches!(figure.sketch(), Sketch::Curves { series, .. } if series.len() == 1));
    /// # Ok::<(), selfsame::Error>(())
    /// ```
    pub fn sketch(&self) -> Sketch {
        self.recipe().sketch()
    }
}

impl Recipe {
    pub(super) fn sketch(&self) -> Sketch {
        match self {
            Recipe::Curves(r) => Sketch::Curves {
                title: r.title.clone(),
                x_label: r.x_label.clone(),
                y_label: r.y_label.clone(),
                series: r.series.clone(),
                log_y: r.log_y,
            },
            Recipe::Scatter(r) => r.sketch(),
            Recipe::Bars(r) => r.sketch(),
            Recipe::Grid(r) => Sketch::Images { title: r.title.clone(), rows: r.rows().to_vec() },
            Recipe::Panel(r) => Sketch::Several { figures: r.recipes().iter().map(Recipe::sketch).collect() },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{bars, image_grid, panel, scatter, BarRow, Tile};
    use super::*;

    #[test]
    fn every_figure_tells_its_data_and_json_keeps_them() {
        let names = ["a".to_string(), "b".to_string()];
        let points = scatter("Map", "x", "y", &[(0.0, 1.0), (2.0, 3.0)], &[1, 1], &names).unwrap();
        let row = BarRow { name: "run".into(), values: vec![0.5, f64::NAN] };
        let shares = bars("Probe", "accuracy", &["1 %", "10 %"], &[row]).unwrap();
        let tile = Tile {
            channels: 1,
            height: 1,
            width: 2,
            pixels: vec![1, 2],
            caption: "3".into(),
            same: Some(true),
        };
        let images = image_grid("Views", &[GridRow { label: String::new(), tiles: vec![tile] }]).unwrap();
        let both = panel("All", &[points, shares]).unwrap();
        for figure in [&both, &images] {
            let sketch = figure.sketch();
            let json = serde_json::to_string(&sketch).unwrap();
            assert_eq!(serde_json::from_str::<Sketch>(&json).unwrap(), sketch);
        }
        let Sketch::Several { figures } = both.sketch() else { panic!("{both:?}") };
        let Sketch::Points { series, .. } = &figures[0] else { panic!("{figures:?}") };
        assert_eq!(series[0].points, []);
        assert_eq!((series[1].name.as_str(), series[1].points.len()), ("b", 2));
        let Sketch::Bars { rows, .. } = &figures[1] else { panic!("{figures:?}") };
        assert_eq!(rows, &[("run".to_string(), vec![Some(0.5), None])]);
    }
}
