//! A run's report as one page.

use super::bars::{bars, percent, BarRow};
use super::curves::{curves, Series};
use super::figure::escaped;
use super::report_style::css;
use super::verdict::verdict;
use super::{Figure, History, Table};
use crate::diagnose::Geometry;
use crate::error::Result;
use crate::train::{Report, Scores};

/// What a report shows beside its numbers. Everything may be left out.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// Singular spectrum of the test embeddings.
    pub spectrum: Option<Figure>,
    /// Test embeddings in the plane.
    pub scatter: Option<Figure>,
    /// Samples and their augmented views.
    pub views: Option<Figure>,
    /// Test samples and their nearest neighbours.
    pub neighbours: Option<Figure>,
    /// The run's settings, name and value, in order.
    pub settings: Vec<(String, String)>,
    /// The command that makes this run again.
    pub reproduce: String,
    /// The command that goes on with it.
    pub resume: String,
}

/// A run as one self-contained HTML page: the verdict in words, the scores against the baselines, the curves, what
/// the encoder sees, alarms with their remedies, the settings and the commands that make the run again.
///
/// No scripts, nothing from the network; light or dark as the reader's system is; every text is escaped.
///
/// # Errors
/// When a figure cannot be drawn.
pub fn report_html(report: &Report, history: &History, extras: &Extras) -> Result<String> {
    let title = format!("{} on {}", report.method, report.data);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{0} – {1}</title>\n<style>\n{2}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{0}</h1>\n<p>{3}</p>\n</header>\n",
        escaped(&title),
        escaped(&report.run),
        css(),
        escaped(&format!(
            "{} encoder, seed {}, {} epoch{} in {}, run {}",
            report.encoder,
            report.seed,
            report.epochs,
            if report.epochs == 1 { "" } else { "s" },
            duration(report.seconds),
            report.run
        )),
    );
    let words = verdict(report);
    let tone = match () {
        _ if !report.alarms.is_empty() || words.starts_with("Not") => "bad",
        _ if words.starts_with("Better than nothing") => "good",
        _ => "",
    };
    page.push_str(&format!("<p class=\"verdict {tone}\">{}</p>\n", escaped(&words)));
    alarms(&mut page, report);
    scores(&mut page, report)?;
    training(&mut page, report, history)?;
    embeddings(&mut page, report, extras);
    pictures(&mut page, extras);
    settings(&mut page, report, extras);
    page.push_str("<footer>Made by Selfsame.</footer>\n</main>\n</body>\n</html>\n");
    Ok(page)
}

fn alarms(page: &mut String, report: &Report) {
    if report.alarms.is_empty() {
        return;
    }
    page.push_str("<section>\n<h2>Alarms</h2>\n");
    for alarm in &report.alarms {
        page.push_str(&format!(
            "<div class=\"alarm\"><h3>{}, epoch {}</h3><p>Seen: {}.</p><p>{}</p><p><strong>Try:</strong> {}</p></div>\n",
            escaped(&alarm.kind),
            alarm.epoch,
            escaped(&alarm.seen),
            escaped(&alarm.means),
            escaped(&alarm.try_this)
        ));
    }
    page.push_str("</section>\n");
}

/// Every representation with its name, the run's own first.
fn representations(report: &Report) -> [(String, &Scores); 5] {
    let b = &report.baselines;
    [
        (report.method.clone(), &report.scores),
        ("random-init encoder".into(), &b.random_init),
        ("raw pixels".into(), &b.pixels),
        ("PCA of the pixels".into(), &b.pca),
        ("supervised".into(), &b.supervised),
    ]
}

/// The shares of labels that were probed, fewest first.
fn shares(report: &Report) -> Vec<&str> {
    let mut labels: Vec<&str> = report.scores.linear.by_labels.keys().map(String::as_str).collect();
    let share = |label: &str| label.trim_end_matches('%').trim().parse::<f64>().unwrap_or(f64::INFINITY);
    labels.sort_by(|a, b| share(a).total_cmp(&share(b)));
    labels
}

