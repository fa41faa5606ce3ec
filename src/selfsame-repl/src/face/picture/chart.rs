//! Curves and scatters with axes, in characters: readable at 80 columns and still at 20.

use selfsame::plot::Series;
use unicode_width::UnicodeWidthStr;

use super::colour::{series as colour_of, Colours};
use super::dots::{Apart, Dots};
use super::wrapped;

/// What the points of a series become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// Joined by lines.
    Lines,
    /// Dots.
    Points,
}

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    /// Above everything.
    pub title: &'a str,
    /// Below the axis.
    pub x_label: &'a str,
    /// Above the axis.
    pub y_label: &'a str,
    /// Lines or points.
    pub marks: Marks,
    /// The data. A point that is not finite leaves a gap.
    pub series: &'a [Series],
    /// The second coordinates are decimal logarithms.
    pub log_y: bool,
}

/// Charts are not made wider than this: a long way for the eye gains nothing.
const WIDEST: usize = 100;

impl Chart<'_> {
    /// The chart as lines of at most `columns` characters.
    pub fn text(&self, columns: usize, colours: Colours) -> String {
        let columns = columns.clamp(12, WIDEST);
        let rows = (columns / 4).clamp(5, if self.marks == Marks::Points { 22 } else { 15 });
        let finite =
            || self.series.iter().flat_map(|s| &s.points).filter(|p| p.0.is_finite() && p.1.is_finite());
        let (Some(x), Some(y)) = (range(finite().map(|p| p.0)), range(finite().map(|p| p.1))) else {
            return format!("{}\n(nothing to draw)", wrapped(self.title, columns).join("\n"));
        };
        let whole = finite().all(|p| p.0.fract() == 0.0);
        let y_ticks = ticks(y, (rows / 3).max(2), self.log_y);
        let power = |v: f64| format!("1e{v:.0}");
        let label = |v: &f64| if self.log_y && v.fract() == 0.0 { power(*v) } else { number(*v, &y_ticks) };
        let labels: Vec<String> = y_ticks.iter().map(label).collect();
        let margin = labels.iter().map(|l| l.width()).max().unwrap_or(0);
        let width = columns.saturating_sub(margin + 2).max(4);

        let mut dots = Dots::new(width, rows);
        self.draw(&mut dots, x, y);
        let apart = if colours == Colours::None && self.series.len() > 1 {
            Apart::letters(self.series.iter().map(|s| s.name.as_str()))
        } else {
            Apart::Colour(colours)
        };
        let row_of = |v: f64| place(v, y, 4 * rows - 1).map(|dot| rows - 1 - (dot / 4).min(rows - 1));
        let mut lines = wrapped(self.title, columns);
        lines.extend(wrapped(self.y_label, columns));
        for (row, line) in dots.lines(&apart).into_iter().enumerate() {
            let tick = y_ticks.iter().position(|v| row_of(*v) == Some(row));
            let label = tick.map_or("", |i| labels[i].as_str());
            let axis = if tick.is_some() { '┤' } else { '│' };
            lines.push(format!("{label:>margin$} {axis}{line}").trim_end().to_string());
        }
        lines.extend(self.x_axis(x, whole, margin, width));
        lines.extend(self.legend(columns, &apart));
        lines.join("\n")
    }

    fn draw(&self, dots: &mut Dots, x: (f64, f64), y: (f64, f64)) {
        let (right, bottom) = (dots.width() - 1, dots.height() - 1);
        let at =
            |p: &(f64, f64)| Some((place(p.0, x, right)? as i64, (bottom - place(p.1, y, bottom)?) as i64));
        for (i, series) in self.series.iter().enumerate() {
            let mut last = None;
            for point in &series.points {
                let now = at(point);
                match (self.marks, last, now) {
                    (Marks::Lines, Some(from), Some(to)) => dots.line(from, to, i, series.dashed),
                    (_, _, Some((x, y))) => dots.set(x, y, i),
                    _ => {}
                }
                last = now;
            }
        }
    }

    fn x_axis(&self, x: (f64, f64), whole: bool, margin: usize, width: usize) -> Vec<String> {
        let ticks = ticks(x, (width / 10).max(1), whole);
        let mut axis: Vec<char> = vec!['─'; width];
        let mut labels = String::new();
        for tick in &ticks {
            let Some(at) = place(*tick, x, 2 * width - 1).map(|dot| dot / 2) else { continue };
            axis[at] = '┬';
            let text = number(*tick, &ticks);
            // Below its tick, but inside the chart and not into the label before.
            let start = at.saturating_sub(text.width() / 2).min(width.saturating_sub(text.width()));
            if labels.is_empty() || start > labels.width() {
                labels += &" ".repeat(start - labels.width());
                labels += &text;
            }
        }
        let indent = " ".repeat(margin + 2);
        let mut lines = vec![
            format!("{}└{}", " ".repeat(margin + 1), axis.into_iter().collect::<String>()),
            format!("{indent}{labels}"),
        ];
        for line in wrapped(self.x_label, width) {
            let middle = " ".repeat(width.saturating_sub(line.width()) / 2);
            lines.push(format!("{indent}{middle}{line}"));
        }
        lines
    }

    /// The names of the series, where there are several, as many on a line as fit.
    fn legend(&self, columns: usize, apart: &Apart) -> Vec<String> {
        if self.series.len() < 2 {
            return Vec::new();
        }
        let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
        for (i, series) in self.series.iter().enumerate() {
            let mark = match (apart.letter(i), self.marks, series.dashed) {
                (Some(letter), ..) => letter.to_string(),
                (_, Marks::Points, _) => "●".to_string(),
                (_, _, true) => "┅┅".to_string(),
                (_, _, false) => "━━".to_string(),
            };
            let width = mark.width() + 1 + series.name.width();
            if used > 0 && used + 2 + width > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line += "  ";
                used += 2;
            }
            let mark = match apart {
                Apart::Colour(colours) => colours.paint(colour_of(i), &mark),
                Apart::Letters(_) => mark,
            };
            line += &format!("{mark} {}", series.name);
            used += width;
        }
        lines.push(line);
        lines
    }
}

