//! Views as the papers make them, for pictures of any size.
//!
//! Normalisation is the identity; [`Views::normalise`] sets it. Blur is left out below 64 pixels, as SimCLR does for
//! CIFAR-10: small pictures have no detail to spare.

use super::{
    Border, ColorJitter, GaussianBlur, Greyscale, HorizontalFlip, Noise, RandomResizedCrop, Rotation,
    Solarise, Translate, View, Views,
};
use crate::shape::Size;

/// Sides, in pixels, from which on pictures are blurred.
const BLURRED_FROM: usize = 64;

/// SimCLR's two views: crop of 20 to 100 % of the area, flip, colour jitter, greyscale, blur.
///
/// Below 64 pixels the jitter has strength 0.5 and nothing is blurred (the paper's CIFAR-10 recipe), from there on
/// the strength is 1. Source: <https://arxiv.org/abs/2002.05709>, appendices A and B.9, but for the smallest crop:
/// 0.08 there, here 0.2 as in MoCo v2 (<https://arxiv.org/abs/2003.04297>), since 8 % of a small picture is a
/// handful of pixels.
pub fn simclr(size: Size) -> Views {
    Views::two(simclr_of(size, (0.2, 1.0)))
}

/// A local crop to go with [`simclr`]'s views: 5 to 40 % of the area as in DINO, from 64 pixels on; 15 to 50 %
/// below, where less is a handful of pixels. Everything else is as there.
pub fn local_simclr(size: Size) -> View {
    simclr_of(size, if blurred(size) { (0.05, 0.4) } else { (0.15, 0.5) })
}

fn simclr_of(size: Size, scale: (f64, f64)) -> View {
    let strength = if blurred(size) { 1.0 } else { 0.5 };
    let view = View::new(size)
        .then(RandomResizedCrop { scale, ..RandomResizedCrop::to(size.height, size.width) })
        .then(HorizontalFlip::default())
        .then(ColorJitter::simclr(strength))
        .then(Greyscale::default());
    with_blur(view, 0.5)
}

/// BYOL's first view, always blurred (from 64 pixels on). Source: <https://arxiv.org/abs/2006.07733>, appendix B.
pub fn byol_a(size: Size) -> View {
    with_blur(byol_colours(size, (0.08, 1.0)), 1.0)
}

/// BYOL's second view: rarely blurred, sometimes solarised. Source: as [`byol_a`].
pub fn byol_b(size: Size) -> View {
    with_blur(byol_colours(size, (0.08, 1.0)), 0.1).then(Solarise::default())
}

/// BYOL's two views, [`byol_a`] and [`byol_b`]; also those of Barlow Twins, VICReg and MoCo v3.
pub fn byol(size: Size) -> Views {
    Views::two_different(byol_a(size), byol_b(size))
}

/// DINO's crops: two of `size` from 40 to 100 % of the area, made as BYOL's views, and eight of size `local` from 5
/// to 40 %. Other numbers: [`Views::multi_crop`]. Source: <https://arxiv.org/abs/2104.14294>, section 3.1 and its
/// code.
pub fn multi_crop(size: Size, local: Size) -> Views {
    let global = byol_colours(size, (0.4, 1.0));
    let mut views = vec![with_blur(global.clone(), 1.0), with_blur(global, 0.1).then(Solarise::default())];
    views.resize(10, with_blur(byol_colours(local, (0.05, 0.4)), 0.5));
    Views::new(views)
}

/// What BYOL's views have in common, cropped to a share of the area in `scale`.
fn byol_colours(size: Size, scale: (f64, f64)) -> View {
    View::new(size)
        .then(RandomResizedCrop { scale, ..RandomResizedCrop::to(size.height, size.width) })
        .then(HorizontalFlip::default())
        .then(ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, p: 0.8 })
        .then(Greyscale::default())
}

/// Two views of drawn or written signs, light on dark: turned by up to 15 degrees, moved by up to a tenth, cropped
/// to 60 to 100 % of the area, brighter or darker, noisy. Never mirrored: a mirrored digit is not that digit.
pub fn glyphs(size: Size) -> Views {
    Views::two(glyph(size, (0.6, 1.0)))
}

