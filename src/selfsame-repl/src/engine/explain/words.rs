//! A sentence for each kind of error people meet here.

use super::diagnosis::Diagnosis;
use crate::engine::type_text::TypeText;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Said {
    /// The cause.
    pub summary: String,
    /// What to do.
    pub remedy: Option<String>,
}

impl Said {
    fn new(summary: String, remedy: &str) -> Said {
        Said { summary, remedy: (!remedy.is_empty()).then(|| remedy.to_string()) }
    }
}

/// Explains one error; `marked` is the text it is about and the text that explains it.
pub(super) fn explain(found: &Diagnosis, marked: &(String, String)) -> Said {
    let rules: [fn(&Diagnosis, &(String, String)) -> Option<Said>; 8] =
        [checked, matrix_product, elementwise, broadcast, mismatch, backward, moved, ours];
    rules.iter().find_map(|rule| rule(found, marked)).unwrap_or_else(|| rustc(found))
}

/// The compiler's label without the paths of types.
pub(super) fn label(text: &str) -> String {
    match text {
        "unsatisfied trait bound" | "required by a bound introduced by this call" => String::new(),
        other => without_paths(other),
    }
}

/// A check at compile time that was written with a message: `patch 5 does not divide height 28`.
fn checked(found: &Diagnosis, _: &(String, String)) -> Option<Said> {
    let message = found.message.strip_prefix("evaluation panicked: ")?;
    if message.contains("Src::NUMEL == Dst::NUMEL") {
        let label = found.labels.iter().find(|l| l.contains("AssertSameNumel"))?;
        let (from, to) = Diagnosis::quoted(label).first()?.strip_prefix('<')?.split_once(" as ")?;
        let to = to.split_once("AssertSameNumel<")?.1.rsplit_once(">>")?.0;
        let (from, to) = (TypeText::parse(from)?, TypeText::parse(to)?);
        let count =
            |t: &TypeText| t.shape()?.iter().map(|n| n.parse::<usize>().ok()).product::<Option<usize>>();
        return Some(Said::new(
            format!(
                "reshape keeps the number of values: {} has {}, {} would have {}.",
                from.shape_in_words()?,
                count(&from)?,
                to.shape_in_words()?,
                count(&to)?
            ),
            "",
        ));
    }
    Some(Said::new(format!("{message}."), ""))
}

/// `a.matmul(b)`, and dfdx's linear layers, which are one.
fn matrix_product(found: &Diagnosis, _: &(String, String)) -> Option<Said> {
    let (wanted, has) = found.unimplemented().filter(|(wanted, _)| wanted.contains("TryMatMul"))?;
    let right = TypeText::parse(wanted)?.arguments().first()?.clone();
    let left = TypeText::parse(has)?;
    let (a, b) = (left.shape()?, right.shape()?);
    let (left_kind, right_kind) = (left.arguments().get(1)?, right.arguments().get(1)?);
    if left_kind != right_kind {
        let kinds = format!("{} with {}", left_kind.name(), right_kind.name());
        return Some(Said::new(
            format!("matmul multiplies values of one type, not {kinds}."),
            "Convert one side: `.to_dtype::<f32>()`.",
        ));
    }
    if found.note("Linear<").is_some_and(|note| note.text.starts_with("required for")) {
        let summary = format!(
            "this Linear takes {} features, the input has {} (it is {}).",
            b.first()?,
            a.last()?,
            left.shape_in_words()?
        );
        return Some(Said::new(summary, ""));
    }
    let inner = b.get(b.len().checked_sub(2)?)?;
    Some(Said::new(
        format!(
            "matmul: {} times {} does not fit; the left has {} columns, the right {inner} rows.",
            left.shape_in_words()?,
            right.shape_in_words()?,
            a.last()?
        ),
        "",
    ))
}

