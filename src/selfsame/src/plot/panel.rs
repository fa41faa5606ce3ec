//! Several figures as one.

use plotters::prelude::DrawingBackend;

use super::figure::{Area, Drawn, Figure, Recipe};
use super::theme::{px, Theme};
use crate::error::Result;

/// Figures in a row.
const COLUMNS: usize = 2;

/// Figures without images, two in a row, in the order of reading; the heading is for those who cannot see them.
///
/// # Errors
/// When the figure cannot be drawn, or is larger than 6 million pixels.
pub(crate) fn panel(title: &str, figures: &[Figure]) -> Result<Figure> {
    let recipes = figures.iter().map(Figure::recipe).cloned().collect();
    Figure::new(Recipe::Panel(Panel { title: title.into(), recipes }))
}

/// What [`panel`] draws.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    pub title: String,
    recipes: Vec<Recipe>,
}

impl Panel {
    pub(super) fn recipes(&self) -> &[Recipe] {
        &self.recipes
    }

    /// Width and height of the largest, which every place has.
    fn place(&self) -> (u32, u32) {
        let sizes = self.recipes.iter().map(Recipe::size);
        sizes.fold((320, 40), |(w, h), (width, height)| (w.max(width), h.max(height)))
    }

    pub(super) fn size(&self) -> (u32, u32) {
        let (width, height) = self.place();
        let columns = self.recipes.len().clamp(1, COLUMNS);
        let rows = self.recipes.len().div_ceil(columns).max(1);
        (width * columns as u32, height * rows as u32)
    }

    pub(super) fn alt(&self) -> String {
        let figures: Vec<String> = self.recipes.iter().map(Recipe::alt).collect();
        format!("{}. {}", self.title, figures.join(" "))
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, theme: Theme) -> Drawn<(), DB> {
        let (width, height) = self.place();
        for (i, recipe) in self.recipes.iter().enumerate() {
            let (x, y) = (i % COLUMNS * width as usize, i / COLUMNS * height as usize);
            let place =
                area.clone().shrink((px(x as i32), px(y as i32)), (px(width as i32), px(height as i32)));
            recipe.draw_in(&place, theme)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::report_sample::history;
    use super::super::training_figures;
    use super::*;

    #[test]
    fn four_figures_make_a_square_and_none_is_lost() {
        let figures = training_figures(&history()).unwrap();
        assert_eq!(figures.len(), 4);
        let all = panel("Run", &figures).unwrap();
        assert_eq!((all.width(), all.height()), (1160, 700));
        for figure in &figures {
            assert!(all.alt().contains(&figure.alt()));
        }
        assert!(panel("Run", &[]).is_ok());
        let one = panel("Run", &figures[..1]).unwrap();
        assert_eq!((one.width(), one.height()), (580, 350));
        if let Some(folder) = std::env::var_os("SELFSAME_GALLERY") {
            all.save(std::path::Path::new(&folder).join("panel.png")).unwrap();
        }
    }
}
