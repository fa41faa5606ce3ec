//! The look of a report.

use super::theme::Theme;

const LIGHT: &str = "--page:#fff;--ink:#1f2328;--muted:#5f6b7a;--line:#e3e7ec;--soft:#f6f8fa;--good:#00734f;\
                     --bad:#b03a00;--alarm:#fff4e5;--edge:#e69f00";
const DARK: &str =
    "--page:#14171c;--ink:#e8eaed;--muted:#9aa4b2;--line:#2b313a;--soft:#1b2027;--good:#3fc796;\
                    --bad:#ff9a5c;--alarm:#2b2414;--edge:#e69f00";

/// Without colours of its own: those come from the variables, and those of the figures from `exchanges`.
const RULES: &str = "\
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 Inter,system-ui,'Segoe UI',Helvetica,Arial,sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 20px 64px}
header p,.note,figcaption,footer{color:var(--muted)}
h1{font-size:1.7rem;line-height:1.25;margin:0 0 4px}
h2{font-size:1.2rem;margin:40px 0 12px}
h3{font-size:1rem;margin:0 0 4px}
p{margin:0 0 12px}
.verdict{font-size:1.25rem;line-height:1.45;margin:20px 0 8px;padding:16px 20px;background:var(--soft);border-left:5px solid var(--muted);border-radius:4px}
.verdict.good{border-color:var(--good)}
.verdict.bad{border-color:var(--bad)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;min-width:min(100%,420px)}
th,td{text-align:left;padding:7px 18px 7px 0;border-bottom:1px solid var(--line);font-weight:400;vertical-align:top}
thead th{color:var(--muted);font-size:.85rem;white-space:nowrap}
th.n,td.n{text-align:right;white-space:nowrap}
.scores tbody tr:first-child th,.scores tbody tr:first-child td{font-weight:650}
.note{margin-top:10px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:20px;align-items:start}
figure{margin:0;min-width:0}
figure svg{display:block;width:100%;max-width:720px;height:auto;border:1px solid var(--line);border-radius:6px}
figure.grid{overflow-x:auto}
figure.grid svg{width:auto;max-width:100%}
figcaption{font-size:.9rem;margin-top:6px}
.alarm{margin:0 0 12px;padding:14px 18px;background:var(--alarm);border-left:5px solid var(--edge);border-radius:4px}
.alarm p{margin:4px 0 0}
pre{margin:0 0 12px;padding:12px 14px;background:var(--soft);border:1px solid var(--line);border-radius:6px;overflow-x:auto;font:14px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{margin-top:48px;border-top:1px solid var(--line);padding-top:12px;font-size:.85rem}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}figure,.alarm,tr{break-inside:avoid}pre{white-space:pre-wrap}}
";

/// The style sheet: light, and dark where the reader's system is, on screens.
pub(super) fn css() -> String {
    // Figures are light SVGs whose colours are attributes; a rule for the attribute's value repaints them.
    let repaint: String = Theme::exchanges()
        .iter()
        .map(|(light, dark)| {
            format!("figure svg [fill=\"{light}\"]{{fill:{dark}}}figure svg [stroke=\"{light}\"]{{stroke:{dark}}}\n")
        })
        .collect();
    format!(
        ":root{{color-scheme:light dark;{LIGHT}}}\n{RULES}\
         @media screen and (prefers-color-scheme:dark){{:root{{{DARK}}}\n{repaint}}}\n"
    )
}