/// `a + b` and its like.
fn elementwise(found: &Diagnosis, marked: &(String, String)) -> Option<Said> {
    let (wanted, has) = found.unimplemented()?;
    let wanted = TypeText::parse(wanted)?;
    let (name, sign) = [("TryAdd", "+"), ("TrySub", "-"), ("TryMul", "*"), ("TryDiv", "/")]
        .into_iter()
        .find(|(name, _)| wanted.name() == *name)?;
    let (left, right) = (TypeText::parse(has)?, wanted.arguments().first()?.clone());
    let operation =
        if marked.0 == sign { format!("`{sign}`") } else { name.trim_start_matches("Try").to_lowercase() };
    let (Some(a), Some(b)) = (left.shape_in_words(), right.shape_in_words()) else {
        return Some(Said::new(
            format!("{operation} does not go between {} and {}.", left.short(), right.short()),
            "",
        ));
    };
    Some(Said::new(
        format!("{operation} goes between tensors of one shape; the left is {a}, the right {b}."),
        "A smaller one is repeated by `.broadcast_like(&other)`, a vector along rows or columns.",
    ))
}

/// `a.broadcast()`
fn broadcast(found: &Diagnosis, _: &(String, String)) -> Option<Said> {
    let (wanted, has) = found.unimplemented()?;
    let wanted = TypeText::parse(wanted)?;
    let (small, large) = match wanted.name() {
        "ReduceShapeTo" => {
            (wanted.arguments().first()?.shape_in_words()?, TypeText::parse(has)?.shape_in_words()?)
        }
        "BroadcastShapeTo" => {
            (TypeText::parse(has)?.shape_in_words()?, wanted.arguments().first()?.shape_in_words()?)
        }
        _ => return None,
    };
    if found.message.contains("broadcast") || found.note("broadcast").is_some() {
        return Some(Said::new(
            format!("broadcast adds axes and keeps the others: {small} cannot become {large}."),
            "The sizes it has must be among the new ones, in order.",
        ));
    }
    Some(Said::new(format!("{large} cannot be reduced to {small} by leaving out axes."), ""))
}

/// Types that differ, tensors among them.
fn mismatch(found: &Diagnosis, marked: &(String, String)) -> Option<Said> {
    if found.code != "E0308" {
        return None;
    }
    let Some((expected, given)) = found.mismatch() else {
        let label = found.labels.iter().find(|label| label.starts_with("expected "))?;
        return Some(Said::new(format!("{}.", without_paths(label)), ""));
    };
    let (expected, given) = (TypeText::parse(expected)?, TypeText::parse(given)?);
    let (Some(mut a), Some(mut b)) = (expected.shape(), given.shape()) else {
        return Some(Said::new(format!("expected {}, found {}.", expected.short(), given.short()), ""));
    };
    fill(&mut a, &mut b);
    let (wants, has) = (a.join(" x "), b.join(" x "));
    if a == b {
        return tapes(&expected, &given, &wants);
    }
    let defined = found.note("defined here").map(|note| owner(&note.file)).unwrap_or_default();
    if defined == "Linear" && a.len() == b.len() {
        let summary =
            format!("this Linear takes {} features, the input has {} (it is {has}).", a.last()?, b.last()?);
        return Some(Said::new(summary, ""));
    }
    if !defined.is_empty() {
        return Some(Said::new(format!("{defined} takes {wants}, the input is {has}."), ""));
    }
    if found.note("defined here").is_some() && !marked.1.is_empty() {
        return Some(Said::new(format!("`{}` takes a tensor of {wants}, this one is {has}.", marked.1), ""));
    }
    Some(Said::new(format!("this is a tensor of {has}, and {wants} is wanted here."), ""))
}

