//! A generated world of coloured shapes whose every factor is known.
//!
//! The class is the kind of shape; size, place, turn and all colours vary independently of it, so that pixels tell
//! little about the class and an encoder has something to ignore. Image `i` depends on `(seed, i)` alone, and is drawn
//! whenever it is asked for.

use std::f32::consts::{PI, TAU};

use rand::Rng;
use serde::Serialize;

use super::dataset::{check_read, Dataset, Source, Split, SPLIT_SEED};
use crate::error::{Error, Result};
use crate::random::{stream, Purpose};
use crate::shape::{Picture, Size};

/// The kinds of shape; a class is an index into them.
const KINDS: [&str; 6] = ["circle", "square", "triangle", "star", "cross", "ring"];

/// Each pixel is the mean of this many samples along each side.
const SUPERSAMPLING: usize = 4;

/// What an image of the world was made from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Factors {
    /// The kind of shape: 0 circle, 1 square, 2 triangle, 3 star, 4 cross, 5 ring.
    pub class: u32,
    /// The middle of the shape, from the left, in widths of the image (0.3 to 0.7).
    pub x: f32,
    /// The middle of the shape, from the top, in heights of the image (0.3 to 0.7).
    pub y: f32,
    /// Radius of the circle around the shape, in the image's shorter side (0.2 to 0.35).
    pub radius: f32,
    /// Turn in radians, clockwise, from 0 to 2 pi.
    pub rotation: f32,
    /// Colour of the shape: red, green and blue in 0..1.
    pub colour: [f32; 3],
    /// Colour of the ground at one end of its gradient, likewise.
    pub ground: [f32; 3],
    /// Colour of the ground at the other end.
    pub ground_end: [f32; 3],
    /// Direction of the ground's gradient in radians.
    pub ground_direction: f32,
}

impl Factors {
    /// The factors of image `index` of the world `seed`.
    fn draw(seed: u64, index: u64) -> Factors {
        let mut random = stream(&[seed, index, Purpose::World as u64]);
        let class = random.gen_range(0..KINDS.len() as u32);
        let hue: f32 = random.gen();
        let bright = hsv(hue, random.gen_range(0.5..1.0), random.gen_range(0.7..1.0));
        // The ground's hue keeps a sixth of the circle away, so a shape is always visible.
        let other = hue + random.gen_range(1.0 / 6.0..5.0 / 6.0);
        let saturation = random.gen_range(0.3..1.0);
        let value = random.gen_range(0.1..0.5);
        let dark = [0.0, 0.1].map(|more| hsv(other + more, saturation, value + more));
        // Light on dark and dark on light are equally likely, so brightness gives nothing away.
        let (colour, ground, ground_end) = if random.gen() {
            (bright, dark[0], dark[1])
        } else {
            let lighter = hsv(hue + 0.1, random.gen_range(0.5..1.0), random.gen_range(0.7..1.0));
            (dark[0], bright, lighter)
        };
        Factors {
            class,
            x: random.gen_range(0.3..0.7),
            y: random.gen_range(0.3..0.7),
            radius: random.gen_range(0.2..0.35),
            rotation: random.gen_range(0.0..TAU),
            colour,
            ground,
            ground_end,
            ground_direction: random.gen_range(0.0..TAU),
        }
    }
}

/// The generated world of shapes: circle, square, triangle, star, cross, ring.
#[derive(Debug, Clone)]
pub struct Shapes {
    size: Size,
    factors: Vec<Factors>,
}

impl Shapes {
    /// A data set of `count` images of any size with three channels. A fifth of each class is the test part, a tenth
    /// of what that leaves the validation part. Nothing but the factors is kept in memory.
    ///
    /// ```
    /// use selfsame::{data::Shapes, shape::Image};
    /// let shapes = Shapes::generate::<Image<3, 24, 24>>(600, 7)?;
    /// assert_eq!(shapes.classes(), ["circle", "square", "triangle", "star", "cross", "ring"]);
    /// # Ok::<(), selfsame::Error>(())
    /// ```
    ///
    /// # Errors
    /// A `P` without exactly three channels; a `count` of zero or of more than 2^32 - 1.
    pub fn generate<P: Picture>(count: usize, seed: u64) -> Result<Dataset<P>> {
        let size = Size::of::<P>();
        if size.channels != 3 {
            return Err(Error::shape("shapes", "3 channels", size.channels));
        }
        if count == 0 || u32::try_from(count).is_err() {
            let expected = format!("1 to {}", u32::MAX);
            return Err(Error::setting("count", count, expected, "Ask for fewer or more images."));
        }
        let factors = Shapes::factors(count, seed);
        let labels: Vec<u32> = factors.iter().map(|f| f.class).collect();
        let split = Split::stratified(&labels, 0.1, 0.2, SPLIT_SEED);
        let classes = KINDS.map(String::from).to_vec();
        Dataset::new("shapes", classes, labels, Shapes { size, factors }, split)
    }

