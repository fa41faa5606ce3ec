//! The public data sets that [`fetch`](super::fetch) knows: where they are and what their bytes are.

use crate::error::{Error, Result};

/// A file on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name here.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Its length, for people and progress bars; the checksum is what counts.
    pub bytes: u64,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// A data set that can be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Its name, and that of its folder.
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    /// Where it is described.
    pub homepage: String,
    /// Its files.
    pub files: Vec<RemoteFile>,
    /// Names of the files that its archive holds, where its only file is a `.tar.gz` to be unpacked; otherwise empty.
    pub unpacked: Vec<String>,
}

impl CatalogEntry {
    /// Bytes to download in all.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// All data sets that can be downloaded.
pub fn catalog() -> Vec<CatalogEntry> {
    vec![
        idx(
            "mnist",
            "70,000 handwritten digits in 10 classes, 1x28x28",
            "http://yann.lecun.com/exdb/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            [
                (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            ],
        ),
        idx(
            "fashion-mnist",
            "70,000 pieces of clothing in 10 classes, 1x28x28",
            "https://github.com/zalandoresearch/fashion-mnist",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/\
             b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/",
            [
                (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
                (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
                (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
                (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
            ],
        ),
        cifar(
            "cifar10",
            "60,000 photographs in 10 classes, 3x32x32",
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
                "test_batch.bin",
                "batches.meta.txt",
            ],
        ),
        cifar(
            "cifar100",
            "60,000 photographs in 100 classes, 3x32x32",
            "cifar-100-binary.tar.gz",
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            &["train.bin", "test.bin", "fine_label_names.txt"],
        ),
    ]
}

/// The entry called `name`.
///
/// # Errors
/// [`Error::Unknown`] with a suggestion.
///
/// ```
/// use selfsame::data::find;
/// assert_eq!(find("cifar10")?.files.len(), 1);
/// assert!(find("cifra10").unwrap_err().to_string().contains("did you mean 'cifar10'?"));
/// # Ok::<(), selfsame::Error>(())
/// ```
pub fn find(name: &str) -> Result<CatalogEntry> {
    let all = catalog();
    let names: Vec<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
    let unknown = Error::unknown("data set to fetch", name, &names);
    all.into_iter().find(|entry| entry.name == name).ok_or(unknown)
}

/// A set of four IDX files in MNIST's naming: training images and labels, test images and labels.
fn idx(name: &str, about: &str, homepage: &str, base: &str, files: [(u64, &str); 4]) -> CatalogEntry {
    let names = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ];
    let file = |(file, (bytes, sha256)): (&str, (u64, &str))| RemoteFile {
        name: file.to_string(),
        url: format!("{base}{file}"),
        bytes,
        sha256: sha256.to_string(),
    };
    CatalogEntry {
        name: name.to_string(),
        about: about.to_string(),
        homepage: homepage.to_string(),
        files: names.into_iter().zip(files).map(file).collect(),
        unpacked: Vec::new(),
    }
}

/// One of the two CIFAR sets, in its binary version.
fn cifar(
    name: &str,
    about: &str,
    archive: &str,
    bytes: u64,
    sha256: &str,
    unpacked: &[&str],
) -> CatalogEntry {
    CatalogEntry {
        name: name.to_string(),
        about: about.to_string(),
        homepage: "https://www.cs.toronto.edu/~kriz/cifar.html".to_string(),
        files: vec![RemoteFile {
            name: archive.to_string(),
            url: format!("https://www.cs.toronto.edu/~kriz/{archive}"),
            bytes,
            sha256: sha256.to_string(),
        }],
        unpacked: unpacked.iter().map(|file| file.to_string()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_whole() {
        let all = catalog();
        assert_eq!(
            all.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(),
            ["mnist", "fashion-mnist", "cifar10", "cifar100"]
        );
        for file in all.iter().flat_map(|entry| &entry.files) {
            assert!(file.url.starts_with("https://") && file.url.ends_with(&file.name), "{file:?}");
            let digits = file.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            assert!(digits && file.sha256.len() == 64 && file.bytes > 0, "{file:?}");
        }
        assert!(all.iter().all(|entry| entry.unpacked.is_empty() || entry.files.len() == 1));
    }
}
