//! A type as the compiler writes it, taken apart: enough of the grammar to find shapes in it.

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeText {
    /// `path::Name<arguments>`, by its last name; also numbers and everything that is nothing else.
    Named(String, Vec<TypeText>),
    /// `(a, b)`
    Tuple(Vec<TypeText>),
    /// `[a; n]` and `[a]`
    Array(Box<TypeText>),
}

impl TypeText {
    /// Reads a type; `None` for what is not one.
    pub fn parse(text: &str) -> Option<TypeText> {
        let mut reader = Reader { rest: text.trim() };
        let found = reader.one()?;
        reader.rest.trim().is_empty().then_some(found)
    }

    /// The last name of a path.
    pub fn name(&self) -> &str {
        match self {
            TypeText::Named(name, _) => name,
            _ => "",
        }
    }

    /// Its arguments, or a tuple's members.
    pub fn arguments(&self) -> &[TypeText] {
        match self {
            TypeText::Named(_, arguments) | TypeText::Tuple(arguments) => arguments,
            TypeText::Array(_) => &[],
        }
    }

    /// The shape it stands for: `Const<4>` is `4`, a `usize` is `batch`, a tuple of them `batch x 4`, and a tensor has the
    /// shape of its first argument.
    pub fn shape(&self) -> Option<Vec<String>> {
        match (self.name(), self.arguments()) {
            ("Tensor", [shape, ..]) => shape.shape(),
            ("Const", [n]) => Some(vec![n.name().to_string()]),
            ("usize", []) => Some(vec!["batch".into()]),
            // What the compiler leaves out because both sides agree on it.
            ("_", []) => Some(vec!["_".into()]),
            ("Rank0", []) => Some(vec![]),
            (rank, sizes) if rank.starts_with("Rank") && !sizes.is_empty() => {
                Some(sizes.iter().map(|s| s.name().to_string()).collect())
            }
            ("Image", sizes) => Some(sizes.iter().map(|s| s.name().to_string()).collect()),
            ("", members) if matches!(self, TypeText::Tuple(_)) => {
                members.iter().map(|m| m.shape().filter(|s| s.len() == 1).map(|mut s| s.remove(0))).collect()
            }
            _ => None,
        }
    }

    /// The shape in words: `batch x 784`, `a single number`.
    pub fn shape_in_words(&self) -> Option<String> {
        let shape = self.shape()?;
        Some(if shape.is_empty() { "a single number".into() } else { shape.join(" x ") })
    }

    /// The type as people would write it: last names only, shapes in words.
    pub fn short(&self) -> String {
        match self {
            TypeText::Named(name, _) if name == "Tensor" => match self.shape_in_words() {
                Some(shape) => format!("a tensor of {shape}"),
                None => "a tensor".into(),
            },
            TypeText::Named(name, arguments) if arguments.is_empty() => name.clone(),
            TypeText::Named(name, arguments) => {
                let shown: Vec<_> = arguments.iter().map(TypeText::short).collect();
                format!("{name}<{}>", shown.join(", "))
            }
            TypeText::Tuple(members) => match self.shape_in_words() {
                Some(shape) if !members.is_empty() => shape,
                _ => format!("({})", members.iter().map(TypeText::short).collect::<Vec<_>>().join(", ")),
            },
            TypeText::Array(of) => format!("[{}]", of.short()),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn one(&mut self) -> Option<TypeText> {
        self.rest = self.rest.trim_start();
        for mark in ["&", "mut ", "dyn ", "impl "] {
            if let Some(rest) = self.rest.strip_prefix(mark) {
                self.rest = rest;
                return self.one();
            }
        }
        if self.eat('(') {
            return Some(TypeText::Tuple(self.list(')')?));
        }
        if self.eat('[') {
            let of = self.one()?;
            let end = self.rest.find(']')?;
            self.rest = &self.rest[end + 1..];
            return Some(TypeText::Array(Box::new(of)));
        }
        let mut name = String::new();
        loop {
            let end = self
                .rest
                .find(|c: char| !(c.is_alphanumeric() || "_'-{}".contains(c)))
                .unwrap_or(self.rest.len());
            if end == 0 && name.is_empty() {
                return None;
            }
            name = self.rest[..end].to_string();
            self.rest = &self.rest[end..];
            match self.rest.strip_prefix("::") {
                Some(rest) if !rest.starts_with('<') => self.rest = rest,
                Some(rest) => {
                    self.rest = rest;
                    break;
                }
                None => break,
            }
        }
        let arguments = if self.eat('<') { self.list('>')? } else { Vec::new() };
        Some(TypeText::Named(name, arguments))
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn list(&mut self, end: char) -> Option<Vec<TypeText>> {
        let mut found = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if self.eat(end) {
                return Some(found);
            }
            found.push(self.one()?);
            self.rest = self.rest.trim_start();
            if !self.eat(',') && !self.rest.starts_with(end) {
                return None;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Option<String> {
        TypeText::parse(text).and_then(|t| t.shape_in_words())
    }

    #[test]
    fn shapes_are_found_in_tensors() {
        let tensor =
            "dfdx::tensor::Tensor<(usize, dfdx::prelude::Const<784>), f32, Cpu, OwnedTape<f32, Cpu>>";
        assert_eq!(shape(tensor).unwrap(), "batch x 784");
        assert_eq!(shape("&(Const<3>, Const<4>)").unwrap(), "3 x 4");
        assert_eq!(shape("(Const<3>,)").unwrap(), "3");
        assert_eq!(shape("Const<10>").unwrap(), "10");
        assert_eq!(shape("()").unwrap(), "a single number");
        assert_eq!(shape("Image<3, 32, 32>").unwrap(), "3 x 32 x 32");
        assert_eq!(shape("Vec<f32>"), None);
    }

    #[test]
    fn what_is_no_type_is_none() {
        for text in ["", "<", "Vec<f32", "a b", "(", "Vec<f32>>"] {
            assert_eq!(TypeText::parse(text), None, "{text}");
        }
    }

    #[test]
    fn long_types_become_short() {
        let short = |t| TypeText::parse(t).unwrap().short();
        assert_eq!(short("std::vec::Vec<std::string::String>"), "Vec<String>");
        assert_eq!(short("Tensor<(Const<3>, usize), f32, Cpu>"), "a tensor of 3 x batch");
        assert_eq!(short("&mut [f32; 4]"), "[f32]");
        assert_eq!(
            short("selfsame::nn::Linear<Const<784>, Const<10>, Cpu>"),
            "Linear<784, 10, Cpu>".replace("784", "Const<784>").replace("10,", "Const<10>,")
        );
    }
}
