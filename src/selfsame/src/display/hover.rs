//! A figure whose points show an image when the pointer is over them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::html;
use crate::error::Result;
use crate::plot::{encode_png, escaped, Figure, Tile};

/// Pixels an image is shown with, at least.
const SHOWN: u32 = 72;
/// Pixels around a point that belong to it.
const REACH: u32 = 5;

/// A point of a figure, what it is called and what it shows.
pub(super) struct Point<'t> {
    /// Pixels from the left and from the top.
    pub at: (f64, f64),
    pub name: String,
    pub tile: Option<&'t Tile>,
}

/// The figure as a PNG, and over it, invisible until pointed at, names and images of `points`.
///
/// Without scripts and style sheets: what appears is told by SVG's own `set`. A static viewer that takes the SVG away
/// leaves the PNG.
pub(super) fn with_points(figure: &Figure, points: &[Point<'_>]) -> Result<String> {
    let (width, height) = (figure.width(), figure.height());
    let prefix = new_prefix();
    let mut targets = String::new();
    let mut cards = String::new();
    for (i, point) in points.iter().enumerate() {
        let (x, y) = point.at;
        let id = format!("{prefix}-{i}");
        targets += &format!(
            "<circle id=\"{id}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{REACH}\" fill-opacity=\"0\" pointer-events=\"all\">\
             <title>{}</title></circle>\n",
            escaped(&point.name)
        );
        if let Some(tile) = point.tile {
            cards += &card(&id, point, tile, width)?;
        }
    }
    Ok(format!(
        "<div style=\"position:relative;width:{width}px\">{}\
         <svg xmlns=\"http://www.w3.org/2000/svg\" style=\"position:absolute;left:0;top:0\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">\n{targets}{cards}</svg></div>\n",
        html::image(&figure.png()?, width, height, &figure.alt())
    ))
}

/// An image with a name below it, in a frame beside its point.
fn card(id: &str, point: &Point<'_>, tile: &Tile, figure_width: u32) -> Result<String> {
    let factor = (SHOWN / tile.height.max(tile.width).max(1) as u32).max(1);
    let (w, h) = (tile.width as u32 * factor, tile.height as u32 * factor);
    let (x, y) = point.at;
    let room_right = x + f64::from(w) + 24.0 < f64::from(figure_width);
    let left = if room_right { x + 12.0 } else { x - f64::from(w) - 20.0 };
    let top = (y - f64::from(h) - 30.0).max(2.0);
    let png = encode_png(&tile.pixels_interleaved(), tile.width, tile.height, tile.channels)?;
    Ok(format!(
        "<g visibility=\"hidden\" pointer-events=\"none\">\
         <set attributeName=\"visibility\" to=\"visible\" begin=\"{id}.mouseover\" end=\"{id}.mouseout\"/>\
         <rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{}\" height=\"{}\" fill=\"#FFFFFF\" stroke=\"#5F6B7A\"/>\
         <image x=\"{:.1}\" y=\"{:.1}\" width=\"{w}\" height=\"{h}\" style=\"image-rendering:pixelated\" \
         href=\"data:image/png;base64,{}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#1F2328\">{}</text></g>\n",
        w + 8,
        h + 24,
        left + 4.0,
        top + 4.0,
        html::base64(&png),
        left + 5.0,
        top + f64::from(h) + 18.0,
        escaped(&point.name)
    ))
}

/// A name that no other output of a notebook has: several sessions may have written into one.
fn new_prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis());
    format!("s{now:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
