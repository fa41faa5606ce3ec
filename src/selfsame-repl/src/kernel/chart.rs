//! A small curve as SVG, in colours that stand out on light and on dark.

use selfsame::plot::escaped;

const WIDTH: f64 = 220.0;
const HEIGHT: f64 = 64.0;
/// Points of a curve at most; there are not more pixels.
const POINTS: usize = 220;

/// A curve with its name and its latest value.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'c> {
    /// What is drawn.
    pub name: &'c str,
    /// The latest value, in words.
    pub latest: &'c str,
    /// The values in order; a gap where there is none.
    pub values: &'c [Option<f64>],
    /// The curve's colour.
    pub colour: &'c str,
}

impl Chart<'_> {
    /// The chart as a part of a page.
    pub fn html(&self) -> String {
        let values = thinned(self.values);
        let finite = || values.iter().flatten().copied();
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let range = if high > low { high - low } else { 1.0 };
        let last = values.len().saturating_sub(1).max(1) as f64;
        let place = |(i, v): (usize, f64)| {
            let x = 2.0 + (WIDTH - 4.0) * i as f64 / last;
            let y = 3.0 + (HEIGHT - 6.0) * if high > low { (high - v) / range } else { 0.5 };
            format!("{x:.1},{y:.1}")
        };
        let mut lines = String::new();
        for run in runs(&values) {
            let points: Vec<String> = run.iter().copied().map(place).collect();
            match points.as_slice() {
                [one] => {
                    let (x, y) = one.split_once(',').unwrap_or_default();
                    lines += &format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"2.5\" fill=\"{}\"/>", self.colour);
                }
                many => {
                    lines += &format!(
                        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>",
                        many.join(" "),
                        self.colour
                    );
                }
            }
        }
        let name = escaped(self.name);
        let latest = escaped(self.latest);
        format!(
            "<div style=\"flex:0 0 {WIDTH}px\"><div style=\"display:flex;justify-content:space-between\"><span>{name}</span>\
             <b>{latest}</b></div><svg width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{name}, now {latest}\"><rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" fill=\"none\" \
             stroke=\"currentColor\" stroke-opacity=\"0.25\"/>{lines}</svg></div>",
            WIDTH - 1.0,
            HEIGHT - 1.0
        )
    }
}

/// Stretches without a gap, with their places.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs = vec![Vec::new()];
    for (i, value) in values.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(v), Some(run)) => run.push((i, *v)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// At most [`POINTS`] values: of each stretch its mean.
fn thinned(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let stretch = values.len().div_ceil(POINTS).max(1);
    let mean = |chunk: &[Option<f64>]| {
        let there: Vec<f64> = chunk.iter().flatten().copied().filter(|v| v.is_finite()).collect();
        (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64)
    };
    values.chunks(stretch).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[Option<f64>]) -> String {
        Chart { name: "a<b", latest: "1", values, colour: "#0072B2" }.html()
    }

    #[test]
    fn gaps_break_the_curve_and_names_are_escaped() {
        let html = chart(&[Some(1.0), Some(2.0), None, Some(3.0), Some(f64::NAN)]);
        assert_eq!((html.matches("<polyline").count(), html.matches("<circle").count()), (1, 1), "{html}");
        assert!(html.contains("a&lt;b") && !html.contains("NaN"), "{html}");
    }

    #[test]
    fn a_level_curve_and_none_at_all_can_be_drawn() {
        assert!(chart(&[Some(1.0), Some(1.0)]).contains("points=\"2.0,32.0 218.0,32.0\""));
        assert!(!chart(&[]).contains("polyline"));
    }

    #[test]
    fn long_curves_are_thinned() {
        let values: Vec<_> = (0..5000).map(|i| Some(f64::from(i))).collect();
        assert!(thinned(&values).len() <= POINTS);
        assert!(chart(&values).len() < 5000);
    }
}
