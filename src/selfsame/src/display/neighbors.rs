//! What an encoder sees as alike.

use super::pictures::{read, tile};
use super::Pictures;
use crate::data::{Dataset, Part};
use crate::error::{Error, Result};
use crate::eval::{nearest_rows, Embeddings};
use crate::plot::{GridRow, Tile};
use crate::shape::ImageShape;

/// Neighbours a row shows.
const COLUMNS: usize = 6;

impl<P: ImageShape> Dataset<P> {
    /// `count` test images, evenly spread, each beside the training images whose features are most similar (by cosine).
    /// `train` and `test` are the embeddings of those parts.
    ///
    /// # Errors
    /// [`Error::Shape`] for embeddings of other parts; an image that cannot be read.
    pub fn neighbors(&self, train: &Embeddings, test: &Embeddings, count: usize) -> Result<Pictures> {
        let (of_train, of_test) = (self.train(), self.test());
        if (train.len(), test.len()) != (of_train.len(), of_test.len()) {
            let expected = format!("{} training and {} test samples", of_train.len(), of_test.len());
            return Err(Error::shape("embeddings", expected, format!("{} and {}", train.len(), test.len())));
        }
        let count = count.min(test.len());
        let picked: Vec<usize> = (0..count).map(|row| row * test.len() / count).collect();
        let found = nearest_rows(train, &test.subset(&picked), COLUMNS)?;
        let shown = |part: &Part<P>, i: usize, asked: Option<u32>| {
            let label = part.label(i);
            let name = self.classes().get(label as usize).map_or("", String::as_str);
            let tile = tile(part.shape().size(), read(part, i)?, name);
            Ok::<_, Error>(Tile { same: asked.map(|asked| asked == label), ..tile })
        };
        let rows = picked.iter().zip(found).map(|(&query, neighbours)| {
            let mut tiles = vec![shown(&of_test, query, None)?];
            for neighbour in neighbours {
                tiles.push(shown(&of_train, neighbour as usize, Some(of_test.label(query)))?);
            }
            Ok(GridRow { label: String::new(), tiles })
        });
        let title = "Test images (left) and their nearest training images";
        Ok(Pictures::new(title, rows.collect::<Result<Vec<_>>>()?))
    }
}
