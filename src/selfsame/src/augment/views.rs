use std::cell::Cell;

use rayon::prelude::*;
use serde::Serialize;

use super::{Canvas, Normalise, View};
use crate::error::{Error, Result};
use crate::random::{stream, Purpose};
use crate::shape::Size;

thread_local! {
    /// Taken while a view is made and put back after: a transform that makes views itself gets a canvas of its own.
    static CANVAS: Cell<Canvas> = Cell::default();
}

/// The views of one image that an objective asks for, counted from 0.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Views {
    views: Vec<View>,
}

impl Views {
    /// One view for each of the list.
    pub fn new(views: Vec<View>) -> Views {
        Views { views }
    }

    /// Two views made alike, as in SimCLR.
    pub fn two(view: View) -> Views {
        Views::new(vec![view.clone(), view])
    }

    /// Two views made in different ways, as in BYOL.
    pub fn two_different(first: View, second: View) -> Views {
        Views::new(vec![first, second])
    }

    /// `n_global` large views, then `n_local` small ones, as in SwAV and DINO.
    pub fn multi_crop(global: View, n_global: usize, local: View, n_local: usize) -> Views {
        let mut views = vec![global; n_global];
        views.resize(n_global + n_local, local);
        Views::new(views)
    }

    /// `count` views: these over and over.
    #[must_use]
    pub fn cycled(self, count: usize) -> Views {
        Views { views: self.views.into_iter().cycle().take(count).collect() }
    }

    /// These, then `count` more, made as `view` says.
    #[must_use]
    pub fn and(mut self, view: View, count: usize) -> Views {
        self.views.resize(self.views.len() + count, view);
        self
    }

    /// Sets the normalisation of every view.
    #[must_use]
    pub fn normalise(self, normalise: &Normalise) -> Views {
        Views::new(self.views.into_iter().map(|view| view.normalise(normalise.clone())).collect())
    }

    /// The first view alone: what a classifier trains on.
    pub fn first(&self) -> Views {
        Views { views: self.views.iter().take(1).cloned().collect() }
    }

    /// The normalisation of the first view, which evaluation applies to whole images; `None` without views.
    pub fn evaluation_normalise(&self) -> Option<&Normalise> {
        self.views.first().map(View::normalisation)
    }

    /// The views, in order.
    pub fn each(&self) -> &[View] {
        &self.views
    }

    /// How many views there are.
    pub fn count(&self) -> usize {
        self.views.len()
    }

    /// The size of view `view`.
    ///
    /// # Panics
    /// When there is no such view; see [`count`](Views::count).
    pub fn view_size(&self, view: usize) -> Size {
        self.views[view].size()
    }

    /// Whether every view can be made of pictures of size `input`. [`render`](Views::render) checks too; asking early
    /// finds out before the first epoch.
    ///
    /// # Errors
    /// What [`View::validate`] says, or [`Error::Setting`] when there are no views.
    pub fn validate(&self, input: Size) -> Result<()> {
        if self.views.is_empty() {
            return Err(Error::setting("the number of views", 0, "at least 1", "Two is usual."));
        }
        self.views.iter().try_for_each(|view| view.validate(input))
    }

    /// Writes view number `view` of `image` (bytes of a picture of `size`, channel by channel, row by row) to `out`
    /// (`view_size(view).len()` values, normalised).
    ///
    /// The same (`seed`, `epoch`, `index`, `view`) gives the same values, whatever was made before and on which thread;
    /// another seed, epoch, index of the image in its data set or view gives unrelated ones.
    ///
    /// # Errors
    /// [`Error::Shape`] where a length does not fit or there is no such view; what [`View::validate`] says.
    #[allow(clippy::too_many_arguments)] // Four of them are the key of the random numbers.
    pub fn render(
        &self,
        image: &[u8],
        size: Size,
        seed: u64,
        epoch: u64,
        index: u64,
        view: usize,
        out: &mut [f32],
    ) -> Result<()> {
        let recipe = self.recipe(view, size)?;
        check_length("image to augment", size, 1, image.len())?;
        check_length("room for the view", recipe.size(), 1, out.len())?;
        render_keyed(recipe, image, size, [seed, epoch, index, view as u64], out)
    }

