//! A figure, and how it becomes SVG or PNG.

use std::fmt;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};

use super::bars::Bars;
use super::bitmap::Bitmap;
use super::curves::Curves;
use super::image_grid::{Grid, Placed, Tile};
use super::panel::Panel;
use super::scatter::Scatter;
use super::theme::{font_is_ready, Theme, UNIT};
use crate::error::{Error, Result};
use crate::files::write_atomic;

/// A plotters area without axes.
pub(super) type Area<DB> = DrawingArea<DB, Shift>;
/// What drawing gives back.
pub(super) type Drawn<T, DB> =
    std::result::Result<T, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// PNGs have twice the pixels a figure is wide, for dense screens; each is the mean of two by two drawn.
const PNG_SCALE: usize = 2;
/// Larger figures would take hundreds of megabytes to draw.
const MOST_PIXELS: u64 = 6_000_000;

/// What a figure is made from.
#[derive(Debug, Clone)]
pub(super) enum Recipe {
    Curves(Curves),
    Scatter(Scatter),
    Bars(Bars),
    Grid(Grid),
    Panel(Panel),
}

impl Recipe {
    fn title(&self) -> &str {
        match self {
            Recipe::Curves(r) => &r.title,
            Recipe::Scatter(r) => &r.title,
            Recipe::Bars(r) => &r.title,
            Recipe::Grid(r) => &r.title,
            Recipe::Panel(r) => &r.title,
        }
    }

    pub(super) fn alt(&self) -> String {
        match self {
            Recipe::Curves(r) => r.alt(),
            Recipe::Scatter(r) => r.alt(),
            Recipe::Bars(r) => r.alt(),
            Recipe::Grid(r) => r.alt(),
            Recipe::Panel(r) => r.alt(),
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        match self {
            Recipe::Curves(_) => (580, 350),
            Recipe::Scatter(_) => (580, 520),
            Recipe::Bars(r) => r.size(),
            Recipe::Grid(r) => r.size(),
            Recipe::Panel(r) => r.size(),
        }
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, theme: Theme) -> Drawn<(), DB> {
        area.fill(&theme.background())?;
        self.draw_in(area, theme)?;
        area.present()
    }

    /// Draws in a part of the whole.
    pub(super) fn draw_in<DB: DrawingBackend>(&self, area: &Area<DB>, theme: Theme) -> Drawn<(), DB> {
        match self {
            Recipe::Curves(r) => r.draw(area, theme),
            Recipe::Scatter(r) => r.draw(area, theme),
            Recipe::Bars(r) => r.draw(area, theme),
            Recipe::Grid(r) => r.draw(area, theme),
            Recipe::Panel(r) => r.draw(area, theme),
        }
    }

    /// Images to place over the drawing, in pixels of the figure.
    fn images(&self) -> Vec<Placed<'_>> {
        match self {
            Recipe::Grid(r) => r.placed(),
            _ => Vec::new(),
        }
    }
}

/// A picture that can be written as SVG and as PNG.
#[derive(Clone)]
pub struct Figure {
    recipe: Arc<Recipe>,
    theme: Theme,
    width: u32,
    height: u32,
    svg: String,
}

/// Without what it was made from, which is long.
impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Figure({:?}, {}x{})", self.title(), self.width, self.height)
    }
}

impl Figure {
    pub(super) fn new(recipe: Recipe) -> Result<Figure> {
        Figure::draw(Arc::new(recipe), Theme::Light)
    }

    fn draw(recipe: Arc<Recipe>, theme: Theme) -> Result<Figure> {
        let (width, height) = recipe.size();
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(Error::setting(
                "figure size",
                format!("{width} x {height} pixels"),
                "at most 6 million pixels",
                "Show fewer rows.",
            ));
        }
        let svg = draw_svg(&recipe, theme, width, height)?;
        Ok(Figure { recipe, theme, width, height, svg })
    }

    /// What it was made from.
    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The same figure in another theme.
    ///
    /// # Errors
    /// None that a figure which was drawn once could meet again.
    pub fn with_theme(&self, theme: Theme) -> Result<Figure> {
        Figure::draw(self.recipe.clone(), theme)
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Its heading.
    pub fn title(&self) -> &str {
        self.recipe.title()
    }

    /// The figure in words, for those who cannot see it.
    pub fn alt(&self) -> String {
        self.recipe.alt()
    }

    /// Of a scatter: which of the points it was given each drawn one is, and its place in pixels from the left and the
    /// top. Empty for other figures.
    pub(crate) fn points(&self) -> &[(usize, f64, f64)] {
        match self.recipe.as_ref() {
            Recipe::Scatter(scatter) => scatter.drawn(),
            _ => &[],
        }
    }

    /// The figure as an SVG document.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The figure as a PNG, with two image pixels to each pixel of [`width`](Figure::width).
    ///
    /// # Errors
    /// When the image cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>> {
        font()?;
        let (w, h) = (self.width as usize, self.height as usize);
        let fine = UNIT as usize;
        let mut drawn = vec![0_u8; w * h * fine * fine * 3];
        {
            let size = ((w * fine) as u32, (h * fine) as u32);
            let backend = Bitmap(BitMapBackend::with_buffer(&mut drawn, size));
            self.recipe.draw(&backend.into_drawing_area(), self.theme).map_err(drawing)?;
        }
        let mut pixels = halved(&drawn, w * fine, h * fine);
        drop(drawn);
        for image in self.recipe.images() {
            paste(&mut pixels, w * PNG_SCALE, &image);
        }
        encode_png(&pixels, w * PNG_SCALE, h * PNG_SCALE, 3)
    }

    /// Writes the figure as its file name says: `.svg` or `.png`. The file appears whole or not at all.
    ///
    /// # Errors
    /// Another extension; a folder that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "svg" => write_atomic(path, self.svg.as_bytes()),
            "png" => write_atomic(path, &self.png()?),
            _ => Err(Error::setting(
                "figure file",
                path.display(),
                "a name that ends in .svg or .png",
                "Give the file one of these endings.",
            )),
        }
    }
}

