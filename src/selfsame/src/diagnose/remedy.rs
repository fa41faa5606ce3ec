//! Why something probably happened under a configuration, and what to change.

use super::context::Context;

/// The most suspicious setting, as a sentence, and the change it asks for, as a sentence with a command-line flag.
///
/// `otherwise` is the pair to give when no setting stands out.
pub(super) fn suspect(context: &Context, otherwise: (&str, &str)) -> (String, String) {
    if let Some(missing) = context.missing.first() {
        return (missing.what.clone(), format!("{}.", missing.flag));
    }
    if context.lr_too_high() {
        return (
            format!(
                "The learning rate {} is far above what {} stands here (about {:.2}).",
                number(context.lr),
                context.optimizer,
                context.highest_lr()
            ),
            format!("{}.", context.lr_flag()),
        );
    }
    if let (Some(t), Some(_)) = (context.temperature, context.temperature_too_high()) {
        return (
            format!("The temperature {} flattens every difference between similarities.", number(t)),
            "--temperature 0.2.".into(),
        );
    }
    if let Some(t) = context.temperature_too_low() {
        return (
            format!("The temperature {} lets one candidate outweigh all others.", number(t)),
            "--temperature 0.2.".into(),
        );
    }
    if context.projector_dim == 1 {
        return ("The projector is one number wide.".into(), format!("{}.", context.projector_flag()));
    }
    if context.temperature.is_some() && context.compared() < 16 {
        return (
            format!(
                "Each loss compares {} images only, so there are next to no negatives.",
                context.compared()
            ),
            "--batch-size 256 (and --accumulate 1).".into(),
        );
    }
    (otherwise.0.into(), otherwise.1.into())
}

/// A number as a person writes it: up to four significant digits, powers of ten where they are shorter.
pub(super) fn number(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return format!("{v}");
    }
    let digits = v.abs().log10().floor() as i32;
    if !(-4..6).contains(&digits) {
        return format!("{v:.2e}");
    }
    let decimals = (3 - digits).clamp(0, 8) as usize;
    let text = format!("{v:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short_and_exact_enough() {
        let cases = [
            (1000.0, "1000"),
            (0.2, "0.2"),
            (1e-4, "0.0001"),
            (6.23637, "6.236"),
            (10.0, "10"),
            (1.234e9, "1.23e9"),
            (3e-7, "3.00e-7"),
            (0.0, "0"),
            (-0.5, "-0.5"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