fn accuracies(scores: &Scores, labels: &[&str]) -> Vec<f64> {
    labels.iter().map(|l| scores.linear.by_labels.get(*l).copied().unwrap_or(f64::NAN)).collect()
}

/// `10 % labels`
fn labels_words(label: &str) -> String {
    format!("{} labels", label.replace('%', " %"))
}

/// Test accuracies of a run and its baselines, a row a representation.
pub(crate) fn scores_table(report: &Report) -> Table {
    let labels = shares(report);
    let mut headers = vec!["representation".to_string()];
    headers.extend(labels.iter().map(|l| format!("linear, {}", labels_words(l))));
    headers.extend(["kNN, k = 20".into(), "kNN, k = 200".into()]);
    let mut table = Table::new(headers);
    for (name, scores) in representations(report) {
        let linear = accuracies(scores, &labels).into_iter().map(percent);
        let knn = [percent(scores.knn.k20), percent(scores.knn.k200)];
        table.row(std::iter::once(name).chain(linear).chain(knn));
    }
    table
}

/// Linear-probe accuracies of a run and its baselines as bars.
pub(crate) fn accuracy_figure(report: &Report) -> Result<Figure> {
    let labels = shares(report);
    let series: Vec<String> = labels.iter().map(|l| labels_words(l)).collect();
    let series: Vec<&str> = series.iter().map(String::as_str).collect();
    let rows =
        representations(report).map(|(name, scores)| BarRow { name, values: accuracies(scores, &labels) });
    bars("Linear probe", "test accuracy (%)", &series, &rows)
}

fn scores(page: &mut String, report: &Report) -> Result<()> {
    let (table, figure) = (scores_table(report), accuracy_figure(report)?);
    let unjudged: String = report.all_unjudged().map(|why| format!("<p>{}</p>", escaped(why))).collect();
    page.push_str(&format!(
        "<section class=\"scores\">\n<h2>Is it better than nothing?</h2>\n{unjudged}<div class=\"wide\">{}</div>\n\
         <p class=\"note\">Accuracy on the test part, every representation under the same probes. Below 100 % of the \
         labels: mean over five draws; supervised then means the encoder trained on those labels alone, scored by its \
         own classifier.</p>\n<div class=\"figures\">{}</div>\n</section>\n",
        table.html(),
        figure_html(&figure, "", "")
    ));
    Ok(())
}

fn training(page: &mut String, report: &Report, history: &History) -> Result<()> {
    page.push_str("<section>\n<h2>Training</h2>\n<div class=\"figures\">\n");
    let loss = curves("Training loss", "epoch", "loss (nats)", &[Series::new("loss", history.loss())])?;
    page.push_str(&figure_html(&loss, "", ""));
    let knn = history.probed(|row| row.knn.map(|v| 100.0 * v));
    if let (Some(&(first, _)), Some(&(last, _))) = (knn.first(), knn.last()) {
        let level =
            |name: &str, v: f64| Series::new(name, vec![(first, 100.0 * v), (last, 100.0 * v)]).dashed();
        let b = &report.baselines;
        let series = [
            Series::new(report.method.as_str(), knn),
            level("random-init (test)", b.random_init.knn.k20),
            level("raw pixels (test)", b.pixels.knn.k20),
            level("supervised (test)", b.supervised.knn.k20),
        ];
        let figure = curves("Online kNN (k = 20), validation part", "epoch", "accuracy (%)", &series)?;
        page.push_str(&figure_html(&figure, "", ""));
    }
    for figure in geometry_figures(history)? {
        page.push_str(&figure_html(&figure, "", ""));
    }
    page.push_str("</div>\n</section>\n");
    Ok(())
}

/// Rank and spread of the embeddings over epochs, where they were probed.
fn geometry_figures(history: &History) -> Result<Vec<Figure>> {
    [
        ("RankMe of the embeddings", "dimensions", history.probed(|row| row.rankme)),
        ("Spread of the embeddings", "std of L2-normalised columns", history.probed(|row| row.std)),
    ]
    .into_iter()
    .filter(|(.., points)| !points.is_empty())
    .map(|(title, unit, points)| curves(title, "epoch", unit, &[Series::new(title, points)]))
    .collect()
}

