use super::greyscale::LUMA;
use super::{checks, draw, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Changes brightness, contrast, saturation and hue by random amounts, in random order.
///
/// A factor is uniform in `1 - amount ..= 1 + amount`, cut at 0. Brightness scales towards black, contrast towards the
/// picture's mean brightness, saturation towards grey; hue is turned in HSV. Values are cut to 0..1 after each. Pictures
/// without three channels have no colour: for them saturation and hue do nothing, and contrast takes the mean of all
/// values.
///
/// PyTorch equivalent: `torchvision.transforms.RandomApply([ColorJitter(brightness, contrast, saturation, hue)], p)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorJitter {
    /// Largest change of the brightness factor. Default 0.4.
    pub brightness: f64,
    /// Largest change of the contrast factor. Default 0.4.
    pub contrast: f64,
    /// Largest change of the saturation factor. Default 0.4.
    pub saturation: f64,
    /// Largest turn of the hue, in full circles, at most 0.5. Default 0.1.
    pub hue: f64,
    /// Probability of changing anything. Default 0.8.
    pub p: f64,
}

impl Default for ColorJitter {
    /// SimCLR's at strength 0.5, its choice for CIFAR-10.
    fn default() -> Self {
        ColorJitter::simclr(0.5)
    }
}

impl ColorJitter {
    /// SimCLR's jitter: 0.8, 0.8, 0.8 and 0.2 times `strength`, with probability 0.8. Strength 1 is its choice for
    /// ImageNet, 0.5 for CIFAR-10 (<https://arxiv.org/abs/2002.05709>, appendices A and B.9).
    pub fn simclr(strength: f64) -> Self {
        let [colour, hue] = [0.8 * strength, 0.2 * strength];
        ColorJitter { brightness: colour, contrast: colour, saturation: colour, hue, p: 0.8 }
    }
}

impl Transform for ColorJitter {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        let acts = draw::chance(rng, self.p);
        let mut order = [0, 1, 2, 3];
        for i in (1..4).rev() {
            order.swap(i, draw::below(rng, i + 1));
        }
        let mut factor = |amount: f64| draw::uniform(rng, ((1.0 - amount).max(0.0), 1.0 + amount)) as f32;
        let factors = [factor(self.brightness), factor(self.contrast), factor(self.saturation)];
        let turn = draw::uniform(rng, (-self.hue, self.hue)) as f32;
        if !acts {
            return;
        }
        for change in order {
            match change {
                0 => brightness(canvas, factors[0]),
                1 => contrast(canvas, factors[1]),
                2 => saturation(canvas, factors[2]),
                _ => hue(canvas, turn),
            }
        }
    }

    fn validate(&self) -> Result<(), Error> {
        let remedy = "0 leaves it unchanged, 0.4 is usual.";
        checks::within("ColorJitter.brightness", self.brightness, 0.0, 10.0, remedy)?;
        checks::within("ColorJitter.contrast", self.contrast, 0.0, 10.0, remedy)?;
        checks::within("ColorJitter.saturation", self.saturation, 0.0, 10.0, remedy)?;
        checks::within("ColorJitter.hue", self.hue, 0.0, 0.5, "0 leaves it unchanged, 0.1 is usual.")?;
        checks::probability("ColorJitter.p", self.p)
    }
}

fn brightness(canvas: &mut Canvas, factor: f32) {
    for v in canvas.pixels_mut() {
        *v = (*v * factor).min(1.0);
    }
}

fn contrast(canvas: &mut Canvas, factor: f32) {
    let mean = match canvas.rgb_mut() {
        Some([red, green, blue]) => LUMA[0] * mean(red) + LUMA[1] * mean(green) + LUMA[2] * mean(blue),
        None => mean(canvas.pixels()),
    };
    let rest = (1.0 - factor) * mean;
    for v in canvas.pixels_mut() {
        *v = (*v * factor + rest).clamp(0.0, 1.0);
    }
}

fn saturation(canvas: &mut Canvas, factor: f32) {
    let Some([red, green, blue]) = canvas.rgb_mut() else { return };
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let rest = (1.0 - factor) * (LUMA[0] * *r + LUMA[1] * *g + LUMA[2] * *b);
        *r = (*r * factor + rest).clamp(0.0, 1.0);
        *g = (*g * factor + rest).clamp(0.0, 1.0);
        *b = (*b * factor + rest).clamp(0.0, 1.0);
    }
}

