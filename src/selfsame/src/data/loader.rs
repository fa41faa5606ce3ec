//! Batches of augmented views, rendered beside the training step.
//!
//! A producer thread renders the next batch while the closure works on the current one. Exactly two batches exist and
//! go round between the two, so memory is bounded by construction and buffers are reused. What is rendered depends on
//! `(seed, epoch, index, view)` alone, never on threads.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread;

use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::dataset::Part;
use crate::augment::Views;
use crate::error::{Error, Result};
use crate::random::{stream, Purpose};
use crate::shape::{ImageShape, Size};

/// Turns an image into views.
pub trait Render: Sync {
    /// How many views each image gets.
    fn views(&self) -> usize;
    /// How many numbers view `view` has.
    fn view_len(&self, view: usize) -> usize;
    /// Writes view `view` of `image` to `out` (`view_len(view)` numbers): a function of the other arguments alone.
    /// `index` is the image's index in the whole data set.
    ///
    /// # Errors
    /// A view that cannot be made of images of `size`.
    #[allow(clippy::too_many_arguments)] // the four that make a view's random numbers, the image, and where to put it
    fn render(
        &self,
        image: &[u8],
        size: Size,
        seed: u64,
        epoch: u64,
        index: u64,
        view: usize,
        out: &mut [f32],
    ) -> Result<()>;
}

impl Render for Views {
    fn views(&self) -> usize {
        self.count()
    }
    fn view_len(&self, view: usize) -> usize {
        self.view_size(view).len()
    }
    fn render(
        &self,
        image: &[u8],
        size: Size,
        seed: u64,
        epoch: u64,
        index: u64,
        view: usize,
        out: &mut [f32],
    ) -> Result<()> {
        Views::render(self, image, size, seed, epoch, index, view, out)
    }
}

/// The order of `n` samples in `epoch`: a shuffle of `0..n` that depends on `(n, seed, epoch)` alone.
pub fn epoch_order(n: usize, seed: u64, epoch: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.shuffle(&mut stream(&[seed, epoch, Purpose::Order as u64]));
    order
}

/// How many batches of `batch` samples `n` samples make, the incomplete one counted unless `drop_last`.
pub fn batch_count(n: usize, batch: usize, drop_last: bool) -> usize {
    match (batch, drop_last) {
        (0, _) => 0,
        (_, true) => n / batch,
        (_, false) => n.div_ceil(batch),
    }
}

/// Which batches [`for_each_batch`] makes.
#[derive(Debug, Clone, Copy)]
pub struct Batches<'a> {
    /// Positions in the part, in the order to take them; see [`epoch_order`].
    pub order: &'a [u32],
    /// Samples in a batch.
    pub batch: usize,
    /// The number of the first batch to make; a resumed epoch begins in its middle.
    pub start_batch: usize,
    /// Whether an incomplete last batch is left out.
    pub drop_last: bool,
    /// Seed of the views.
    pub seed: u64,
    /// Epoch of the views.
    pub epoch: u64,
}

/// A batch of views.
#[derive(Debug, Default)]
pub struct Batch {
    /// Its number in the epoch, from 0.
    pub number: usize,
    /// Positions of its samples in the part.
    pub positions: Vec<u32>,
    /// One buffer for each view: the samples' views one after the other.
    pub views: Vec<Vec<f32>>,
    /// Labels of its samples.
    pub labels: Vec<u32>,
    /// The images the views are made from, kept here to be reused.
    images: Vec<u8>,
}

/// Renders batches of `part` and hands each to `work`, which may take the buffers out of it (others are then made) and
/// may stop early with `Break`. Says whether it did.
///
/// # Errors
/// A batch size of zero, or, with `drop_last`, larger than the order; a position outside the part; a renderer with an
/// empty view; an image that cannot be read; what `work` returns. An error on either side stops the other.
///
/// # Panics
/// Only where `work` or `render` does: a panic of either is passed on, after the other has stopped.
pub fn for_each_batch<P: ImageShape>(
    part: &Part<P>,
    batches: Batches<'_>,
    render: &impl Render,
    work: impl FnMut(&mut Batch) -> Result<ControlFlow<()>>,
) -> Result<ControlFlow<()>> {
    check(part, &batches, render)?;
    let (give_ready, ready) = channel();
    let (give_free, free) = channel();
    // The two batches that go round. The receiver is in scope, so sending cannot fail.
    let _ = give_free.send(Batch::default());
    let _ = give_free.send(Batch::default());
    thread::scope(|scope| {
        let producer = scope.spawn(move || produce(part, batches, render, free, give_ready));
        // The channel's ends are moved into `consume`, so that they close when it returns or panics, and the producer
        // stops.
        let outcome = consume(ready, give_free, work);
        match producer.join() {
            Ok(()) => outcome,
            Err(panic) => resume_unwind(panic),
        }
    })
}