    /// What the images of [`Shapes::generate`] with the same arguments were made from, in the order of
    /// [`Part::index`](super::Part::index).
    pub fn factors(count: usize, seed: u64) -> Vec<Factors> {
        (0..count as u64).map(|index| Factors::draw(seed, index)).collect()
    }
}

impl Source for Shapes {
    fn size(&self) -> Size {
        self.size
    }
    fn len(&self) -> usize {
        self.factors.len()
    }
    fn read(&self, index: usize, out: &mut [u8]) -> Result<()> {
        check_read(self, index, out)?;
        draw(&self.factors[index], self.size, out);
        Ok(())
    }
    fn bytes_in_memory(&self) -> usize {
        self.factors.len() * std::mem::size_of::<Factors>()
    }
}

/// Draws one image channel by channel.
fn draw(factors: &Factors, size: Size, out: &mut [u8]) {
    let (width, height) = (size.width as f32, size.height as f32);
    let (down, right) = factors.ground_direction.sin_cos();
    let plane = size.height * size.width;
    for row in 0..size.height {
        for column in 0..size.width {
            let cover = coverage(factors, width, height, column as f32, row as f32);
            let (x, y) = ((column as f32 + 0.5) / width - 0.5, (row as f32 + 0.5) / height - 0.5);
            let along = (x * right + y * down + 0.5).clamp(0.0, 1.0);
            for channel in 0..3 {
                let ground = factors.ground[channel] * (1.0 - along) + factors.ground_end[channel] * along;
                let value = factors.colour[channel] * cover + ground * (1.0 - cover);
                out[channel * plane + row * size.width + column] = (value * 255.0).round() as u8;
            }
        }
    }
}

/// How much of the pixel the shape covers, 0..1.
fn coverage(factors: &Factors, width: f32, height: f32, column: f32, row: f32) -> f32 {
    let radius = factors.radius * width.min(height);
    let (left, top) = (column - factors.x * width, row - factors.y * height);
    // Most pixels are farther from the middle than the radius and half a pixel's diagonal; they need no samples.
    if (left + 0.5).powi(2) + (top + 0.5).powi(2) > (radius + 0.75).powi(2) {
        return 0.0;
    }
    let (sin, cos) = factors.rotation.sin_cos();
    let at = |i: usize| (i as f32 + 0.5) / SUPERSAMPLING as f32;
    let samples = SUPERSAMPLING * SUPERSAMPLING;
    let hits = (0..samples)
        .filter(|i| {
            let (x, y) = (left + at(i % SUPERSAMPLING), top + at(i / SUPERSAMPLING));
            let (u, v) = ((cos * x + sin * y) / radius, (cos * y - sin * x) / radius);
            u * u + v * v <= 1.0 && covers(factors.class, u, v)
        })
        .count();
    hits as f32 / samples as f32
}

/// Whether the shape of this class, inside the unit circle, covers the point. The sizes are chosen so that the areas
/// are about alike (1.3 to 2.0).
fn covers(class: u32, u: f32, v: f32) -> bool {
    let distance = (u * u + v * v).sqrt();
    // Distance from a corner's direction, for shapes of `n` equal corners.
    let from_corner = |n: f32| {
        let within = v.atan2(u).rem_euclid(TAU / n);
        within.min(TAU / n - within)
    };
    match class {
        0 => distance <= 0.78,
        1 => u.abs().max(v.abs()) <= 0.7,
        2 => distance * (PI / 3.0 - from_corner(3.0)).cos() <= (PI / 3.0).cos(),
        3 => {
            // Left of the edge from an outer corner (1, 0) to the inner corner at a tenth of the circle.
            let (sin, cos) = from_corner(5.0).sin_cos();
            let (y, x) = (distance * sin, distance * cos);
            let (inner_y, inner_x) = (0.5 * (PI / 5.0).sin(), 0.5 * (PI / 5.0).cos());
            (inner_x - 1.0) * y - inner_y * (x - 1.0) >= 0.0
        }
        4 => u.abs().min(v.abs()) <= 0.28 && u.abs().max(v.abs()) <= 0.95,
        _ => (0.5..=0.9).contains(&distance),
    }
}