/// Turns the hue by `turns` full circles, at most one either way.
///
/// To HSV and back without leaving the sixths of the colour circle: with H in sixths, V the largest channel and C the
/// difference between the largest and the smallest, channel n of red 5, green 3, blue 1 is V - C * clamp(min(k, 4 - k)),
/// where k = (n + H) mod 6. No branches, so the compiler can treat several pixels at once.
fn hue(canvas: &mut Canvas, turns: f32) {
    let Some([red, green, blue]) = canvas.rgb_mut() else { return };
    if turns == 0.0 {
        return;
    }
    let shift = 6.0 * if turns < 0.0 { turns + 1.0 } else { turns };
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let most = larger(larger(*r, *g), *b);
        let least = -larger(larger(-*r, -*g), -*b);
        let chroma = most - least;
        // Grey has no hue; any will do, since its chroma is 0.
        let scale = 1.0 / larger(chroma, 1e-12);
        let from_red = (*g - *b) * scale;
        let from_green = 2.0 + (*b - *r) * scale;
        let from_blue = 4.0 + (*r - *g) * scale;
        let sixths = if most == *g { from_green } else { from_blue };
        let sixths = if most == *r { from_red } else { sixths } + shift;
        // From -1..11 to 0..6.
        let sixths = if sixths < 0.0 { sixths + 6.0 } else { sixths };
        let sixths = if sixths >= 6.0 { sixths - 6.0 } else { sixths };
        let channel = |n: f32| {
            let k = n + sixths;
            let k = if k >= 6.0 { k - 6.0 } else { k };
            let slope = if k < 4.0 - k { k } else { 4.0 - k };
            most - chroma * slope.clamp(0.0, 1.0)
        };
        (*r, *g, *b) = (channel(5.0), channel(3.0), channel(1.0));
    }
}

/// The larger of two numbers that are not NaN: `f32::max` minds NaN, and pays for it in vector code.
fn larger(a: f32, b: f32) -> f32 {
    if a > b {
        a
    } else {
        b
    }
}

