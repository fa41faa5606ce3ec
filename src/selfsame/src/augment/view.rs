use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{Canvas, Normalise, Transform};
use crate::error::{Error, Result};
use crate::random::Stream;
use crate::shape::Size;

/// A chain of transforms that ends in a picture of a stated size, normalised.
///
/// Without transforms and normalisation it is the picture itself. Cheap to clone.
#[derive(Debug, Clone)]
pub struct View {
    size: Size,
    transforms: Vec<Arc<dyn Transform>>,
    normalise: Normalise,
}

impl View {
    /// A view of `size` that does nothing yet.
    pub fn new(size: Size) -> View {
        View { size, transforms: Vec::new(), normalise: Normalise::identity(size.channels) }
    }

    /// Adds a transform, applied after those before it.
    #[must_use]
    pub fn then(mut self, transform: impl Transform + 'static) -> View {
        self.transforms.push(Arc::new(transform));
        self
    }

    /// Sets the normalisation that follows the last transform; the identity unless set.
    #[must_use]
    pub fn normalise(mut self, normalise: Normalise) -> View {
        self.normalise = normalise;
        self
    }

    /// What follows the last transform.
    pub fn normalisation(&self) -> &Normalise {
        &self.normalise
    }

    /// The size of the view.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Whether the view can be made of pictures of size `input`.
    ///
    /// # Errors
    /// [`Error::Setting`] for a parameter out of its range; [`Error::Shape`] where the chain does not end in the view's
    /// size, the picture is empty, or the normalisation has another number of channels.
    pub fn validate(&self, input: Size) -> Result<()> {
        if input.is_empty() {
            return Err(Error::shape("pictures to augment", "at least one channel, row and column", input));
        }
        let mut size = input;
        for transform in &self.transforms {
            transform.validate()?;
            size = transform.output_size(size);
        }
        self.check_end(size)?;
        self.normalise.validate(self.size.channels)
    }

    fn check_end(&self, end: Size) -> Result<()> {
        if end == self.size {
            return Ok(());
        }
        Err(Error::shape("the end of a view's transforms", self.size, end))
    }

    /// Makes the view of `image` with the random numbers of `rng`; for views that passed `validate`.
    pub(super) fn render(
        &self,
        canvas: &mut Canvas,
        image: &[u8],
        size: Size,
        rng: &mut Stream,
        out: &mut [f32],
    ) -> Result<()> {
        canvas.load(image, size)?;
        for transform in &self.transforms {
            transform.apply(canvas, rng);
        }
        self.check_end(canvas.size())?;
        self.normalise.apply(canvas.pixels(), out);
        Ok(())
    }

    /// The view in words: its size, then a line for each transform and one for the normalisation.
    pub fn describe(&self) -> String {
        let mut text = format!("{}\n", self.size);
        for transform in &self.transforms {
            text += &format!("  {transform:?}\n");
        }
        if self.normalise != Normalise::identity(self.size.channels) {
            text += &format!("  {:?}\n", self.normalise);
        }
        text
    }
}

/// As a description, for `config.json`: `{"size", "transforms": [a line each], "normalise": {"mean", "std"}}`.
impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let lines: Vec<String> = self.transforms.iter().map(|t| format!("{t:?}")).collect();
        let mut view = serializer.serialize_struct("View", 3)?;
        view.serialize_field("size", &self.size.to_string())?;
        view.serialize_field("transforms", &lines)?;
        view.serialize_field("normalise", &self.normalise)?;
        view.end()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::augment::{HorizontalFlip, RandomResizedCrop, Resize};
    use crate::random::stream;

    const SIZE: Size = Size { channels: 1, height: 4, width: 6 };

    #[test]
    fn nothing_to_do_gives_the_picture_normalised() {
        let image: Vec<u8> = (0..24).collect();
        let view = View::new(SIZE).normalise(Normalise { mean: vec![0.5], std: vec![2.0] });
        let mut out = [0.0; 24];
        view.render(&mut Canvas::default(), &image, SIZE, &mut stream(&[0]), &mut out).unwrap();
        for (byte, value) in image.iter().zip(out) {
            assert_eq!(value, (f32::from(*byte) / 255.0 - 0.5) * 0.5);
        }
    }

    #[test]
    fn what_does_not_fit_is_said_before_anything_runs() {
        let message =
            |view: &View, size| view.validate(size).err().map(|e| e.to_string()).unwrap_or_default();
        let view = View::new(SIZE).then(Resize { height: 4, width: 6 });
        assert_eq!(message(&view, Size { channels: 1, height: 9, width: 9 }), "");
        let colour = Size { channels: 3, height: 9, width: 9 };
        assert_eq!(message(&view, colour), "the end of a view's transforms: expected 1x4x6, found 3x4x6");
        assert!(message(&view, Size { channels: 1, height: 0, width: 9 }).contains("found 1x0x9"));
        assert!(
            message(&View::new(SIZE).then(HorizontalFlip { p: 2.0 }), SIZE).contains("HorizontalFlip.p is 2")
        );
        let normalised = View::new(SIZE).normalise(Normalise::identity(3));
        assert!(message(&normalised, SIZE).contains("Normalise.mean"));
    }

    #[test]
    fn a_line_for_each_transform() {
        let view = View::new(SIZE).then(RandomResizedCrop::to(4, 6)).then(HorizontalFlip { p: 0.5 });
        assert_eq!(
            view.describe(),
            "1x4x6\n  RandomResizedCrop { height: 4, width: 6, scale: (0.08, 1.0), ratio: (0.75, \
             1.3333333333333333) }\n  HorizontalFlip { p: 0.5 }\n"
        );
        let json = serde_json::to_value(&view).unwrap();
        assert_eq!(json["size"], "1x4x6");
        assert_eq!(json["transforms"][1], "HorizontalFlip { p: 0.5 }");
        assert_eq!(json["normalise"]["std"][0], 1.0);
    }

    #[test]
    fn a_canvas_that_is_warm_allocates_nothing() {
        let size = Size { channels: 3, height: 40, width: 30 };
        let view = View::new(size)
            .then(RandomResizedCrop::to(40, 30))
            .then(crate::augment::ColorJitter::default())
            .then(crate::augment::GaussianBlur { p: 1.0, ..Default::default() })
            .then(crate::augment::Rotation::default());
        let (image, mut out) = (vec![9; size.len()], vec![0.0; size.len()]);
        let mut canvas = Canvas::default();
        let mut rng = stream(&[1]);
        (0..300).for_each(|_| view.render(&mut canvas, &image, size, &mut rng, &mut out).unwrap());
        let warm = canvas.capacity();
        (0..300).for_each(|_| view.render(&mut canvas, &image, size, &mut rng, &mut out).unwrap());
        assert_eq!(canvas.capacity(), warm);
    }
}