/// The smallest and largest value; a little around one that is alone.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = crate::sparkline::range(values)?;
    if high > low {
        return Some((low, high));
    }
    let around = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
    Some((low - around, high + around))
}

/// Where `value` is between the ends, as a number from 0 to `last`; `None` outside.
fn place(value: f64, (low, high): (f64, f64), last: usize) -> Option<usize> {
    // Halved, so that the largest numbers have a difference too.
    let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
    (-1e-9..=1.0 + 1e-9).contains(&share).then(|| (share * last as f64).round() as usize)
}

/// About `count` round numbers between the ends: multiples of 1, 2 or 5 times a power of ten.
fn ticks((low, high): (f64, f64), count: usize, whole: bool) -> Vec<f64> {
    let rough = (high / 2.0 - low / 2.0) * 2.0 / count as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return vec![low, high];
    }
    let power = rough.log10().floor() as i32;
    let power = if whole { power.max(0) } else { power };
    // Dividing by a power of ten rounds once: 94 / 100 is 0.94, 94 * 0.01 is not.
    let times = |m: f64| if power < 0 { m / 10f64.powi(-power) } else { m * 10f64.powi(power) };
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| times(*m) >= rough).unwrap_or(10.0);
    let first = (low / times(step) - 1e-9).ceil();
    let all = (0..=count + 1).map(|i| times((first + i as f64) * step));
    let mut found: Vec<f64> = all.filter(|v| *v <= high + times(step) * 1e-9).collect();
    found.dedup();
    if found.len() < 2 {
        return vec![low, high];
    }
    found
}

