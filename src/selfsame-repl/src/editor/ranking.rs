//! Which proposals fit what was typed, the best first.

/// How well a proposal fits; smaller is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Prefix,
    PrefixOtherCase,
    Inside,
    /// All letters in order, with this much between the first and the last.
    Letters(usize),
}

/// A proposal that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Its position in the list that was ranked.
    pub index: usize,
    /// The characters of it that were typed, counted in characters.
    pub matched: Vec<usize>,
}

/// The `proposals` that fit `typed`, best first: those that begin with it, then those that begin with it in another case,
/// then those with it inside; where there are none of these, those that have its letters in order. Equal ones keep their
/// order.
pub fn ranked<'a>(typed: &str, proposals: impl Iterator<Item = &'a str>) -> Vec<Ranked> {
    let mut found: Vec<(Fit, Ranked)> = proposals
        .enumerate()
        .filter_map(|(index, text)| fit(typed, text).map(|(fit, matched)| (fit, Ranked { index, matched })))
        .collect();
    found.sort_by_key(|(fit, _)| *fit);
    if found.first().is_some_and(|(best, _)| !matches!(best, Fit::Letters(_))) {
        found.retain(|(fit, _)| !matches!(fit, Fit::Letters(_)));
    }
    found.into_iter().map(|(_, ranked)| ranked).collect()
}

fn fit(typed: &str, text: &str) -> Option<(Fit, Vec<usize>)> {
    let count = typed.chars().count();
    if text.starts_with(typed) {
        return Some((Fit::Prefix, (0..count).collect()));
    }
    let fold = |s: &str| -> Vec<char> { s.chars().flat_map(|c| c.to_lowercase().next()).collect() };
    let (typed, text) = (fold(typed), fold(text));
    if text.starts_with(&typed) {
        return Some((Fit::PrefixOtherCase, (0..count).collect()));
    }
    if let Some(at) = text.windows(typed.len()).position(|w| w == typed) {
        return Some((Fit::Inside, (at..at + typed.len()).collect()));
    }
    // One letter somewhere says nothing.
    if typed.len() < 2 {
        return None;
    }
    let mut matched = Vec::with_capacity(typed.len());
    let mut letters = text.iter().enumerate();
    for wanted in &typed {
        matched.push(letters.find(|(_, c)| *c == wanted)?.0);
    }
    let spread = matched.last()? - matched.first()?;
    Some((Fit::Letters(spread), matched))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(typed: &str, proposals: &[&str]) -> Vec<String> {
        ranked(typed, proposals.iter().copied()).iter().map(|r| proposals[r.index].to_string()).collect()
    }

    #[test]
    fn a_prefix_comes_before_everything_else() {
        let names = ["retrain", "t_r_a_i_n", "Train", "train", "trailing"];
        assert_eq!(order("train", &names), ["train", "Train", "retrain"]);
        assert_eq!(order("tran", &names), ["retrain", "Train", "train", "trailing", "t_r_a_i_n"]);
        assert_eq!(order("", &names), names);
        assert_eq!(order("x", &names), [""; 0]);
        assert_eq!(order("n", &["un", "b"]), ["un"]);
    }

    #[test]
    fn what_was_typed_is_marked_in_characters() {
        assert_eq!(ranked("öß", ["größe"].into_iter())[0].matched, [2, 3]);
        assert_eq!(ranked("sd7", ["simclr-digits-seed7"].into_iter())[0].matched, [0, 7, 18]);
    }
}
