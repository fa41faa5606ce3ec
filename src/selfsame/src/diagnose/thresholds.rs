//! Where the doctor draws its lines, all in one place.
//!
//! They are chosen to be silent on healthy runs, small and short ones included; only [`COLLAPSED`] and
//! [`PLATEAU_WIDTH`] have precedents in the literature.

/// Embeddings count as collapsed when their spread is below this share of `1/sqrt(d)`, or, which is the same number
/// for unit rows, their mean cosine above [`COLLAPSED_COSINE`]. SimSiam (arXiv:2011.10566) plots this quantity.
pub const COLLAPSED: f64 = 0.1;
/// Mean cosine above which embeddings count as collapsed.
pub const COLLAPSED_COSINE: f64 = 0.99;
/// The stricter share for encoder features, which lie in one octant after a ReLU and are alike by nature.
pub const COLLAPSED_ENCODER: f64 = 0.01;
/// Steps before geometry is judged when it was already bad at the previous probe.
pub const SETTLE_STEPS: u64 = 20;
/// Steps after which a single bad probe is enough.
pub const SETTLED_STEPS: u64 = 100;
/// Growth of a spread or rank between two probes that counts as recovering.
pub const RECOVERING: f64 = 1.05;

/// A projector that began with all images near one point may stay there for this many steps, ...
pub const OPENING_STEPS: u64 = 300;
/// ... unless less than this share of the widest spread it ever had is left, which is what a collapse does.
pub const SPREAD_LEFT: f64 = 0.5;

/// RankMe and effective rank below this share of the width, both, count as dimensional collapse.
pub const LOW_RANK_SHARE: f64 = 0.05;
/// And below this many dimensions in narrow embeddings.
pub const LOW_RANK: f64 = 1.5;
/// For projections an effective rank below this share of the width is enough, or below [`LOW_RANK`]: one direction holds nearly
/// all of the variance, whatever small ones RankMe still counts.
pub const LOW_EFFECTIVE_SHARE: f64 = 0.01;
/// Probes in a row that show it before it is said.
pub const LOW_RANK_PROBES: u32 = 3;

/// A loss this close to a named value sits on it, ...
pub const PLATEAU_WIDTH: f64 = 1e-2;
/// ... and one that came from afar already when this share of the way is left, ...
pub const PLATEAU_SHARE: f64 = 1e-2;
/// ... but no farther away than this.
pub const PLATEAU_WIDTH_AT_MOST: f64 = 0.03;
/// Steps it must sit there, falling by less than a tenth of the width from their first to their second half.
pub const PLATEAU_STEPS: usize = 50;

/// Steps that make up 'the start' and 'now' when a whole run is judged.
pub const START_STEPS: usize = 20;
/// Steps a loss gets to fall by [`FALL_SHARE`], and epochs, unless [`FLAT_STEPS_AT_MOST`] come first.
pub const FLAT_STEPS: u64 = 100;
/// Epochs it gets.
pub const FLAT_EPOCHS: usize = 3;
/// Steps after which the epochs are not waited for.
pub const FLAT_STEPS_AT_MOST: u64 = 300;
/// Share of its first value a loss must lose to count as falling.
pub const FALL_SHARE: f64 = 0.005;

/// Share of `ln K` that the entropy of a teacher's targets must fall by between two probes for it to count as still
/// sharpening, during which the loss is not judged.
pub const SHARPENING: f64 = 0.01;

/// Steps averaged when looking for an explosion.
pub const EXPLODE_STEPS: usize = 5;
/// A loss explodes when it exceeds its start, and its highest named value, by this share of it, and by 1.
pub const EXPLODE_SHARE: f64 = 0.5;
/// A gradient explodes when its norm exceeds the median of the first ten steps by this factor, three steps in a row.
pub const GRADIENT_FACTOR: f64 = 1e3;
/// A gradient vanishes below this norm, ten steps in a row.
pub const GRADIENT_ZERO: f64 = 1e-8;

/// The contrastive loss can leave its chance value by less than this (in nats): the temperature is too high.
pub const REACHABLE_FALL: f64 = 0.25;
/// Temperatures below this make the softmax one-hot; the lowest in use is CLIP's floor of 0.01.
pub const LOWEST_TEMPERATURE: f64 = 0.01;
/// Below this, a loss of [`ONE_HOT_LOSS`] times the chance value at the start says the same.
pub const LOW_TEMPERATURE: f64 = 0.05;
/// See [`LOW_TEMPERATURE`].
pub const ONE_HOT_LOSS: f64 = 2.0;

/// For SGD and LARS, the highest believable learning rate per 256 images; published ones reach 1.0. For AdamW, whose
/// step is about the learning rate itself, the limit is `1/sqrt(encoder width)`, the size of a fresh weight.
pub const LR_PER_256: f64 = 2.0;

/// kNN accuracy below random-init's by this much, ...
pub const KNN_MARGIN: f64 = 0.05;
/// ... for this many probes in a row, not improving, and after [`KNN_STEPS`] steps, is worse than nothing.
pub const KNN_PROBES: u32 = 3;
/// See [`KNN_PROBES`].
pub const KNN_STEPS: u64 = 50;

/// Mean length of an embedding over that of the first probe, ...
pub const NORM_FACTOR: f64 = 1e3;
/// ... for this many probes in a row, is an explosion.
pub const NORM_PROBES: u32 = 2;

/// Mean squared distance between normalised features of two views below which they are the same view.
pub const SAME_VIEWS: f64 = 1e-6;

/// Mean cosine between features in training and in evaluation mode below which the two disagree, ...
pub const TRAIN_EVAL_COSINE: f64 = 0.5;
/// ... for this many probes in a row, after [`SETTLED_STEPS`].
pub const LEAK_PROBES: u32 = 3;

/// Entropy of the targets above this share of `ln K` is uniform, ...
pub const UNIFORM_SHARE: f64 = 0.99;
/// ... below this share one-hot, ...
pub const ONE_HOT_SHARE: f64 = 0.05;
/// ... if fewer outputs than this are in use.
pub const ONE_OUTPUT: f64 = 2.0;
/// Perplexity of the prototypes' use below this share of their number is starvation.
pub const STARVED_SHARE: f64 = 0.05;
/// Probes in a row that show one of these.
pub const TARGET_PROBES: u32 = 3;

/// Standard errors by which two accuracies must differ, where they are of so few images that this is more than the margin.
pub const CHANCE_ERRORS: f64 = 2.0;

/// kNN accuracy lost since the best probe, ... for [`KNN_PROBES`] probes in a row.
pub const PROBE_FALL: f64 = 0.05;

/// The best kNN accuracy this far below random-init's, ...
pub const SHORTCUT_MARGIN: f64 = 0.02;
/// ... while the loss has lost this share of its first epoch's, ...
pub const SHORTCUT_FALL: f64 = 0.2;
/// ... for this many probes in a row after [`SETTLED_STEPS`].
pub const SHORTCUT_PROBES: u32 = 5;