/// Tensors of one shape that differ otherwise.
fn tapes(expected: &TypeText, given: &TypeText, shape: &str) -> Option<Said> {
    let has = |t: &TypeText, name: &str| t.arguments().iter().any(|a| a.name() == name);
    if has(given, "OwnedTape") && has(expected, "NoneTape") {
        let summary = format!("this tensor of {shape} records gradients, and a plain one is wanted here.");
        return Some(Said::new(summary, "`stop_gradient(&x)` or `x.split_tape().0` leaves the tape behind."));
    }
    if has(given, "NoneTape") && has(expected, "OwnedTape") {
        let summary =
            format!("this tensor of {shape} records no gradients, and one that does is wanted here.");
        return Some(Said::new(summary, "Begin with `x.leaky_trace()`."));
    }
    None
}

/// Sizes the compiler left out because both sides agree on them, and those only one side tells.
fn fill(a: &mut [String], b: &mut [String]) {
    if a.len() != b.len() {
        for size in a.iter_mut().chain(b.iter_mut()).filter(|s| *s == "_") {
            *size = "any".into();
        }
        return;
    }
    for (x, y) in a.iter_mut().zip(b) {
        match (x.as_str(), y.as_str()) {
            ("_", "_") => {}
            ("_", _) => x.clone_from(y),
            (_, "_") => y.clone_from(x),
            _ => {}
        }
    }
}

/// What a file of the library defines, `nn/conv2d.rs` a `Conv2d`: layers and encoders, not functions.
fn owner(file: &str) -> String {
    let Some((folder, name)) = file.trim_end_matches(".rs").rsplit_once('/') else { return String::new() };
    match name {
        _ if !folder.ends_with("/nn") => String::new(),
        "convnet" => "ConvNet".into(),
        "encoder" => "this encoder".into(),
        _ => name.split('_').map(upper).collect(),
    }
}

/// `.backward()` without a tape.
fn backward(found: &Diagnosis, _: &(String, String)) -> Option<Said> {
    let is_it = found.code == "E0599" && found.message.contains("no method named `backward`");
    is_it.then(|| {
        Said::new(
            "there is no tape to go backward along: nothing here records gradients.".into(),
            "Begin with `x.leaky_trace()`, and have one number at the end, as `.mean()` gives.",
        )
    })
}

/// A value that is not there any more.
fn moved(found: &Diagnosis, _: &(String, String)) -> Option<Said> {
    let name = Diagnosis::quoted(&found.message).first().map(ToString::to_string);
    match found.code.as_str() {
        "E0382" => {
            let name = name.unwrap_or_else(|| "the value".into());
            Some(Said::new(
                format!("`{name}` was moved away before: most operations on tensors consume theirs."),
                &format!(
                    "Give a copy the first time: `{name}.clone()`; it shares the values and costs nothing."
                ),
            ))
        }
        _ => None,
    }
}

/// An error in our own words, from `#[diagnostic::on_unimplemented]`.
fn ours(found: &Diagnosis, _: &(String, String)) -> Option<Said> {
    if found.code != "E0277" || found.message.starts_with("the trait bound") {
        return None;
    }
    let remedy =
        found.notes.first().filter(|n| !n.is_help && !n.text.starts_with("required")).map(|n| n.text.clone());
    Some(Said { summary: format!("{}.", without_paths(&found.message)), remedy: remedy.map(|r| capital(&r)) })
}

/// What the compiler says itself.
fn rustc(found: &Diagnosis) -> Said {
    let help = found.notes.iter().find(|n| n.is_help && !n.text.contains('\n') && n.text.len() < 200);
    Said {
        summary: format!("{}.", without_paths(found.message.lines().next().unwrap_or_default())),
        remedy: help.map(|n| capital(&without_paths(&n.text))),
    }
}

/// A sentence out of a note.
fn capital(text: &str) -> String {
    upper(text) + if text.ends_with(['.', '?', ':']) { "" } else { "." }
}

/// `text` with a large first letter.
pub fn upper(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + letters.as_str()
}

