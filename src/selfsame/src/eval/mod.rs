//! Honest evaluation: frozen encoders, kNN and linear probes under one protocol, and the baselines beside them.
//!
//! Why these and no others: [Judging honestly](../../../book/07-evaluation.html), a chapter of the book.
mod baselines;
mod clustering;
mod embeddings;
mod frozen;
mod knn;
mod linear_probe;
mod nearest;
mod protocol;
mod retrieval;
mod supervised;

pub use baselines::{pca_features, pixels};
pub use clustering::{cluster_scores, ClusterScores};
pub use embeddings::Embeddings;
pub use frozen::Frozen;
pub(crate) use frozen::{embed, features, Features};
pub(crate) use knn::knn_to_the_end;
pub use knn::{knn, nearest_rows, Knn};
pub use linear_probe::{LinearProbe, ProbeFit};
pub(crate) use protocol::{drawn, DRAWS};
pub use protocol::{judge, Parts, FRACTIONS};
pub use retrieval::{paired_retrieval, retrieval, PairedRetrieval, PartnerRanks, Retrieval};
pub use supervised::{train_supervised, Supervised};