fn check<P: ImageShape>(part: &Part<P>, batches: &Batches<'_>, render: &impl Render) -> Result<()> {
    let n = batches.order.len();
    if batches.batch == 0 {
        return Err(Error::setting("batch size", 0, "1 or more", "Pass a larger one."));
    }
    if batches.drop_last && batches.batch > n {
        let expected = format!("at most {n}, the number of training images");
        return Err(Error::setting("batch size", batches.batch, expected, "Pass a smaller one."));
    }
    if let Some(position) = batches.order.iter().find(|p| **p as usize >= part.len()) {
        let expected = format!("below {}", part.len());
        return Err(Error::shape("position in the order of samples", expected, position));
    }
    if let Some(view) = (0..render.views()).find(|view| render.view_len(*view) == 0) {
        return Err(Error::shape(format!("view {view}"), "at least one number", "none"));
    }
    Ok(())
}

/// Fills free batches until there are no more to make or nobody wants them.
fn produce<P: ImageShape>(
    part: &Part<P>,
    batches: Batches<'_>,
    render: &impl Render,
    free: Receiver<Batch>,
    ready: Sender<Result<Batch>>,
) {
    for number in batches.start_batch..batch_count(batches.order.len(), batches.batch, batches.drop_last) {
        let Ok(mut batch) = free.recv() else { return };
        let filled = fill(part, batches, render, number, &mut batch).map(|()| batch);
        let failed = filled.is_err();
        if ready.send(filled).is_err() || failed {
            return;
        }
    }
}

fn consume(
    ready: Receiver<Result<Batch>>,
    free: Sender<Batch>,
    mut work: impl FnMut(&mut Batch) -> Result<ControlFlow<()>>,
) -> Result<ControlFlow<()>> {
    for batch in ready {
        let mut batch = batch?;
        if work(&mut batch)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        // The producer may have made its last batch and gone; then nobody needs this one.
        let _ = free.send(batch);
    }
    Ok(ControlFlow::Continue(()))
}

