//! Colours, fonts and the unit that everything is drawn in.

use std::sync::OnceLock;

use plotters::style::{register_font, FontStyle, IntoFont, RGBColor, TextStyle};

/// Everything is laid out in quarters of a pixel: plotters' coordinates are whole numbers, and curves need finer ones.
pub(super) const UNIT: i32 = 4;

/// Pixels in drawing units.
pub(super) const fn px(pixels: i32) -> i32 {
    pixels * UNIT
}

/// What SVG viewers look for, best first. The bundled font is registered under this very name, so that layout and
/// bitmaps use it wherever we draw.
const FAMILY: &str = "Inter, system-ui, Helvetica, Arial, sans-serif";

static REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular-subset.otf");
static BOLD: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold-subset.otf");

/// Whether the bundled font could be registered with plotters; done once.
pub(super) fn font_is_ready() -> bool {
    static READY: OnceLock<bool> = OnceLock::new();
    *READY.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, REGULAR).is_ok()
            && register_font(FAMILY, FontStyle::Bold, BOLD).is_ok()
    })
}

/// Text of a size in pixels.
pub(super) fn text(size: i32, color: &RGBColor) -> TextStyle<'static> {
    // plotters' size is a line height; 1.24 is the factor it divides by to get the size of the letters.
    (FAMILY, f64::from(px(size)) * 1.24).into_font().color(color)
}

/// The same in bold.
pub(super) fn bold(size: i32, color: &RGBColor) -> TextStyle<'static> {
    (FAMILY, f64::from(px(size)) * 1.24, FontStyle::Bold).into_font().color(color)
}

/// Light (the default) or dark background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark ink on white.
    #[default]
    Light,
    /// Light ink on near-black.
    Dark,
}

impl Theme {
    pub(super) fn background(self) -> RGBColor {
        match self {
            Theme::Light => RGBColor(0xFF, 0xFF, 0xFF),
            Theme::Dark => RGBColor(0x14, 0x17, 0x1C),
        }
    }

    pub(super) fn ink(self) -> RGBColor {
        match self {
            Theme::Light => RGBColor(0x1F, 0x23, 0x28),
            Theme::Dark => RGBColor(0xE8, 0xEA, 0xED),
        }
    }

    /// For labels that should not be the first thing read.
    pub(super) fn muted(self) -> RGBColor {
        match self {
            Theme::Light => RGBColor(0x5F, 0x6B, 0x7A),
            Theme::Dark => RGBColor(0x9A, 0xA4, 0xB2),
        }
    }

    pub(super) fn grid(self) -> RGBColor {
        match self {
            Theme::Light => RGBColor(0xE3, 0xE7, 0xEC),
            Theme::Dark => RGBColor(0x2B, 0x31, 0x3A),
        }
    }

    /// The colours CSS must exchange to show a light figure on a dark page, as `(light, dark)` in SVG's notation.
    pub(super) fn exchanges() -> [(String, String); 5] {
        let pair = |of: fn(Theme) -> RGBColor| (hex(of(Theme::Light)), hex(of(Theme::Dark)));
        [
            pair(Theme::background),
            pair(Theme::ink),
            pair(Theme::muted),
            pair(Theme::grid),
            pair(|theme| theme.color(0)),
        ]
    }

    /// The colour of the `i`-th series or class: Okabe and Ito's (2008), less black and the yellow that is lost on
    /// white, and a grey. They repeat after [`COLORS`]; tell the rounds apart by shape or dash.
    pub(super) fn color(self, i: usize) -> RGBColor {
        match (i % COLORS, self) {
            (0, Theme::Light) => RGBColor(0x00, 0x72, 0xB2),
            (0, Theme::Dark) => RGBColor(0x4A, 0xA3, 0xDF),
            (1, _) => RGBColor(0xE6, 0x9F, 0x00),
            (2, _) => RGBColor(0x00, 0x9E, 0x73),
            (3, _) => RGBColor(0xD5, 0x5E, 0x00),
            (4, _) => RGBColor(0x56, 0xB4, 0xE9),
            (5, _) => RGBColor(0xCC, 0x79, 0xA7),
            _ => RGBColor(0x8A, 0x8F, 0x98),
        }
    }
}

/// How many colours there are before they repeat.
pub(super) const COLORS: usize = 7;

/// A colour as plotters' SVG back end writes it.
pub(super) fn hex(color: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2)
}