    /// Writes view number `view` of many images to `out`, one after the other: as [`render`](Views::render) for each,
    /// in parallel.
    ///
    /// `images` holds the images one after the other, `indices` their indices in the data set.
    ///
    /// # Errors
    /// As [`render`](Views::render).
    #[allow(clippy::too_many_arguments)] // Four of them are the key of the random numbers.
    pub fn render_batch(
        &self,
        images: &[u8],
        size: Size,
        indices: &[u64],
        seed: u64,
        epoch: u64,
        view: usize,
        out: &mut [f32],
    ) -> Result<()> {
        let recipe = self.recipe(view, size)?;
        check_length("images to augment", size, indices.len(), images.len())?;
        check_length("room for the views", recipe.size(), indices.len(), out.len())?;
        out.par_chunks_exact_mut(recipe.size().len())
            .zip(images.par_chunks_exact(size.len()))
            .zip(indices)
            .try_for_each(|((out, image), index)| {
                render_keyed(recipe, image, size, [seed, epoch, *index, view as u64], out)
            })
    }

    /// View number `view`, which can be made of pictures of `size`.
    fn recipe(&self, view: usize, size: Size) -> Result<&View> {
        let recipe = self
            .views
            .get(view)
            .ok_or_else(|| Error::shape("view", format!("a number below {}", self.count()), view))?;
        recipe.validate(size)?;
        Ok(recipe)
    }

    /// The views in words: for each kind its numbers and size, then a line for each transform.
    pub fn describe(&self) -> String {
        let texts: Vec<String> = self.views.iter().map(View::describe).collect();
        let mut first = 0;
        let mut lines = String::new();
        for alike in texts.chunk_by(|a, b| a == b) {
            let last = first + alike.len() - 1;
            lines +=
                &if first == last { format!("view {first}: ") } else { format!("views {first}-{last}: ") };
            lines += &alike[0];
            first = last + 1;
        }
        lines
    }
}

/// One view on this thread's canvas; `key` is seed, epoch, index and view.
fn render_keyed(recipe: &View, image: &[u8], size: Size, key: [u64; 4], out: &mut [f32]) -> Result<()> {
    let [seed, epoch, index, view] = key;
    let mut rng = stream(&[seed, epoch, index, view, Purpose::View as u64]);
    let mut canvas = CANVAS.take();
    let done = recipe.render(&mut canvas, image, size, &mut rng, out);
    CANVAS.set(canvas);
    done
}

