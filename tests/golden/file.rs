//! The format of the goldens, `selfsame-golden/1`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A whole file.
pub struct Golden {
    /// `losses`, `ops` or `diagnostics`.
    pub kind: String,
    /// What the inputs were drawn with.
    pub seed: u64,
    /// By how much the sizes were grown.
    pub grow: u64,
    /// The entries, with references to shared data resolved.
    pub entries: Vec<Entry>,
}

/// Numbers with a shape; `i64` arrays are held as float64 too, which they fit exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes, outermost first; none for a scalar.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub data: Vec<f64>,
    /// Whether these are integers, which must come out exactly.
    pub integer: bool,
}

/// One function at one set of inputs. The accessors' errors name what is missing, so that a family's function can
/// use `?`.
pub struct Entry {
    /// `family/case`.
    pub name: String,
    /// Entries of one family share one convention.
    pub family: String,
    /// Settings.
    pub params: BTreeMap<String, Value>,
    /// Inputs by name.
    pub inputs: BTreeMap<String, Array>,
    /// The scalar, where there is one.
    pub value: Option<f64>,
    /// Why no value exists, where none does.
    pub undefined: Option<String>,
    /// Intermediate and further results.
    pub outputs: BTreeMap<String, Array>,
    /// The derivative of the value with respect to inputs; zeros for those that must receive none.
    pub grads: BTreeMap<String, Array>,
    /// Absolute tolerances for a computation in float32; `None` where plain float32 overflows.
    pub tol_f32: Option<Tolerances>,
}

/// Absolute tolerances, one for each result.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tolerances {
    /// Of the scalar.
    pub value: Option<f64>,
    /// Of each output.
    pub outputs: BTreeMap<String, f64>,
    /// Of each gradient.
    pub grads: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct RawFile {
    format: String,
    kind: String,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    grow: u64,
    #[serde(default)]
    data: BTreeMap<String, RawArray>,
    entries: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawArray {
    Data { shape: Vec<usize>, dtype: String, data: Vec<f64> },
    Shared { r#ref: String },
}

#[derive(Deserialize)]
struct RawEntry {
    name: String,
    family: String,
    #[serde(default)]
    params: BTreeMap<String, Value>,
    #[serde(default)]
    inputs: BTreeMap<String, RawArray>,
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    undefined: Option<String>,
    #[serde(default)]
    outputs: BTreeMap<String, RawArray>,
    #[serde(default)]
    grads: BTreeMap<String, RawArray>,
    #[serde(default)]
    tol_f32: Option<Tolerances>,
}

impl Golden {
    /// Reads and checks a file; the error says what is wrong with it.
    pub fn read(path: &str) -> Result<Golden, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}"))?;
        let raw: RawFile =
            serde_json::from_str(&text).map_err(|e| format!("is not a file of goldens: {e}"))?;
        if raw.format != "selfsame-golden/1" {
            return Err(format!("has format '{}'; this program reads 'selfsame-golden/1'", raw.format));
        }
        if !["losses", "ops", "diagnostics"].contains(&raw.kind.as_str()) {
            return Err(format!("has kind '{}'; known are losses, ops and diagnostics", raw.kind));
        }
        let mut shared = BTreeMap::new();
        for (name, array) in raw.data {
            let array = array.resolved(&shared).map_err(|why| format!("data '{name}': {why}"))?;
            shared.insert(name, array);
        }
        let entries = raw.entries.into_iter().map(|entry| {
            let name = entry.name.clone();
            entry.resolved(&shared).map_err(|why| format!("entry '{name}': {why}"))
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        Ok(Golden { kind: raw.kind, seed: raw.seed, grow: raw.grow, entries })
    }
}

impl RawArray {
    fn resolved(self, shared: &BTreeMap<String, Array>) -> Result<Array, String> {
        match self {
            RawArray::Shared { r#ref } => {
                shared.get(&r#ref).cloned().ok_or_else(|| format!("there are no data called '{}'", r#ref))
            }
            RawArray::Data { shape, dtype, data } => {
                if shape.iter().product::<usize>() != data.len() {
                    return Err(format!("{} numbers do not make the shape {shape:?}", data.len()));
                }
                let integer = match dtype.as_str() {
                    "f64" => false,
                    "i64" => true,
                    other => return Err(format!("dtype '{other}'; known are f64 and i64")),
                };
                Ok(Array { shape, data, integer })
            }
        }
    }
}

impl RawEntry {
    fn resolved(self, shared: &BTreeMap<String, Array>) -> Result<Entry, String> {
        let all = |arrays: BTreeMap<String, RawArray>, what: &str| {
            let one = |(name, array): (String, RawArray)| match array.resolved(shared) {
                Ok(array) => Ok((name, array)),
                Err(why) => Err(format!("{what} '{name}': {why}")),
            };
            arrays.into_iter().map(one).collect::<Result<BTreeMap<_, _>, _>>()
        };
        Ok(Entry {
            inputs: all(self.inputs, "input")?,
            outputs: all(self.outputs, "output")?,
            grads: all(self.grads, "gradient")?,
            name: self.name,
            family: self.family,
            params: self.params,
            value: self.value,
            undefined: self.undefined,
            tol_f32: self.tol_f32,
        })
    }
}

impl Entry {
    /// An input.
    pub fn input(&self, name: &str) -> Result<&Array, String> {
        self.inputs.get(name).ok_or_else(|| format!("the entry has no input '{name}'"))
    }

    /// An input's values.
    pub fn numbers(&self, name: &str) -> Result<&[f64], String> {
        Ok(&self.input(name)?.data)
    }

    /// An input's values as indices or labels.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>, String> {
        Ok(self.input(name)?.data.iter().map(|v| *v as i64).collect())
    }

    /// An input's sizes.
    pub fn sizes<const N: usize>(&self, name: &str) -> Result<[usize; N], String> {
        let shape = &self.input(name)?.shape;
        shape.as_slice().try_into().map_err(|_| format!("input '{name}' has shape {shape:?}, not {N} axes"))
    }

    /// A setting that is a number.
    pub fn number(&self, name: &str) -> Result<f64, String> {
        let value = self.params.get(name).ok_or_else(|| format!("the entry has no setting '{name}'"))?;
        value.as_f64().ok_or_else(|| format!("setting '{name}' is {value}, not a number"))
    }

    /// A setting that is a count.
    pub fn count(&self, name: &str) -> Result<usize, String> {
        let value = self.number(name)?;
        let whole = value >= 0.0 && value.fract() == 0.0;
        whole.then_some(value as usize).ok_or_else(|| format!("setting '{name}' is {value}, not a count"))
    }

    /// A setting that is a word.
    pub fn word(&self, name: &str) -> Result<&str, String> {
        let value = self.params.get(name).ok_or_else(|| format!("the entry has no setting '{name}'"))?;
        value.as_str().ok_or_else(|| format!("setting '{name}' is {value}, not a word"))
    }
}
