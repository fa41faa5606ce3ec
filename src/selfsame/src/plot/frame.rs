//! What the figures share: title, legend, axes.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::types::RangedCoordf64;
use plotters::element::{Circle, PathElement, Rectangle, Text, TriangleMarker};
use plotters::prelude::{Cartesian2d, DrawingBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor, ShapeStyle, TextStyle, TRANSPARENT};

use super::figure::{Area, Drawn};
use super::theme::{bold, px, text, Theme, COLORS};

/// How an entry of the legend is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Swatch {
    Line { dashed: bool },
    Point,
    Block,
}

/// An entry of the legend: its name, and its number for colour and shape.
pub(super) struct Entry<'a> {
    pub name: &'a str,
    pub index: usize,
    pub swatch: Swatch,
}

/// Linear axes over finite ranges.
pub(super) struct Axes<'a> {
    pub x: Range<f64>,
    pub y: Range<f64>,
    pub x_label: &'a str,
    pub y_label: &'a str,
    /// The values are whole numbers, and so are the ticks.
    pub whole_x: bool,
    /// `y` holds decimal logarithms.
    pub log_y: bool,
}

/// Draws title and legend, and gives back the area below them.
pub(super) fn head<DB: DrawingBackend>(
    area: &Area<DB>,
    theme: Theme,
    title: &str,
    entries: &[Entry<'_>],
) -> Drawn<Area<DB>, DB> {
    let (width, _) = area.dim_in_pixel();
    area.draw(&Text::new(title, (px(16), px(13)), bold(16, &theme.ink())))?;
    let (left, right) = (px(18), width as i32 - px(16));
    let (mut x, mut y) = (left, px(48));
    let label = text(12, &theme.ink());
    for entry in entries {
        let (w, _) = area.estimate_text_size(entry.name, &label)?;
        let end = x + px(22) + w as i32;
        if end > right && x > left {
            x = left;
            y += px(19);
        }
        swatch(area, theme, entry, (x, y))?;
        area.draw(&Text::new(
            entry.name,
            (x + px(22), y),
            anchored(label.clone(), HPos::Left, VPos::Center),
        ))?;
        x += px(22) + w as i32 + px(18);
    }
    let used = if entries.is_empty() { px(38) } else { y + px(14) };
    Ok(area.split_vertically(used).1)
}

fn swatch<DB: DrawingBackend>(
    area: &Area<DB>,
    theme: Theme,
    entry: &Entry<'_>,
    (x, y): (i32, i32),
) -> Drawn<(), DB> {
    let color = theme.color(entry.index);
    match entry.swatch {
        Swatch::Line { dashed } => {
            let style = stroke(color, 2);
            let pieces: &[(i32, i32)] = if dashed { &[(0, 6), (10, 16)] } else { &[(0, 16)] };
            for &(from, to) in pieces {
                area.draw(&PathElement::new(vec![(x + px(from), y), (x + px(to), y)], style))?;
            }
        }
        Swatch::Point => marker(area, (x + px(8), y), entry.index, color, px(5))?,
        Swatch::Block => {
            area.draw(&Rectangle::new([(x + px(2), y - px(5)), (x + px(14), y + px(5))], color.filled()))?;
        }
    }
    Ok(())
}

/// A point of class `index`: a disc in the first round of colours, a triangle in the second, a ring in later ones.
pub(super) fn marker<DB: DrawingBackend>(
    area: &Area<DB>,
    at: (i32, i32),
    index: usize,
    color: RGBColor,
    size: i32,
) -> Drawn<(), DB> {
    let fill = color.mix(0.8).filled();
    match index / COLORS {
        0 => area.draw(&Circle::new(at, size, fill)),
        1 => area.draw(&TriangleMarker::new(at, size * 5 / 4, fill)),
        _ => area.draw(&Circle::new(at, size, stroke(color, 1))),
    }
}

/// Draws axes with a light grid, and gives back the chart to draw into.
pub(super) fn axes<'a, DB: DrawingBackend>(
    area: &'a Area<DB>,
    theme: Theme,
    axes: &Axes<'_>,
) -> Drawn<ChartContext<'a, DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>, DB> {
    let label = text(12, &theme.muted());
    area.draw(&Text::new(axes.y_label, (px(18), px(4)), label.clone()))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(30))
        .margin_right(px(24))
        .margin_bottom(px(10))
        .margin_left(px(8))
        .x_label_area_size(px(42))
        .y_label_area_size(px(46))
        .build_cartesian_2d(axes.x.clone(), axes.y.clone())?;
    let (x_span, y_span) = (axes.x.end - axes.x.start, axes.y.end - axes.y.start);
    let x_ticks = if axes.whole_x { (x_span.floor() as usize + 1).clamp(2, 10) } else { 8 };
    let y_ticks = if axes.log_y { (y_span.floor() as usize + 1).clamp(2, 8) } else { 6 };
    let (whole_x, log_y) = (axes.whole_x, axes.log_y);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(stroke(theme.grid(), 1))
        .light_line_style(TRANSPARENT)
        .axis_style(stroke(theme.grid(), 1))
        .label_style(label.clone())
        .axis_desc_style(label)
        .x_desc(axes.x_label)
        .x_labels(x_ticks)
        .y_labels(y_ticks)
        .x_label_formatter(&|v| if whole_x { whole(*v) } else { tick(*v, x_span) })
        .y_label_formatter(&|v| if log_y { power_of_ten(*v) } else { tick(*v, y_span) })
        .draw()?;
    Ok(chart)
}