/// Loss, and what was probed, over epochs; none where there are no epochs.
pub(crate) fn training_figures(history: &History) -> Result<Vec<Figure>> {
    if history.epochs.is_empty() {
        return Ok(Vec::new());
    }
    let mut figures =
        vec![curves("Training loss", "epoch", "loss (nats)", &[Series::new("loss", history.loss())])?];
    let knn = history.probed(|row| row.knn.map(|v| 100.0 * v));
    if !knn.is_empty() {
        let series = [Series::new("kNN", knn)];
        figures.push(curves("Online kNN (k = 20), validation part", "epoch", "accuracy (%)", &series)?);
    }
    figures.extend(geometry_figures(history)?);
    Ok(figures)
}

/// The numbers of a geometry and how to read them.
pub(crate) fn geometry_table(g: &Geometry) -> Table {
    let mut table = Table::new(["quantity", "value", "reading"]);
    for (name, value, reading) in [
        (
            "std of L2-normalised columns",
            format!("{:.4}", g.std),
            "1/√d where they fill the sphere, 0 collapsed",
        ),
        ("mean cosine", format!("{:.3}", g.mean_cosine), "between different samples; 1 collapsed"),
        ("RankMe", format!("{:.1}", g.rankme), "dimensions in use"),
        ("effective rank", format!("{:.1}", g.effective_rank), "of the covariance"),
        ("alignment", format!("{:.3}", g.alignment), "squared distance of two views; 0 when they agree"),
        ("uniformity", format!("{:.2}", g.uniformity), "more negative is more even; 0 collapsed"),
    ] {
        let value = if value == "NaN" { "–".to_string() } else { value };
        table.row([name.to_string(), value, reading.to_string()]);
    }
    // Not every embedding has these: they are left out where there is no number.
    for (name, value, decimals, reading) in [
        ("LiDAR", g.lidar, 1, "dimensions in which samples differ more than their views do"),
        (
            "participation ratio",
            g.participation_ratio,
            1,
            "of the covariance; the number of dimensions at most",
        ),
        ("alpha-ReQ", g.alpha_req, 2, "decay of the spectrum; about 1 is healthy"),
        ("explained variance, area", g.explained_variance_auc, 3, "0.5 whitened, 1 collapsed"),
        ("cluster learnability", g.learnability, 3, "0 to 1; rises while training"),
        ("intrinsic dimension", g.intrinsic_dimension, 1, "1 to 2 is collapsed along a curved surface"),
    ] {
        if value.is_finite() {
            table.row([name.to_string(), format!("{value:.decimals$}"), reading.to_string()]);
        }
    }
    table
}

fn embeddings(page: &mut String, report: &Report, extras: &Extras) {
    let table = geometry_table(&report.diagnostics);
    page.push_str(&format!(
        "<section>\n<h2>The embeddings</h2>\n<div class=\"wide\">{}</div>\n<div class=\"figures\" style=\"margin-top:20px\">\n",
        table.html()
    ));
    for figure in [&extras.spectrum, &extras.scatter].into_iter().flatten() {
        page.push_str(&figure_html(figure, "", ""));
    }
    page.push_str("</div>\n</section>\n");
}

fn pictures(page: &mut String, extras: &Extras) {
    let neighbours =
        "Framed blue and marked = where a neighbour has the query's class, vermilion and ≠ where not.";
    for (heading, figure, caption) in [
        (
            "What it was trained on",
            &extras.views,
            "Views of one image are what the encoder learns to see as the same.",
        ),
        ("What it sees as alike", &extras.neighbours, neighbours),
    ] {
        if let Some(figure) = figure {
            page.push_str(&format!(
                "<section>\n<h2>{heading}</h2>\n{}</section>\n",
                figure_html(figure, "grid", caption)
            ));
        }
    }
}