/// Makes batch `number` in the buffers of `out`, in parallel over the samples.
fn fill<P: ImageShape>(
    part: &Part<P>,
    batches: Batches<'_>,
    render: &impl Render,
    number: usize,
    out: &mut Batch,
) -> Result<()> {
    let Batches { order, batch, seed, epoch, .. } = batches;
    let positions = &order[number * batch..order.len().min((number + 1) * batch)];
    out.number = number;
    out.positions.clear();
    out.positions.extend_from_slice(positions);
    out.labels.clear();
    out.labels.extend(positions.iter().map(|&p| part.label(p as usize)));
    let size = part.shape().size();
    out.images.resize(positions.len() * size.len(), 0);
    let images = out.images.par_chunks_exact_mut(size.len()).zip(positions);
    images.try_for_each(|(image, &position)| part.read(position as usize, image))?;
    out.views.resize_with(render.views(), Vec::new);
    for (view, buffer) in out.views.iter_mut().enumerate() {
        let len = render.view_len(view);
        buffer.resize(positions.len() * len, 0.0);
        let samples = buffer.par_chunks_exact_mut(len).zip(out.images.par_chunks_exact(size.len()));
        samples.zip(positions).try_for_each(|((buffer, image), &position)| {
            let index = u64::from(part.index(position as usize));
            render.render(image, size, seed, epoch, index, view, buffer)
        })?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::panic::{catch_unwind, AssertUnwindSafe};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rand::Rng;

    use super::*;
    use crate::data::{Dataset, InMemory, Source, Split};
    use crate::shape::{Image, Size};

    type Tiny = Image<1, 1, 2>;
    const SIZE: Size = Size { channels: 1, height: 1, width: 2 };

    /// View 0 is the image plus noise, view 1 says what it was rendered with.
    struct Noise;

    impl Render for Noise {
        fn views(&self) -> usize {
            2
        }
        fn view_len(&self, view: usize) -> usize {
            [2, 3][view]
        }
        fn render(
            &self,
            image: &[u8],
            _: Size,
            seed: u64,
            epoch: u64,
            index: u64,
            view: usize,
            out: &mut [f32],
        ) -> Result<()> {
            if view == 1 {
                out.copy_from_slice(&[seed as f32, epoch as f32, index as f32]);
                return Ok(());
            }
            let mut random = stream(&[seed, epoch, index, view as u64, Purpose::View as u64]);
            out.iter_mut().zip(image).for_each(|(out, &byte)| *out = f32::from(byte) + random.gen::<f32>());
            Ok(())
        }
    }

    /// Training samples are indices 5, 6, ...; labels alternate; image `i` is `[i, i]`.
    fn part_of(source: impl Source + 'static) -> Part<Tiny> {
        let n = source.len() as u32;
        let split = Split { train: (5..n).collect(), validation: (0..5).collect(), test: vec![] };
        let labels = (0..n).map(|i| i % 2).collect();
        Dataset::new("toy", vec!["a".into(), "b".into()], labels, source, split).unwrap().train()
    }

    fn part(n: u8) -> Part<Tiny> {
        part_of(InMemory::new(SIZE, (0..n + 5).flat_map(|i| [i, i]).collect()).unwrap())
    }

    fn batches(order: &[u32]) -> Batches<'_> {
        Batches { order, batch: 4, start_batch: 0, drop_last: false, seed: 3, epoch: 2 }
    }

    /// Number, positions, views and labels of a batch.
    type Copied = (usize, Vec<u32>, Vec<Vec<f32>>, Vec<u32>);

    /// Everything that comes out.
    fn collect(part: &Part<Tiny>, batches: Batches<'_>) -> Vec<Copied> {
        let mut all = Vec::new();
        let outcome = for_each_batch(part, batches, &Noise, |b| {
            all.push((b.number, b.positions.clone(), b.views.clone(), b.labels.clone()));
            Ok(ControlFlow::Continue(()))
        });
        assert!(outcome.unwrap().is_continue());
        all
    }

    #[test]
    fn batches_hold_what_the_order_says() {
        let part = part(10);
        let order = epoch_order(10, 1, 0);
        let all = collect(&part, batches(&order));
        assert_eq!(all.iter().map(|b| b.1.len()).collect::<Vec<_>>(), [4, 4, 2]);
        assert_eq!(all.iter().flat_map(|b| b.1.clone()).collect::<Vec<_>>(), order);
        for (_, positions, views, labels) in &all {
            for (i, &position) in positions.iter().enumerate() {
                let index = position + 5;
                assert_eq!(labels[i], index % 2);
                assert_eq!(views[1][3 * i..3 * i + 3], [3.0, 2.0, index as f32]);
                let noise = views[0][2 * i] - index as f32;
                assert!((0.0..1.0).contains(&noise), "the image itself is under the noise");
            }
        }
        let full = collect(&part, Batches { drop_last: true, ..batches(&order) });
        assert_eq!(full[..], all[..2]);
        let resumed = collect(&part, Batches { start_batch: 1, ..batches(&order) });
        assert_eq!(resumed[..], all[1..]);
        assert!(collect(&part, Batches { start_batch: 9, ..batches(&order) }).is_empty());
    }

    #[test]
    fn an_order_is_a_shuffle_by_seed_and_epoch() {
        let order = epoch_order(50, 7, 1);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<u32>>());
        assert_eq!(order, epoch_order(50, 7, 1));
        assert_ne!(order, epoch_order(50, 7, 2));
        assert_ne!(order, epoch_order(50, 8, 1));
        assert_eq!(
            [batch_count(10, 4, true), batch_count(10, 4, false), batch_count(10, 0, true)],
            [2, 3, 0]
        );
    }

    #[test]
    fn views_do_not_depend_on_the_number_of_threads() {
        let part = part(40);
        let order = epoch_order(40, 1, 0);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut batch = Batch::default();
            let all = Batches { batch: 40, ..batches(&order) };
            pool.install(|| fill(&part, all, &Noise, 0, &mut batch)).unwrap();
            (batch.positions, batch.views, batch.labels)
        };
        let one = with(1);
        assert_eq!(one, with(2));
        assert_eq!(one, with(5));
        let mut whole = vec![Vec::new(), Vec::new()];
        collect(&part, batches(&order))
            .into_iter()
            .for_each(|b| whole.iter_mut().zip(b.2).for_each(|(whole, view)| whole.extend(view)));
        assert_eq!(one.1, whole);
    }

    #[test]
    fn a_closure_may_take_the_buffers_stop_or_fail() {
        let part = part(40);
        let order = epoch_order(40, 1, 0);
        let expected = collect(&part, batches(&order));
        let mut seen = 0;
        let taken = for_each_batch(&part, batches(&order), &Noise, |batch| {
            assert_eq!(std::mem::take(&mut batch.views), expected[seen].2);
            seen += 1;
            Ok(ControlFlow::Continue(()))
        });
        assert!(taken.unwrap().is_continue());
        assert_eq!(seen, 10);
        let stopped = for_each_batch(&part, batches(&order), &Noise, |batch| {
            Ok(if batch.number == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        assert!(stopped.unwrap().is_break());
        let failed = for_each_batch(&part, batches(&order), &Noise, |_| Err(Error::Interrupted));
        assert!(matches!(failed, Err(Error::Interrupted)));
    }

    /// Fails to read index 25.
    struct Broken(AtomicUsize);

    impl Source for Broken {
        fn size(&self) -> Size {
            SIZE
        }
        fn len(&self) -> usize {
            45
        }
        fn read(&self, index: usize, _out: &mut [u8]) -> Result<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match index {
                25 => Err(Error::shape("image 25", "readable", "not")),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn an_image_that_cannot_be_read_ends_the_epoch_with_its_error() {
        let part = part_of(Broken(AtomicUsize::new(0)));
        let order: Vec<u32> = (0..40).collect();
        let mut seen = Vec::new();
        let failed = for_each_batch(&part, batches(&order), &Noise, |batch| {
            seen.push(batch.number);
            Ok(ControlFlow::Continue(()))
        });
        assert_eq!(failed.unwrap_err().to_string(), "image 25: expected readable, found not");
        assert_eq!(seen, [0, 1, 2, 3, 4], "position 20 is index 25");
    }

    /// Counts, and panics on the image with `panic_at`.
    struct Counting {
        rendered: AtomicUsize,
        panic_at: u64,
    }

    impl Render for Counting {
        fn views(&self) -> usize {
            1
        }
        fn view_len(&self, _view: usize) -> usize {
            1
        }
        fn render(
            &self,
            _image: &[u8],
            _: Size,
            _seed: u64,
            _epoch: u64,
            index: u64,
            _view: usize,
            _out: &mut [f32],
        ) -> Result<()> {
            self.rendered.fetch_add(1, Ordering::Relaxed);
            assert_ne!(index, self.panic_at, "a renderer that panics");
            Ok(())
        }
    }

    #[test]
    fn a_panic_on_either_side_is_passed_on_and_nothing_hangs() {
        let part = part(40);
        let order: Vec<u32> = (0..40).collect();
        let run = |panic_at: u64, at_batch: usize| {
            let render = Counting { rendered: AtomicUsize::new(0), panic_at };
            catch_unwind(AssertUnwindSafe(|| {
                for_each_batch(&part, batches(&order), &render, |batch| {
                    assert_ne!(batch.number, at_batch, "work that panics");
                    Ok(ControlFlow::Continue(()))
                })
            }))
        };
        assert!(run(20, usize::MAX).is_err());
        assert!(run(u64::MAX, 2).is_err());
        assert!(run(u64::MAX, usize::MAX).unwrap().is_ok());
    }

    #[test]
    fn at_most_two_batches_are_in_flight() {
        let part = part(40);
        let order: Vec<u32> = (0..40).collect();
        let render = Counting { rendered: AtomicUsize::new(0), panic_at: u64::MAX };
        let mut most = 0;
        let outcome = for_each_batch(&part, batches(&order), &render, |batch| {
            thread::sleep(std::time::Duration::from_millis(5));
            most = most.max(render.rendered.load(Ordering::Relaxed) - 4 * batch.number);
            Ok(ControlFlow::Continue(()))
        });
        assert!(outcome.unwrap().is_continue());
        assert!(most <= 8, "{most} samples were rendered ahead of the work on the first of them");
    }

    #[test]
    fn impossible_batches_are_refused() {
        let part = part(10);
        let order: Vec<u32> = (0..10).collect();
        let says = |batches: Batches<'_>| {
            for_each_batch(&part, batches, &Noise, |_| Ok(ControlFlow::Continue(()))).unwrap_err().to_string()
        };
        assert!(says(Batches { batch: 0, ..batches(&order) }).starts_with("batch size is 0."));
        assert_eq!(
            says(Batches { batch: 11, drop_last: true, ..batches(&order) }),
            "batch size is 11. Expected at most 10, the number of training images. Pass a smaller one."
        );
        assert!(says(batches(&[3, 10])).starts_with("position in the order of samples: expected below 10"));
        assert_eq!(collect(&part, Batches { batch: 11, ..batches(&order) }).len(), 1);
    }
}