/// `selfsame::shape::Image<3>` as `Image<3>`.
fn without_paths(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else if c == ':' && letters.peek() == Some(&':') && !word.is_empty() {
            letters.next();
            // A path ends in a name; `Vit::<..>` and `x::` at the end of a text keep what they have.
            if letters.peek().is_some_and(|next| next.is_alphabetic() || *next == '_') {
                word.clear();
            } else {
                out += &std::mem::take(&mut word);
                out += "::";
            }
        } else {
            out += &std::mem::take(&mut word);
            out.push(c);
        }
    }
    out + &word
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(json: serde_json::Value, marked: (&str, &str)) -> Said {
        explain(&Diagnosis::read(&json, ""), &(marked.0.into(), marked.1.into()))
    }

    fn trait_error(wanted: &str, has: &str, more: &[&str]) -> serde_json::Value {
        let mut children = vec![json!({"level": "help", "spans": [],
            "message": format!("the trait `{wanted}` is not implemented for `{has}`")})];
        children.extend(more.iter().map(|m| json!({"level": "note", "spans": [], "message": m})));
        json!({"code": {"code": "E0277"}, "message": format!("the trait bound `{has}: {wanted}` is not satisfied"),
            "spans": [], "children": children})
    }

    fn type_error(expected: &str, found: &str, file: &str) -> serde_json::Value {
        let mut children = vec![json!({"level": "note", "spans": [],
            "message": format!("expected struct `{expected}`\n   found struct `{found}`")})];
        if !file.is_empty() {
            children.push(
                json!({"level": "note", "message": "method defined here", "spans": [{"file_name": file}]}),
            );
        }
        json!({"code": {"code": "E0308"}, "message": "mismatched types", "spans": [], "children": children})
    }

    #[test]
    fn a_linear_layer_of_ours_and_of_dfdx() {
        let ours = type_error(
            "dfdx::tensor::Tensor<(_, selfsame::prelude::Const<784>), _, _, _>",
            "dfdx::tensor::Tensor<(usize, selfsame::prelude::Const<783>), _, _, NoneTape>",
            "/x/src/selfsame/src/nn/linear.rs",
        );
        let expected = "this Linear takes 784 features, the input has 783 (it is batch x 783).";
        assert_eq!(said(ours, ("x", "forward")).summary, expected);
        let theirs = trait_error(
            "TryMatMul<dfdx::tensor::Tensor<(selfsame::prelude::Const<784>, selfsame::prelude::Const<10>), f32, Cpu>>",
            "Tensor<(Const<4>, Const<783>), f32, Cpu>",
            &["required for `dfdx::nn::modules::Linear<784, 10, f32, Cpu>` to implement `Module<Tensor<..>>`"],
        );
        let expected = "this Linear takes 784 features, the input has 783 (it is 4 x 783).";
        assert_eq!(said(theirs, ("x", "forward")).summary, expected);
    }

    #[test]
    fn products_and_sums() {
        let tensor = |shape: &str, kind: &str| {
            format!("dfdx::tensor::Tensor<({shape}), {kind}, selfsame::prelude::Cpu>")
        };
        let (a, b) = (tensor("Const<3>, Const<4>", "f32"), tensor("Const<5>, Const<6>", "f32"));
        assert_eq!(
            said(trait_error(&format!("TryMatMul<{b}>"), &a, &[]), ("b", "matmul")).summary,
            "matmul: 3 x 4 times 5 x 6 does not fit; the left has 4 columns, the right 5 rows."
        );
        let double = tensor("Const<4>, Const<6>", "f64");
        assert_eq!(
            said(trait_error(&format!("TryMatMul<{double}>"), &a, &[]), ("b", "matmul")).summary,
            "matmul multiplies values of one type, not f32 with f64."
        );
        assert_eq!(
            said(trait_error(&format!("TryAdd<{b}>"), &a, &[]), ("+", "")).summary,
            "`+` goes between tensors of one shape; the left is 3 x 4, the right 5 x 6."
        );
    }

    #[test]
    fn broadcasts_and_reshapes() {
        let error = trait_error(
            "ReduceShapeTo<(selfsame::prelude::Const<3>,), _>",
            "(selfsame::prelude::Const<4>, selfsame::prelude::Const<5>)",
            &["required by a bound in `broadcast`"],
        );
        assert_eq!(
            said(error, ("broadcast", "")).summary,
            "broadcast adds axes and keeps the others: 3 cannot become 4 x 5."
        );
        let error = json!({"code": {"code": "E0080"}, "children": [],
            "message": "evaluation panicked: assertion failed: Src::NUMEL == Dst::NUMEL",
            "spans": [{"label": "evaluation of `<(selfsame::prelude::Const<3>, selfsame::prelude::Const<4>) as \
                dfdx::shapes::AssertSameNumel<(selfsame::prelude::Const<5>, selfsame::prelude::Const<2>)>>::TYPE_CHECK` failed here"}]});
        assert_eq!(
            said(error, ("", "")).summary,
            "reshape keeps the number of values: 3 x 4 has 12, 5 x 2 would have 10."
        );
    }

    #[test]
    fn other_shapes_name_what_takes_them() {
        let tensor = |shape: &str| format!("dfdx::tensor::Tensor<({shape}), _, _, _>");
        let error = type_error(
            &tensor("_, Const<1>, Const<28>, Const<28>"),
            &tensor("usize, Const<3>, Const<32>, Const<32>"),
            "/x/nn/convnet.rs",
        );
        assert_eq!(
            said(error, ("x", "forward")).summary,
            "ConvNet takes batch x 1 x 28 x 28, the input is batch x 3 x 32 x 32."
        );
        let error = type_error(&tensor("_, Const<8>"), &tensor("_, Const<9>"), "/x/losses/vicreg.rs");
        assert_eq!(
            said(error, ("y", "vicreg")).summary,
            "`vicreg` takes a tensor of _ x 8, this one is _ x 9."
        );
        let error = type_error(&tensor("Const<3>, Const<5>"), &tensor("Const<3>, Const<4>"), "");
        assert_eq!(said(error, ("a", "")).summary, "this is a tensor of 3 x 4, and 3 x 5 is wanted here.");
    }

    #[test]
    fn checks_with_a_message_and_words_of_ours_pass_through() {
        let error = json!({"code": {"code": "E0080"}, "spans": [], "children": [],
            "message": "evaluation panicked: patch 5 does not divide height 28"});
        assert_eq!(said(error, ("", "")).summary, "patch 5 does not divide height 28.");
        let error = json!({"code": {"code": "E0277"}, "spans": [],
            "message": "the encoder takes selfsame::shape::Image<3, 32, 32>, the data are a Dataset<selfsame::shape::Image<1, 8, 8>>",
            "children": [{"level": "note", "spans": [], "message": "open the data at the encoder's size"}]});
        let expected = Said {
            summary: "the encoder takes Image<3, 32, 32>, the data are a Dataset<Image<1, 8, 8>>.".into(),
            remedy: Some("Open the data at the encoder's size.".into()),
        };
        assert_eq!(said(error, ("", "")), expected);
    }

    #[test]
    fn the_rest_is_what_the_compiler_says() {
        let error = json!({"code": {"code": "E0425"}, "spans": [], "children": [],
            "message": "cannot find value `foo` in this scope"});
        assert_eq!(said(error, ("foo", "")).summary, "cannot find value `foo` in this scope.");
        let error = json!({"code": {"code": "E0308"}, "children": [], "message": "mismatched types",
            "spans": [{"label": "expected `u8`, found `&str`"}]});
        assert_eq!(said(error, ("x", "")).summary, "expected `u8`, found `&str`.");
        let error = json!({"code": {"code": "E0382"}, "spans": [], "children": [], "message": "use of moved value: `x`"});
        assert!(said(error, ("x", "")).remedy.is_some_and(|r| r.contains("x.clone()")));
        assert_eq!(without_paths("a::b::C<d::E>: f::g and Vit::<1>"), "C<E>: g and Vit::<1>");
    }
}