fn settings(page: &mut String, report: &Report, extras: &Extras) {
    page.push_str("<section>\n<h2>The run</h2>\n");
    let mut table = Table::new(["setting", "value"]);
    for (name, value) in &extras.settings {
        table.row([name, value]);
    }
    table.row(["images per second", &format!("{:.0}", report.images_per_second)]);
    table.row(["peak memory", &format!("{:.0} MB", report.peak_memory_bytes as f64 / 1e6)]);
    table.row(["wall time", &duration(report.seconds)]);
    page.push_str(&format!("<div class=\"wide\">{}</div>\n", table.html()));
    for (words, command) in
        [("Again, from the start:", &extras.reproduce), ("Go on with it:", &extras.resume)]
    {
        if !command.is_empty() {
            page.push_str(&format!(
                "<p style=\"margin-top:16px\">{words}</p>\n<pre>{}</pre>\n",
                escaped(command)
            ));
        }
    }
    page.push_str("</section>\n");
}

fn figure_html(figure: &Figure, class: &str, caption: &str) -> String {
    let caption = if caption.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{}</figcaption>", escaped(caption))
    };
    format!("<figure class=\"{class}\">{}{caption}</figure>\n", figure.svg())
}

/// Seconds as a person says them.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::gallery::{folder, grid, scatter_of_ten, spectrum_of_three};
    use super::super::report_sample::{history, report};
    use super::*;
    use crate::diagnose::Alarm;

    fn extras() -> Extras {
        Extras {
            spectrum: Some(spectrum_of_three()),
            scatter: Some(scatter_of_ten()),
            views: Some(grid(false)),
            neighbours: Some(grid(true)),
            settings: vec![("temperature".into(), "0.2".into()), ("optimizer".into(), "adamw".into())],
            reproduce: "selfsame train simclr digits --epochs 30 --seed 7".into(),
            resume: "selfsame train simclr digits --resume runs/simclr-digits-7".into(),
        }
    }

    #[test]
    fn the_page_stands_alone_and_holds_everything() {
        let page = report_html(&report(), &history(), &extras()).unwrap();
        let (folder, _keep) = folder();
        std::fs::write(folder.join("report.html"), &page).unwrap();
        assert!(!page.contains("<script") && !page.contains(" src=") && !page.contains("@import"));
        // The only addresses are names of XML's and embedded images.
        assert_eq!(page.matches("http").count(), page.matches("http://www.w3.org/2000/svg").count());
        for part in [
            "Better than nothing: 75.7 %",
            "75.7 %",
            "--resume runs/simclr-digits-7",
            "adamw",
            "prefers-color-scheme",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<figure").count(), 9);
        assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), 9);
        assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
        assert!(!page.contains("class=\"alarm\""));
    }

    #[test]
    fn hostile_names_are_escaped_and_alarms_come_with_their_remedy() {
        let mut report = report();
        report.run = "<script>alert(1)</script>".into();
        report.method = "\"><img onerror=x>".into();
        report.alarms = vec![Alarm {
            kind: "total-collapse".into(),
            epoch: 3,
            seen: "std 0.001".into(),
            means: "Every image gets the same embedding.".into(),
            try_this: "--lr 1e-3.".into(),
        }];
        let page = report_html(&report, &history(), &Extras::default()).unwrap();
        let (folder, _keep) = folder();
        std::fs::write(folder.join("report-alarm.html"), &page).unwrap();
        assert!(!page.contains("<script") && !page.contains("<img"));
        assert!(page.contains("verdict bad") && page.contains("<strong>Try:</strong> --lr 1e-3."));
    }

    #[test]
    fn a_run_with_nothing_to_show_still_has_a_page() {
        let mut report = report();
        report.scores = Scores::default();
        report.diagnostics.alignment = f64::NAN;
        report.loss.clear();
        let page = report_html(&report, &History::default(), &Extras::default()).unwrap();
        assert!(page.contains("<td class=\"n\">–</td>"));
    }

    #[test]
    fn durations_read_well() {
        assert_eq!([48.3, 600.0, 9000.0].map(duration), ["48.3 s", "10 min", "2.5 h"]);
    }
}
