//! Figures and tables that a command draws, at once and not as the value of a cell.

use base64::Engine;

use super::{send, Frontend, Message};
use crate::display::Show;
use crate::error::Result;
use crate::plot::{Figure, Table};

/// Shows a figure now: as a [`Message::Figure`] where a face reads messages, in the forms that face draws (pixels and
/// data for the prompt, data for a script, SVG for notebooks), else as the value of a cell is shown.
///
/// # Errors
/// When the figure cannot be encoded.
pub fn show_figure(figure: &Figure) -> Result<()> {
    let Some(face) = Frontend::detect() else {
        figure.evcxr_display();
        return Ok(());
    };
    let png = match face {
        Frontend::Repl => Some(base64::engine::general_purpose::STANDARD.encode(figure.png()?)),
        Frontend::Jupyter | Frontend::Command => None,
    };
    let (svg, sketch) = match face {
        Frontend::Jupyter => (Some(figure.svg().to_string()), None),
        Frontend::Repl | Frontend::Command => (None, Some(figure.sketch())),
    };
    send(Message::Figure { title: figure.title().into(), alt: figure.alt(), svg, png, sketch });
    Ok(())
}

/// Shows a table now: as a [`Message::Table`] where a face reads messages, else as the value of a cell is shown.
pub fn show_table(table: &Table) {
    let message = Message::Table { headers: table.headers().to_vec(), rows: table.rows().to_vec() };
    if !send(message) {
        table.evcxr_display();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::child::child;
    use super::*;
    use crate::plot::{curves, Series};

    #[test]
    fn the_prompt_gets_pixels_and_the_table_its_cells() {
        let told = child("front::figures::tests::the_prompt_gets_pixels_and_the_table_its_cells", || {
            let figure = curves("Loss", "x", "y", &[Series::new("a", vec![(0.0, 1.0), (1.0, 2.0)])]).unwrap();
            show_figure(&figure).unwrap();
            let mut table = Table::new(["a", "b"]);
            table.row(["1", "2"]);
            show_table(&table);
        });
        let Some(told) = told else { return };
        let messages = told.messages();
        let [Message::Figure { title, png: Some(png), svg: None, sketch: Some(_), .. }, Message::Table { rows, .. }] =
            messages.as_slice()
        else {
            panic!("{told:?}")
        };
        assert!(title == "Loss" && png.starts_with("iVBOR"));
        assert_eq!(rows, &[["1", "2"]]);
    }
}
