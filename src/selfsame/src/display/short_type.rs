//! Types without the paths in their names.

/// The name of `T` as it stands in source code under the prelude: `Tensor<(usize, Const<10>), f32, Cpu>`.
///
/// ```
/// use selfsame::display::short_type;
/// assert_eq!(short_type::<Option<std::collections::BTreeMap<String, u8>>>(), "Option<BTreeMap<String, u8>>");
/// ```
pub fn short_type<T: ?Sized>() -> String {
    shorten(std::any::type_name::<T>())
}

/// [`short_type`] of a value.
pub fn short_type_of<T: ?Sized>(_: &T) -> String {
    short_type::<T>()
}

/// Leaves out the paths before names, lifetimes, and the tape that is none.
fn shorten(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            match after.strip_prefix("::") {
                Some(after) => rest = after,
                None => {
                    out.push_str(word);
                    rest = after;
                }
            }
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    // Lifetimes say nothing about a value that is there.
    out.replace(", NoneTape>", ">").replace("<'_>", "").replace("'_, ", "").replace("&'_ ", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfdx::prelude::*;

    #[test]
    fn paths_go_and_everything_else_stays() {
        assert_eq!(
            short_type::<Tensor<(usize, Const<10>), f32, Cpu>>(),
            "Tensor<(usize, Const<10>), f32, Cpu>"
        );
        assert_eq!(
            short_type::<Tensor<Rank1<3>, f64, Cpu, OwnedTape<f64, Cpu>>>(),
            "Tensor<(Const<3>,), f64, Cpu, OwnedTape<f64, Cpu>>"
        );
        assert_eq!(short_type::<&dyn std::fmt::Debug>(), "&dyn Debug");
        assert_eq!(short_type::<[Vec<std::path::PathBuf>; 2]>(), "[Vec<PathBuf>; 2]");
        assert_eq!(shorten("a::b<c::{{closure}}>"), "b<{{closure}}>");
        assert_eq!(shorten("a::B<'_, a::C<'_>, &'_ str>"), "B<C, &str>");
        assert_eq!(short_type_of(&1.5), "f64");
    }
}