fn font() -> Result<()> {
    if font_is_ready() {
        Ok(())
    } else {
        Err(drawing("the bundled font cannot be read"))
    }
}

fn drawing(cause: impl ToString) -> Error {
    Error::Io {
        action: "draw",
        path: PathBuf::from("figure"),
        source: std::io::Error::other(cause.to_string()),
    }
}

fn draw_svg(recipe: &Recipe, theme: Theme, width: u32, height: u32) -> Result<String> {
    font()?;
    let (fine_width, fine_height) = (width * UNIT as u32, height * UNIT as u32);
    let mut drawn = String::new();
    recipe
        .draw(&SVGBackend::with_string(&mut drawn, (fine_width, fine_height)).into_drawing_area(), theme)
        .map_err(drawing)?;
    // plotters' own root element gives the size in drawing units; ours adds pixels and words.
    let body = drawn.split_once('>').map_or("", |(_, rest)| rest);
    let body = body.trim_end().trim_end_matches("</svg>");
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {fine_width} {fine_height}\" role=\"img\" aria-label=\"{}\">\n<title>{}</title>{body}",
        escaped(&recipe.alt()),
        escaped(recipe.title())
    );
    for image in recipe.images() {
        let tile = image.tile;
        let png = encode_png(&tile.pixels_interleaved(), tile.width, tile.height, tile.channels)?;
        svg.push_str(&format!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"image-rendering:pixelated\" \
             preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>\n",
            image.x * UNIT as u32,
            image.y * UNIT as u32,
            image.width * UNIT as u32,
            image.height * UNIT as u32,
            base64::engine::general_purpose::STANDARD.encode(png)
        ));
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Text as HTML and XML show it, quotes included; control characters, which XML cannot hold, become U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in XML in any form.
            c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

/// Half the width and height, each pixel the mean of four.
fn halved(pixels: &[u8], width: usize, height: usize) -> Vec<u8> {
    let at = |x: usize, y: usize, c: usize| u16::from(pixels[(y * width + x) * 3 + c]);
    let mut out = Vec::with_capacity(pixels.len() / 4);
    for y in (0..height).step_by(2) {
        for x in (0..width).step_by(2) {
            for c in 0..3 {
                let sum = at(x, y, c) + at(x + 1, y, c) + at(x, y + 1, c) + at(x + 1, y + 1, c);
                out.push(((sum + 2) / 4) as u8);
            }
        }
    }
    out
}

/// Copies an image into its place, enlarged without smoothing.
fn paste(pixels: &mut [u8], width: usize, image: &Placed<'_>) {
    let Tile { channels, height: tile_height, width: tile_width, .. } = *image.tile;
    let scaled = |v: u32| v as usize * PNG_SCALE;
    let (w, h) = (scaled(image.width), scaled(image.height));
    for y in 0..h {
        for x in 0..w {
            let (tx, ty) = (x * tile_width / w, y * tile_height / h);
            for c in 0..3 {
                let plane = c.min(channels - 1);
                let value = image.tile.pixels[(plane * tile_height + ty) * tile_width + tx];
                pixels[((scaled(image.y) + y) * width + scaled(image.x) + x) * 3 + c] = value;
            }
        }
    }
}

/// Pixels as a PNG: row by row, `channels` (1 or 3) bytes each.
pub(crate) fn encode_png(pixels: &[u8], width: usize, height: usize, channels: usize) -> Result<Vec<u8>> {
    let color = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut png = Cursor::new(Vec::new());
    PngEncoder::new(&mut png).write_image(pixels, width as u32, height as u32, color).map_err(drawing)?;
    Ok(png.into_inner())
}