/// The mean, summed in eight lanes so that one addition does not wait for the last.
fn mean(values: &[f32]) -> f32 {
    let chunks = values.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    let mut lanes = [0.0; 8];
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += v;
        }
    }
    (lanes.iter().sum::<f32>() + rest) / values.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;
    use crate::shape::Size;

    const OFF: ColorJitter =
        ColorJitter { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, p: 1.0 };

    fn changed(canvas: Canvas, change: impl Fn(&mut Canvas)) -> Vec<f32> {
        let mut canvas = canvas;
        change(&mut canvas);
        canvas.pixels().to_vec()
    }

    #[test]
    fn brightness_scales_and_cuts() {
        let after = changed(grey([[0.1, 0.4, 0.8]]), |c| brightness(c, 1.5));
        assert_close(&after, &[0.15, 0.6, 1.0], 1e-6);
    }

    #[test]
    fn contrast_scales_about_the_mean_brightness() {
        let after = changed(grey([[0.2, 0.4, 0.6, 0.8]]), |c| contrast(c, 0.5));
        assert_close(&after, &[0.35, 0.45, 0.55, 0.65], 1e-6);
        // Red 1 and green 0 in one pixel: mean brightness 0.299.
        let after = changed(pixel([1.0, 0.0, 0.0]), |c| contrast(c, 0.0));
        assert_close(&after, &[0.299; 3], 1e-6);
        let after = changed(grey([[0.0, 1.0]]), |c| contrast(c, 3.0));
        assert_close(&after, &[0.0, 1.0], 0.0);
    }

    #[test]
    fn saturation_scales_about_grey() {
        let after = changed(pixel([0.5, 0.3, 0.1]), |c| saturation(c, 0.5));
        let grey = 0.299 * 0.5 + 0.587 * 0.3 + 0.114 * 0.1;
        assert_close(&after, &[0.25, 0.15, 0.05].map(|v| v + grey / 2.0), 1e-6);
        assert_close(&changed(pixel([0.5, 0.3, 0.1]), |c| saturation(c, 0.0)), &[grey; 3], 1e-6);
    }

    // Made with Python's colorsys: h, s, v = rgb_to_hsv(*rgb); hsv_to_rgb((h + turns) % 1, s, v).
    const TURNED: [([f32; 3], f32, [f32; 3]); 18] = [
        ([0.2, 0.5, 0.9], 0.1, [0.32, 0.2, 0.9]),
        ([0.2, 0.5, 0.9], -0.25, [0.2, 0.9, 0.25]),
        ([0.2, 0.5, 0.9], 0.5, [0.9, 0.6, 0.2]),
        ([0.9, 0.1, 0.3], 0.1, [0.9, 0.38, 0.1]),
        ([0.9, 0.1, 0.3], -0.25, [0.3, 0.1, 0.9]),
        ([0.9, 0.1, 0.3], 0.5, [0.1, 0.9, 0.7]),
        ([0.4, 0.8, 0.1], 0.1, [0.1, 0.8, 0.22]),
        ([0.4, 0.8, 0.1], -0.25, [0.8, 0.15, 0.1]),
        ([0.4, 0.8, 0.1], 0.5, [0.5, 0.1, 0.8]),
        ([1.0, 0.0, 0.0], 0.1, [1.0, 0.6, 0.0]),
        ([1.0, 0.0, 0.0], -0.25, [0.5, 0.0, 1.0]),
        ([1.0, 0.0, 0.0], 0.5, [0.0, 1.0, 1.0]),
        ([0.6, 0.6, 0.2], 0.1, [0.36, 0.6, 0.2]),
        ([0.6, 0.6, 0.2], -0.25, [0.6, 0.2, 0.4]),
        ([0.6, 0.6, 0.2], 0.5, [0.2, 0.2, 0.6]),
        ([0.3, 0.3, 0.3], 0.1, [0.3, 0.3, 0.3]),
        ([0.3, 0.3, 0.3], -0.25, [0.3, 0.3, 0.3]),
        ([0.3, 0.3, 0.3], 0.5, [0.3, 0.3, 0.3]),
    ];

    #[test]
    fn hue_matches_colorsys() {
        for (rgb, turns, expected) in TURNED {
            assert_close(&changed(pixel(rgb), |c| hue(c, turns)), &expected, 2e-6);
        }
    }

    #[test]
    fn a_full_circle_is_no_turn() {
        let size = Size { channels: 3, height: 7, width: 5 };
        let before = speckled(size);
        for turns in [0.0, 1.0, -1.0] {
            assert_close(&changed(before.clone(), |c| hue(c, turns)), before.pixels(), 2e-6);
        }
        let thirds = changed(before.clone(), |c| (0..3).for_each(|_| hue(c, 1.0 / 3.0)));
        assert_close(&thirds, before.pixels(), 4e-6);
    }

    #[test]
    fn amounts_of_zero_change_nothing() {
        for size in odd_sizes() {
            let before = speckled(size);
            assert_eq!(applied(&OFF, &before, 1).pixels(), before.pixels());
        }
    }

    #[test]
    fn grey_pictures_ignore_saturation_and_hue() {
        let before = speckled(Size { channels: 1, height: 7, width: 5 });
        let colour = ColorJitter { saturation: 0.9, hue: 0.5, ..OFF };
        assert_eq!(applied(&colour, &before, 1).pixels(), before.pixels());
    }

    #[test]
    fn factors_cover_their_range() {
        let before = grey([[0.5]]);
        let jitter = ColorJitter { brightness: 0.4, ..OFF };
        let factors: Vec<f32> =
            (0..2000).map(|seed| applied(&jitter, &before, seed).pixels()[0] / 0.5).collect();
        let (low, high) = factors.iter().fold((9.0f32, 0.0f32), |(l, h), f| (l.min(*f), h.max(*f)));
        assert!((0.6..0.605).contains(&low) && (1.395..=1.4).contains(&high), "{low} to {high}");
        let mean = factors.iter().sum::<f32>() / 2000.0;
        // Five standard errors of a uniform of width 0.8.
        assert!((mean - 1.0).abs() < 0.026, "{mean}");
    }

    #[test]
    fn both_orders_come_up() {
        // Cutting at white before or after the contrast gives different greys.
        let before = grey([[0.2, 1.0]]);
        let jitter = ColorJitter { brightness: 1.0, contrast: 1.0, ..OFF };
        let (mut brightness_first, mut contrast_first) = (0, 0);
        for seed in 0..200 {
            let found = applied(&jitter, &before, seed).pixels()[0];
            // What `apply` draws: whether, three swaps, then the factors.
            let mut rng = crate::random::stream(&[seed]);
            let [_, _, _, _, b, c] = [(); 6].map(|()| draw::uniform(&mut rng, (0.0, 2.0)) as f32);
            let one = changed(before.clone(), |canvas| {
                brightness(canvas, b);
                contrast(canvas, c);
            })[0];
            let other = changed(before.clone(), |canvas| {
                contrast(canvas, c);
                brightness(canvas, b);
            })[0];
            let (from_one, from_other) = ((found - one).abs(), (found - other).abs());
            assert!(from_one.min(from_other) < 1e-5, "neither order gives {found}: {one}, {other}");
            brightness_first += usize::from(from_one + 1e-4 < from_other);
            contrast_first += usize::from(from_other + 1e-4 < from_one);
        }
        assert!(brightness_first > 20 && contrast_first > 20, "{brightness_first}, {contrast_first} of 200");
    }

    #[test]
    fn is_well_behaved() {
        let strong = ColorJitter { brightness: 2.0, contrast: 2.0, saturation: 2.0, hue: 0.5, p: 1.0 };
        assert_well_behaved(&strong, &ColorJitter { p: 0.0, ..strong });
    }

    #[test]
    fn the_mean_of_any_length() {
        for n in [1, 7, 8, 9, 100] {
            let values: Vec<f32> = (0..n).map(|v| v as f32).collect();
            assert_eq!(mean(&values), (n - 1) as f32 / 2.0);
        }
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let message =
            |jitter: ColorJitter| jitter.validate().err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(message(ColorJitter::default()), "");
        assert!(message(ColorJitter { brightness: -1.0, ..OFF }).contains("ColorJitter.brightness is -1"));
        assert!(message(ColorJitter { contrast: f64::NAN, ..OFF }).contains("ColorJitter.contrast is NaN"));
        assert!(message(ColorJitter { saturation: 11.0, ..OFF }).contains("from 0 to 10"));
        assert!(message(ColorJitter { hue: 0.6, ..OFF })
            .contains("ColorJitter.hue is 0.6. Expected a number from 0 to 0.5"));
        assert!(message(ColorJitter { p: -0.5, ..OFF }).contains("ColorJitter.p"));
    }
}