/// With as many digits as tell the ticks apart.
fn number(value: f64, ticks: &[f64]) -> String {
    let step = ticks.windows(2).map(|w| (w[1] - w[0]).abs()).fold(f64::INFINITY, f64::min);
    let value = if value == 0.0 { 0.0 } else { value };
    if value.abs() >= 1e6 || (value != 0.0 && value.abs() < 1e-4 && step < 1e-4) {
        return format!("{value:.1e}");
    }
    let step = if step.is_finite() && step > 0.0 { step } else { value.abs().max(1.0) / 10.0 };
    let digits = (-(step * 1.000_001).log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(marks: Marks, series: &[Series], columns: usize) -> String {
        Chart { title: "Training loss", x_label: "epoch", y_label: "nats", marks, series, log_y: false }
            .text(columns, Colours::None)
    }

    fn falling() -> Series {
        Series::new("run", (0..=10).map(|i| (f64::from(i), 6.0 - 0.5 * f64::from(i))).collect())
    }

    #[test]
    fn a_falling_line_falls_between_labelled_axes() {
        let text = chart(Marks::Lines, &[falling()], 24);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines[1], lines.len()), ("Training loss", "nats", 2 + 6 + 3));
        assert!(lines[2].starts_with("6 ┤") && lines[8].starts_with("  └┬"), "{text}");
        assert_eq!(lines[9].split_whitespace().collect::<Vec<_>>(), ["0", "5", "10"]);
        assert_eq!(lines[10].trim(), "epoch");
        let first = |l: &str| l.chars().position(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
        assert!(lines[2..8].windows(2).all(|w| first(w[0]) < first(w[1])), "{text}");
    }

    #[test]
    fn everything_fits_whatever_the_width() {
        let wild = Series::new("wild", vec![(0.0, 1e-7), (1.0, f64::NAN), (2.0, 123_456_789.0), (3.0, -5.0)]);
        let long = Series::new("a name that is longer than twenty columns", vec![(0.0, 0.0)]);
        for columns in [12, 20, 33, 80, 200] {
            for marks in [Marks::Lines, Marks::Points] {
                let text = chart(marks, &[falling(), wild.clone()], columns);
                assert!(text.lines().all(|l| l.width() <= columns.max(20)), "{columns}:\n{text}");
                assert!(!chart(marks, &[falling(), long.clone()], columns).is_empty());
            }
        }
    }

    #[test]
    fn several_series_are_letters_without_colour_and_named_below() {
        let level = Series { dashed: true, ..Series::new("goal", vec![(0.0, 3.0), (10.0, 3.0)]) };
        let text = chart(Marks::Lines, &[falling(), level.clone()], 80);
        assert!(text.ends_with("a run  b goal") && text.contains("bb bb"), "{text}");
        let coloured = Chart {
            title: "t",
            x_label: "x",
            y_label: "",
            marks: Marks::Lines,
            series: &[falling(), level],
            log_y: false,
        }
        .text(80, Colours::True);
        assert!(coloured.contains("┅┅") && coloured.contains("\x1b[38;2;"), "{coloured}");
    }

    #[test]
    fn nothing_one_point_and_extremes_can_be_drawn() {
        assert!(chart(Marks::Lines, &[], 40).contains("nothing to draw"));
        assert!(
            chart(Marks::Lines, &[Series::new("n", vec![(f64::NAN, 1.0)])], 40).contains("nothing to draw")
        );
        let one = chart(Marks::Points, &[Series::new("one", vec![(3.0, 0.5)])], 40);
        assert!(one.contains("3") && one.contains("0.5"), "{one}");
        let huge = Series::new("huge", vec![(1.0, f64::MAX), (2.0, f64::MIN)]);
        assert!(chart(Marks::Lines, &[huge], 40).lines().count() > 5);
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks((0.0, 10.0), 5, true), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks((1.0, 3.0), 9, true), [1.0, 2.0, 3.0]);
        assert_eq!(ticks((0.93, 0.98), 3, false), [0.94, 0.96, 0.98]);
        assert_eq!(ticks((1.0, 30.0), 1, true), [1.0, 30.0]);
        assert_eq!(number(0.94, &[0.94, 0.96]), "0.94");
        assert_eq!(number(5.0, &[0.0, 5.0]), "5");
        assert_eq!(number(-0.0, &[0.0, 0.5]), "0.0");
        assert_eq!(number(2e7, &[1e7, 2e7]), "2.0e7");
    }
}