/// A line `width` pixels wide.
pub(super) fn stroke(color: RGBColor, width: u32) -> ShapeStyle {
    color.stroke_width(width * px(1) as u32)
}

pub(super) fn anchored(style: TextStyle<'static>, h: HPos, v: VPos) -> TextStyle<'static> {
    style.pos(Pos::new(h, v))
}

/// A tick of an axis that spans `span`, with as many decimals as its neighbours need.
pub(super) fn tick(value: f64, span: f64) -> String {
    if value != 0.0 && (value.abs() >= 1e6 || span < 1e-5) {
        return format!("{value:.1e}");
    }
    let decimals = (1.0 - (span / 2.0).log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" {
        "0".into()
    } else {
        text.replace('-', "\u{2212}")
    }
}

fn whole(value: f64) -> String {
    if (value - value.round()).abs() < 1e-6 {
        format!("{value:.0}")
    } else {
        String::new()
    }
}

fn power_of_ten(exponent: f64) -> String {
    if (exponent - exponent.round()).abs() > 1e-6 {
        return String::new();
    }
    match exponent.round() as i32 {
        0 => "1".into(),
        1 => "10".into(),
        e => {
            let digits: String = e
                .to_string()
                .chars()
                .map(|c| match c {
                    '-' => '⁻',
                    '0' => '⁰',
                    '1' => '¹',
                    '2' => '²',
                    '3' => '³',
                    '4' => '⁴',
                    '5' => '⁵',
                    '6' => '⁶',
                    '7' => '⁷',
                    '8' => '⁸',
                    _ => '⁹',
                })
                .collect();
            format!("10{digits}")
        }
    }
}

/// Whether a coordinate can be drawn: not NaN, and so far from the largest f64 that a range of two such has a width.
pub(super) fn drawable(value: f64) -> bool {
    value.abs() <= 1e300
}

/// The range of the drawable values, widened by a share of itself; `0..1` when there are none.
pub(super) fn range(values: impl Iterator<Item = f64>, pad: f64) -> Range<f64> {
    let (low, high) = values
        .filter(|v| drawable(*v))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    // A single value gets room around it, at any magnitude.
    let span = if high - low > 1e-12 * high.abs().max(low.abs()) { high - low } else { high.abs().max(1.0) };
    let pad = if high > low { pad * span } else { 0.5 * span };
    low - pad..high + pad
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_decimals_their_axis_needs() {
        assert_eq!(tick(4.5, 2.0), "4.5");
        assert_eq!(tick(4.0, 2.0), "4");
        assert_eq!(tick(-0.02, 0.1), "\u{2212}0.02");
        assert_eq!(tick(-0.0, 1.0), "0");
        assert_eq!(tick(20.0, 100.0), "20");
        assert_eq!(tick(2.5e6, 1e7), "2.5e6");
        assert_eq!(power_of_ten(-12.0), "10⁻¹²");
        assert_eq!(power_of_ten(0.5), "");
        assert_eq!(whole(2.5), "");
    }

    #[test]
    fn ranges_are_never_empty() {
        assert_eq!(range([].into_iter(), 0.1), 0.0..1.0);
        assert_eq!(range([f64::NAN, f64::INFINITY].into_iter(), 0.1), 0.0..1.0);
        assert_eq!(range([5.0, 5.0].into_iter(), 0.1), 2.5..7.5);
        assert_eq!(range([0.0, 10.0].into_iter(), 0.1), -1.0..11.0);
    }
}
