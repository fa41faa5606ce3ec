//! plotters' bitmap back end with its text set right.

use plotters::backend::BitMapBackend;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

/// How far, as a share of the letters' size, plotters 0.3.7 sets ab_glyph text above where its SVG back end has it.
const LOWER: f64 = 0.145;

/// A bitmap on which text stands where it stands in the SVG.
pub(super) struct Bitmap<'a>(pub BitMapBackend<'a>);

type Done<E> = Result<(), DrawingErrorKind<E>>;

impl<'a> DrawingBackend for Bitmap<'a> {
    type ErrorType = <BitMapBackend<'a> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.0.get_size()
    }

    fn ensure_prepared(&mut self) -> Done<Self::ErrorType> {
        self.0.ensure_prepared()
    }

    fn present(&mut self) -> Done<Self::ErrorType> {
        self.0.present()
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Done<Self::ErrorType> {
        self.0.draw_pixel(at, color)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Done<Self::ErrorType> {
        self.0.draw_line(from, to, style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done<Self::ErrorType> {
        self.0.draw_rect(upper_left, bottom_right, style, fill)
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Done<Self::ErrorType> {
        let lower = (style.size() / 1.24 * LOWER).round() as i32;
        self.0.draw_text(text, style, (x, y + lower))
    }
}