fn check_length(what: &str, size: Size, count: usize, found: usize) -> Result<()> {
    if found == size.len() * count {
        return Ok(());
    }
    let expected = format!("{count} of {size}, {} values", size.len() * count);
    Err(Error::shape(what, expected, format!("{found} values")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::augment::{presets, HorizontalFlip, Noise, RandomResizedCrop};

    const SIZE: Size = Size { channels: 3, height: 12, width: 10 };

    fn image(size: Size, which: usize) -> Vec<u8> {
        (0..size.len()).map(|i| (i * 37 + which * 101 + i * i % 91) as u8).collect()
    }

    fn rendered(views: &Views, key: [u64; 4]) -> Vec<f32> {
        let [seed, epoch, index, view] = key;
        let mut out = vec![0.0; views.view_size(view as usize).len()];
        views.render(&image(SIZE, 0), SIZE, seed, epoch, index, view as usize, &mut out).unwrap();
        out
    }

    #[test]
    fn the_key_is_all_that_counts_and_all_of_it() {
        let views = presets::simclr(SIZE);
        let key = [7, 3, 42, 0];
        let first = rendered(&views, key);
        rendered(&views, [1, 2, 3, 1]);
        assert_eq!(rendered(&views, key), first, "what was made in between left a trace");
        for (place, name) in ["seed", "epoch", "index", "view"].iter().enumerate() {
            let mut other = key;
            other[place] += 1;
            assert_ne!(rendered(&views, other), first, "another {name}, the same view");
        }
    }

    #[test]
    fn a_batch_is_its_images_on_any_number_of_threads() {
        let views = presets::simclr(SIZE);
        let indices: Vec<u64> = (0..64).map(|i| i * 3 % 64).collect();
        let images: Vec<u8> = (0..64).flat_map(|i| image(SIZE, i)).collect();
        let batch = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![0.0; 64 * SIZE.len()];
            pool.install(|| views.render_batch(&images, SIZE, &indices, 7, 1, 1, &mut out)).unwrap();
            out
        };
        let mut one_by_one = vec![0.0; 64 * SIZE.len()];
        for (i, out) in one_by_one.chunks_mut(SIZE.len()).enumerate() {
            views.render(&image(SIZE, i), SIZE, 7, 1, indices[i], 1, out).unwrap();
        }
        assert_eq!(batch(1), one_by_one);
        assert_eq!(batch(2), one_by_one);
        assert_eq!(batch(5), one_by_one);
    }

    #[test]
    fn different_views_have_their_own_sizes_and_transforms() {
        let small = Size { channels: 3, height: 4, width: 4 };
        let global = View::new(SIZE).then(HorizontalFlip { p: 1.0 });
        let local = View::new(small).then(RandomResizedCrop::to(4, 4));
        let views = Views::multi_crop(global, 2, local, 3);
        assert_eq!(views.count(), 5);
        assert_eq!((0..5).map(|v| views.view_size(v)).collect::<Vec<_>>(), [SIZE, SIZE, small, small, small]);
        assert_eq!(rendered(&views, [1, 1, 1, 0]), rendered(&views, [2, 2, 2, 1]));
        assert_ne!(rendered(&views, [1, 1, 1, 2]), rendered(&views, [1, 1, 1, 3]));
        let two = Views::two_different(View::new(SIZE), View::new(SIZE).then(Noise { std: 0.1, p: 1.0 }));
        assert_ne!(rendered(&two, [1, 1, 1, 0]), rendered(&two, [1, 1, 1, 1]));
    }

    #[test]
    fn alike_views_are_described_once() {
        let views = Views::multi_crop(View::new(SIZE).then(HorizontalFlip { p: 0.5 }), 2, View::new(SIZE), 1);
        assert_eq!(views.describe(), "views 0-1: 3x12x10\n  HorizontalFlip { p: 0.5 }\nview 2: 3x12x10\n");
        assert_eq!(serde_json::to_value(&views).unwrap()[0]["transforms"][0], "HorizontalFlip { p: 0.5 }");
    }

    #[test]
    fn every_view_is_normalised() {
        let normalise = Normalise { mean: vec![0.5; 3], std: vec![0.25; 3] };
        let views = Views::two_different(View::new(SIZE), View::new(SIZE)).normalise(&normalise);
        let plain = rendered(&Views::new(vec![View::new(SIZE)]), [0; 4]);
        let expected: Vec<f32> = plain.iter().map(|v| (v - 0.5) * 4.0).collect();
        assert_eq!(rendered(&views, [0, 0, 0, 1]), expected);
    }

    #[test]
    fn lengths_and_numbers_that_do_not_fit_are_errors() {
        let views = Views::two(View::new(SIZE));
        let mut out = vec![0.0; SIZE.len()];
        let bytes = image(SIZE, 0);
        let mut message = |views: &Views, bytes: &[u8], view, short: usize| {
            let out = &mut out[short..];
            views.render(bytes, SIZE, 0, 0, 0, view, out).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(message(&views, &bytes, 1, 0), "");
        assert_eq!(message(&views, &bytes, 2, 0), "view: expected a number below 2, found 2");
        assert!(message(&views, &bytes[1..], 0, 0).starts_with("image to augment: expected 1 of 3x12x10"));
        assert!(message(&views, &bytes, 0, 1).starts_with("room for the view: expected"));
        let bad = Views::two(View::new(SIZE).then(HorizontalFlip { p: -1.0 }));
        assert!(message(&bad, &bytes, 0, 0).starts_with("HorizontalFlip.p is -1."));
        assert!(bad.validate(SIZE).is_err() && views.validate(SIZE).is_ok());
        assert!(Views::new(Vec::new()).validate(SIZE).is_err());
        let mut out = vec![0.0; 2 * SIZE.len()];
        assert!(views.render_batch(&bytes, SIZE, &[0, 1], 0, 0, 0, &mut out).is_err());
    }

    #[test]
    #[ignore = "a measurement; run it alone with --release --ignored --nocapture on an idle machine"]
    fn views_a_second() {
        let small = Size { channels: 3, height: 32, width: 32 };
        let large = Size { channels: 3, height: 96, width: 96 };
        let digit = Size { channels: 1, height: 28, width: 28 };
        let indices: Vec<u64> = (0..512).collect();
        for (name, size, views) in [
            ("simclr", small, presets::simclr(small)),
            ("simclr with blur", large, presets::simclr(large)),
            ("glyphs", digit, presets::glyphs(digit)),
        ] {
            let images: Vec<u8> = (0..512).flat_map(|i| image(size, i)).collect();
            let mut out = vec![0.0; images.len()];
            for threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut batch = |epoch| {
                    pool.install(|| views.render_batch(&images, size, &indices, 0, epoch, 1, &mut out))
                        .unwrap();
                };
                (0..4).for_each(&mut batch);
                let start = std::time::Instant::now();
                (4..44).for_each(&mut batch);
                let rate = 40.0 * 512.0 / start.elapsed().as_secs_f64();
                println!("{name}, {size}, threads {threads}: {rate:.0} views a second");
                assert!(out.iter().all(|v| (-1e-6..=1.0 + 1e-6).contains(v)));
            }
        }
    }
}
