//! Data sets: what they hold, and a few of their images.

use super::number::{bytes, thousands};
use super::{html, Content, Show};
use crate::data::{DataInfo, Dataset, Part};
use crate::plot::Table;
use crate::shape::ImageShape;

/// Images of a sample.
const PICTURES: usize = 24;

impl<P: ImageShape> Show for Dataset<P> {
    fn content(&self) -> Content {
        let content = self.info().content();
        let Ok(figure) = self.pictures(PICTURES).and_then(|p| p.figure()) else { return content };
        let page = content.html().unwrap_or_default().to_string() + &html::figures([&figure]);
        content.with_html(page).with_figure(figure)
    }
}

impl<P: ImageShape> Show for Part<P> {
    fn content(&self) -> Content {
        let title =
            format!("{} part: {} images of {}", self.name(), thousands(self.len()), self.shape().size());
        let mut counts = vec![0usize; self.classes()];
        self.labels().iter().for_each(|&label| counts[label as usize] += 1);
        let mut table = Table::new(["class", "images"]);
        counts.iter().enumerate().for_each(|(class, n)| {
            table.row([class.to_string(), thousands(*n)]);
        });
        let mut page = html::heading(&title);
        let text = format!("{title}\n{}", table.text());
        let figure = self.pictures(PICTURES).and_then(|p| p.figure());
        if let Ok(figure) = &figure {
            page += &html::figures([figure]);
        }
        page += &html::table(&table);
        super::show::drawn(Content::new(text), figure).with_html(page)
    }
}

impl Show for DataInfo {
    fn content(&self) -> Content {
        let [channels, height, width] = self.image;
        let title =
            format!("{}: {} images of {channels}x{height}x{width}", self.name, thousands(self.images()));
        let mut size = format!(
            "{} decoded, {} in memory",
            bytes(self.bytes as usize),
            bytes(self.bytes_in_memory as usize)
        );
        if self.skipped > 0 {
            size += &format!(", {} files passed over: no images by their names", self.skipped);
        }
        let mut table = Table::new(["class", "train", "validation", "test"]);
        for class in &self.classes {
            let counts = [class.train, class.validation, class.test].map(thousands);
            table.row(std::iter::once(class.name.clone()).chain(counts));
        }
        let counts = [self.train, self.validation, self.test].map(thousands);
        table.row(std::iter::once("all".to_string()).chain(counts));
        Content::new(format!("{title}\n{size}\n{}", table.text()))
            .with_html(html::heading(&title) + &html::paragraph(&size) + &html::table(&table))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data::Digits;

    #[test]
    fn a_data_set_shows_its_counts_and_some_images() {
        let content = Digits::load().unwrap().content();
        assert!(content.text().starts_with("digits: 1,797 images of 1x8x8\n115.0 kB decoded"));
        let last = content.text().lines().last().unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(last[0], "all");
        let total: usize = last[1..].iter().map(|n| n.replace(',', "").parse::<usize>().unwrap()).sum();
        assert_eq!(total, 1797);
        assert!(content.figure().is_some() && content.html().unwrap().contains("<img"));
        let part = Digits::load().unwrap().test().subset(&[0, 1, 2]).content();
        assert!(part.text().starts_with("test part: 3 images of 1x8x8"));
    }
}