/// A local crop to go with [`glyphs`]: 30 to 60 % of the area, everything else as there. Smaller pieces of different
/// signs are alike.
pub fn local_glyph(size: Size) -> View {
    glyph(size, (0.3, 0.6))
}

fn glyph(size: Size, scale: (f64, f64)) -> View {
    let crop =
        RandomResizedCrop { scale, ratio: (0.8, 1.25), ..RandomResizedCrop::to(size.height, size.width) };
    let light = ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.0, hue: 0.0, p: 0.8 };
    let view = View::new(size)
        .then(Rotation { degrees: 15.0, p: 1.0, border: Border::Black })
        .then(Translate { fraction: 0.1, p: 1.0, border: Border::Black })
        .then(crop)
        .then(light)
        .then(Noise { std: 0.05, p: 0.5 });
    with_blur(view, 0.5)
}

/// Two views that are the picture itself: what a method makes of no augmentation at all.
pub fn identity(size: Size) -> Views {
    Views::two(View::new(size))
}

fn blurred(size: Size) -> bool {
    size.height.min(size.width) >= BLURRED_FROM
}

/// Adds blur with probability `p` where the pictures are large enough for it.
fn with_blur(view: View, p: f64) -> View {
    if blurred(view.size()) {
        view.then(GaussianBlur { p, ..Default::default() })
    } else {
        view
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(size: Size) -> Vec<(&'static str, Views)> {
        let local = Size { height: size.height.div_ceil(2), width: size.width.div_ceil(2), ..size };
        vec![
            ("simclr", simclr(size)),
            ("byol", byol(size)),
            ("multi_crop", multi_crop(size, local)),
            ("glyphs", glyphs(size)),
            ("local", Views::two_different(local_simclr(size), local_glyph(size))),
            ("identity", identity(size)),
        ]
    }

    #[test]
    fn every_preset_renders_every_size_in_range() {
        for (channels, height, width) in
            [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 70, 65), (1, 1, 1), (3, 7, 5), (1, 1, 9)]
        {
            let size = Size { channels, height, width };
            let image: Vec<u8> = (0..size.len()).map(|i| (i * 53 % 256) as u8).collect();
            for (name, views) in all(size) {
                views.validate(size).unwrap();
                for view in 0..views.count() {
                    let mut out = vec![f32::NAN; views.view_size(view).len()];
                    for index in 0..30 {
                        views.render(&image, size, 1, 0, index, view, &mut out).unwrap();
                        let off = out.iter().find(|v| !(-1e-6..=1.0 + 1e-6).contains(*v));
                        assert_eq!(off, None, "{name} of {size}");
                    }
                }
            }
        }
    }

    #[test]
    fn views_differ_except_where_nothing_is_random() {
        let size = Size { channels: 3, height: 16, width: 16 };
        let image: Vec<u8> = (0..size.len()).map(|i| (i * 53 % 256) as u8).collect();
        for (name, views) in all(size) {
            let (mut a, mut b) = (vec![0.0; size.len()], vec![0.0; size.len()]);
            views.render(&image, size, 1, 0, 0, 0, &mut a).unwrap();
            views.render(&image, size, 1, 0, 0, 1, &mut b).unwrap();
            assert_eq!(a == b, name == "identity", "{name}");
        }
    }

    #[test]
    fn presets_say_what_the_papers_say() {
        let small = Size { channels: 3, height: 32, width: 32 };
        let large = Size { channels: 3, height: 96, width: 96 };
        assert!(!simclr(small).describe().contains("Blur"));
        assert!(simclr(large).describe().contains("GaussianBlur { sigma: (0.1, 2.0), p: 0.5 }"));
        assert!(byol_a(large).describe().contains("GaussianBlur { sigma: (0.1, 2.0), p: 1.0 }"));
        assert!(byol_b(large).describe().contains("GaussianBlur { sigma: (0.1, 2.0), p: 0.1 }"));
        assert!(byol_b(small).describe().contains("Solarise { threshold: 0.5, p: 0.2 }"));
        assert!(!glyphs(small).describe().contains("Flip"));
        assert_eq!(multi_crop(large, small).count(), 10);
        assert_eq!(multi_crop(large, small).view_size(9), small);
    }
}
