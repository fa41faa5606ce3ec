//! Typed data sets, their splits, and how images stream into batches.
//!
//! Every reader hands back a [`Dataset`] whose image shape is part of its type and whose three parts never share a
//! sample: [`Digits`] is embedded, [`Shapes`] is generated, [`Mnist`], [`FashionMnist`], [`IdxImages`], [`Cifar10`],
//! [`Cifar100`], [`CsvImages`] and [`ImageFolder`] read files, and [`fetch`] downloads what the [`catalog`] lists.
//! [`for_each_batch`] turns a part into batches of augmented views, [`for_each_plain_batch`] into plain ones, and
//! [`label_subset`] chooses which labels a probe may see.
mod catalog;
mod cifar;
mod compressed;
mod csv_images;
mod dataset;
mod digits;
mod fetch;
mod folder;
mod holds;
mod idx;
mod info;
mod labels;
mod loader;
mod normalise;
mod room;
mod shapes;
mod unpack;

pub use catalog::{catalog, find, CatalogEntry, RemoteFile};
pub use cifar::{Cifar10, Cifar100};
pub use csv_images::CsvImages;
pub use dataset::{Dataset, InMemory, Part, Source, Split};
pub use digits::Digits;
pub use fetch::{fetch, FetchProgress, FetchStage};
pub use folder::ImageFolder;
pub use holds::Holds;
pub use idx::{FashionMnist, IdxImages, Mnist};
pub use info::{ClassInfo, DataInfo};
pub use labels::{label_subset, Labels};
pub use loader::{batch_count, epoch_order, for_each_batch, Batch, Batches, Render};
pub use normalise::for_each_plain_batch;
pub use shapes::{Factors, Shapes};
