//! Accuracies side by side.

use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::Color;

use super::figure::{Area, Drawn, Figure, Recipe};
use super::frame::{anchored, head, stroke, Entry, Swatch};
use super::theme::{bold, px, text, Theme};
use super::Sketch;
use crate::error::{Error, Result};

const BAR: i32 = 13;
const GAP: i32 = 14;
const FOOT: i32 = 40;

/// One group of bars.
#[derive(Debug, Clone, PartialEq)]
pub struct BarRow {
    /// What the group belongs to: a run, a baseline.
    pub name: String,
    /// One value from 0 to 1 for each series; NaN where there is none.
    pub values: Vec<f64>,
}

/// Horizontal bars for accuracies (0 to 1, shown in percent), a group for each row and in it a bar for each series.
/// The first row's name is set in bold: it is the one the others are held against.
///
/// # Errors
/// A row with another number of values than there are series.
pub fn bars(title: &str, label: &str, series: &[&str], rows: &[BarRow]) -> Result<Figure> {
    if let Some(row) = rows.iter().find(|r| r.values.len() != series.len()) {
        return Err(Error::shape(
            format!("bars of '{}'", row.name),
            format!("{} values", series.len()),
            row.values.len(),
        ));
    }
    Figure::new(Recipe::Bars(Bars {
        title: title.into(),
        label: label.into(),
        series: series.iter().map(|s| s.to_string()).collect(),
        rows: rows.to_vec(),
    }))
}

/// What [`bars`] draws.
#[derive(Debug, Clone)]
pub(super) struct Bars {
    pub title: String,
    label: String,
    series: Vec<String>,
    rows: Vec<BarRow>,
}

impl Bars {
    pub(super) fn sketch(&self) -> Sketch {
        let value = |v: &f64| v.is_finite().then_some(*v);
        let row = |row: &BarRow| (row.name.clone(), row.values.iter().map(value).collect());
        Sketch::Bars {
            title: self.title.clone(),
            label: self.label.clone(),
            series: self.series.clone(),
            rows: self.rows.iter().map(row).collect(),
        }
    }

    /// Pixels of one group without the gap below it.
    fn group(&self) -> i32 {
        BAR * self.series.len().max(1) as i32
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (720, (70 + FOOT + (self.group() + GAP) * self.rows.len() as i32 + 10) as u32)
    }

    pub(super) fn alt(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let values: Vec<String> = self
                    .series
                    .iter()
                    .zip(&row.values)
                    .map(|(s, v)| format!("{s} {}", percent(*v)))
                    .collect();
                format!("{}: {}", row.name, values.join(", "))
            })
            .collect();
        format!("{}, {}. {}.", self.title, self.label, rows.join("; "))
    }

    pub(super) fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, theme: Theme) -> Drawn<(), DB> {
        let names = if self.series.len() > 1 { self.series.as_slice() } else { &[] };
        let entries: Vec<Entry<'_>> = names
            .iter()
            .enumerate()
            .map(|(i, name)| Entry { name, index: i, swatch: Swatch::Block })
            .collect();
        let below = head(area, theme, &self.title, &entries)?;
        let (plain, strong, muted) =
            (text(12, &theme.ink()), bold(12, &theme.ink()), text(11, &theme.muted()));
        let mut widest = 0;
        for row in &self.rows {
            widest = widest.max(below.estimate_text_size(&row.name, &strong)?.0 as i32);
        }
        let left = px(18) + widest.min(px(260)) + px(10);
        let span = px(720 - 64) - left;
        let top = px(8);
        let bottom = top + px((self.group() + GAP) * self.rows.len() as i32);
        for tenth in [0, 2, 4, 6, 8, 10] {
            let x = left + span * tenth / 10;
            below.draw(&PathElement::new(vec![(x, top), (x, bottom)], stroke(theme.grid(), 1)))?;
            let name = format!("{}", tenth * 10);
            below.draw(&Text::new(
                name,
                (x, bottom + px(6)),
                anchored(muted.clone(), HPos::Center, VPos::Top),
            ))?;
        }
        let foot = anchored(text(12, &theme.muted()), HPos::Center, VPos::Top);
        below.draw(&Text::new(self.label.as_str(), (left + span / 2, bottom + px(22)), foot))?;
        for (r, row) in self.rows.iter().enumerate() {
            let y = top + px(GAP / 2 + (self.group() + GAP) * r as i32);
            let name = if r == 0 { &strong } else { &plain };
            let middle = (left - px(10), y + px(self.group()) / 2);
            below.draw(&Text::new(
                row.name.as_str(),
                middle,
                anchored(name.clone(), HPos::Right, VPos::Center),
            ))?;
            for (i, &value) in row.values.iter().enumerate() {
                let y = y + px(BAR) * i as i32;
                let share = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
                let end = left + (f64::from(span) * share).round() as i32;
                let bar = [(left, y + px(1)), (end, y + px(BAR) - px(1))];
                below.draw(&Rectangle::new(bar, theme.color(i).filled()))?;
                let at = (end + px(5), y + px(BAR) / 2);
                below.draw(&Text::new(
                    percent(value),
                    at,
                    anchored(muted.clone(), HPos::Left, VPos::Center),
                ))?;
            }
        }
        Ok(())
    }
}

/// `75.7 %`, or a dash where there is no value.
pub(crate) fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.1} %", 100.0 * share)
    } else {
        "–".into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_written_beside_its_bar() {
        let rows = [
            BarRow { name: "simclr".into(), values: vec![0.757, 1.0] },
            BarRow { name: "pixels".into(), values: vec![f64::NAN, 7.0] },
        ];
        let figure = bars("Probe", "accuracy (%)", &["1 %", "100 %"], &rows).unwrap();
        assert!(
            figure.svg().contains("75.7 %") && figure.svg().contains("100.0 %") && figure.svg().contains('–')
        );
        assert_eq!(
            figure.alt(),
            "Probe, accuracy (%). simclr: 1 % 75.7 %, 100 % 100.0 %; pixels: 1 % –, 100 % 700.0 %."
        );
        assert!(bars("Probe", "", &["one"], &rows).is_err());
        assert!(bars("Probe", "", &[], &[]).is_ok());
    }
}