/// Hue (any number; 1 is a full circle), saturation and value in 0..1, as red, green and blue in 0..1 (Smith 1978).
fn hsv(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    [5.0, 3.0, 1.0].map(|offset: f32| {
        let k = (offset + hue * 6.0).rem_euclid(6.0);
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::shape::Image;

    const LEN: usize = 3 * 32 * 32;

    fn world(count: usize, seed: u64) -> Dataset<Image<3, 32, 32>> {
        Shapes::generate(count, seed).unwrap()
    }

    fn image(data: &Dataset<Image<3, 32, 32>>, index: usize) -> Vec<u8> {
        let mut out = vec![0; LEN];
        data.source().read(index, &mut out).unwrap();
        out
    }

    #[test]
    fn an_image_depends_on_seed_and_index_alone() {
        let (short, long, other) = (world(10, 7), world(100, 7), world(10, 8));
        assert_eq!(image(&short, 9), image(&long, 9));
        assert_ne!(image(&short, 9), image(&other, 9));
        assert_ne!(image(&short, 8), image(&short, 9));
    }

    #[test]
    fn each_class_covers_its_area() {
        let area = |class| {
            let n = 400;
            let hits = (0..n * n)
                .filter(|i| {
                    let at = |i: usize| (i as f32 + 0.5) / n as f32 * 2.0 - 1.0;
                    let (u, v) = (at(i % n), at(i / n));
                    u * u + v * v <= 1.0 && covers(class, u, v)
                })
                .count();
            hits as f32 * 4.0 / (n * n) as f32
        };
        // Closed forms: disc, square, equilateral triangle, star (10 triangles), two crossing bars, ring.
        let expected = [
            PI * 0.78 * 0.78,
            1.4 * 1.4,
            0.75 * 3f32.sqrt(),
            5.0 * 0.5 * (PI / 5.0).sin(),
            2.0 * 1.9 * 0.56 - 0.56 * 0.56,
            PI * (0.81 - 0.25),
        ];
        for (class, expected) in expected.into_iter().enumerate() {
            let found = area(class as u32);
            assert!((found - expected).abs() < 0.01, "{}: {found}, not {expected}", KINDS[class]);
        }
    }

    #[test]
    fn the_shape_has_its_colour_where_its_factors_say() {
        let data = world(300, 1);
        let factors = Shapes::factors(300, 1);
        let mut checked = 0;
        for (i, f) in factors.iter().enumerate().filter(|(_, f)| f.class != 5) {
            let image = image(&data, i);
            let middle = (f.y * 32.0) as usize * 32 + (f.x * 32.0) as usize;
            for channel in 0..3 {
                let found = f32::from(image[channel * 1024 + middle]) / 255.0;
                assert!((found - f.colour[channel]).abs() < 0.01, "image {i}");
            }
            checked += 1;
        }
        assert!(checked > 200);
    }

    #[test]
    fn skipping_far_pixels_changes_nothing() {
        // A tiny image has the largest pixels; the shape's whole area must still be drawn.
        for (class, area) in [(0, PI * 0.78 * 0.78), (1, 1.96)] {
            let mut mean = 0.0;
            let mut of_class: Vec<Factors> = Shapes::factors(2000, 5);
            of_class.retain(|f| f.class == class);
            for f in &of_class {
                let cover = (0..64).map(|i| coverage(f, 8.0, 8.0, (i % 8) as f32, (i / 8) as f32));
                mean += cover.sum::<f32>() / (f.radius * 8.0).powi(2) / of_class.len() as f32;
            }
            assert!((mean - area).abs() < 0.02, "{}: {mean}, not {area}", KINDS[class as usize]);
        }
    }

    #[test]
    fn classes_are_about_equally_many_and_say_nothing_about_colour_or_place() {
        let factors = Shapes::factors(6000, 3);
        for class in 0..6 {
            let of: Vec<&Factors> = factors.iter().filter(|f| f.class == class).collect();
            assert!((900..1100).contains(&of.len()));
            let mean = |get: fn(&Factors) -> f32| of.iter().map(|f| get(f)).sum::<f32>() / of.len() as f32;
            assert!((mean(|f| f.x) - 0.5).abs() < 0.02);
            assert!((mean(|f| f.radius) - 0.275).abs() < 0.01);
            let all = |get: fn(&Factors) -> f32| factors.iter().map(get).sum::<f32>() / 6000.0;
            assert!((mean(|f| f.colour[0]) - all(|f| f.colour[0])).abs() < 0.05);
        }
    }

    #[test]
    fn colours_are_what_hsv_says() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]);
        assert_eq!(hsv(0.5, 1.0, 0.5), [0.0, 0.5, 0.5]);
        assert_eq!(hsv(1.25, 0.0, 0.25), [0.25; 3]);
    }

    #[test]
    fn other_channels_and_empty_worlds_are_refused() {
        let grey = Shapes::generate::<Image<1, 8, 8>>(10, 0).map(|_| ()).unwrap_err();
        assert_eq!(grey.to_string(), "shapes: expected 3 channels, found 1");
        assert!(Shapes::generate::<Image<3, 8, 8>>(0, 0).is_err());
        assert!(Shapes::generate::<Image<3, 1, 7>>(1, 0).is_ok());
    }
}
