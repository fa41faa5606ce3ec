//! Every kind of value on one page, and as text. Set `SELFSAME_GALLERY` to a folder to keep them and look at them.

#![allow(clippy::unwrap_used)]

use dfdx::prelude::*;

use super::*;
use crate::augment::{presets, Normalise};
use crate::data::Digits;
use crate::diagnose::{Alarm, Geometry};
use crate::eval::pixels;
use crate::nn::{ConvNet, Encoder};
use crate::plot::report_sample::{history, report};
use crate::random::stream;
use crate::shape::{Image, Size};

fn tensors() -> Vec<(&'static str, Content)> {
    let dev = Cpu::seed_from_u64(1);
    let wide: Tensor<(usize, Const<128>), f32, _> = dev.sample_normal_like(&(64, Const));
    let small: Tensor<Rank2<6, 6>, f32, _> = dev.sample_normal();
    let images: Tensor<(usize, Const<1>, Const<8>, Const<8>), f32, _> =
        dev.sample_uniform_like(&(20, Const, Const, Const));
    let stack: Tensor<Rank3<4, 3, 5>, f64, _> = dev.sample_normal();
    let one: Tensor<Rank0, f32, _> = dev.tensor(4.2);
    vec![
        ("tensor", ShowTensor::content(&wide)),
        ("small tensor", ShowTensor::content(&(small.leaky_traced() * 2.0))),
        ("images", ShowTensor::content(&images)),
        ("stack", ShowTensor::content(&stack)),
        ("number", ShowTensor::content(&one)),
    ]
}

fn contents() -> Vec<(&'static str, Content)> {
    let digits = Digits::load().unwrap();
    let test = digits.test();
    let normalise = Normalise::of(&digits.train(), 100).unwrap();
    let views = presets::glyphs(Size::of::<Image<1, 8, 8>>()).normalise(&normalise);
    let encoder = ConvNet::<Image<1, 8, 8>, 32, 3, Cpu>::new(&Cpu::default(), &mut stream(&[0])).unwrap();
    let raw = pixels(&test).unwrap();
    let alarm = Alarm {
        kind: "dimensional-collapse".into(),
        epoch: 3,
        seen: "RankMe 2.1 of 64".into(),
        means: "The embeddings use only two directions.".into(),
        try_this: "--temperature 0.2".into(),
    };
    let bad = crate::train::Report { alarms: vec![alarm.clone()], ..report() };
    let tone = (0..8000).map(|i| (i as f32 * 0.3).sin() * (-(i as f32) / 2000.0).exp()).collect();
    let more = [
        ("report", report().content()),
        ("report with an alarm", bad.content()),
        ("history", history().content()),
        ("scores", report().scores.content()),
        ("baselines", report().baselines.content()),
        ("geometry", Geometry::measure(raw.values(), raw.len(), raw.width(), None).unwrap().content()),
        ("alarm", alarm.content()),
        ("data set", digits.content()),
        ("part", test.content()),
        ("views", views.content()),
        ("pictures of views", views.pictures(&digits.train(), 0).unwrap().content()),
        ("model", encoder.content()),
        ("embeddings", raw.content()),
        ("scatter with images", digits.scatter(&raw, &test).unwrap().content()),
        ("audio", Audio::new(tone, 8000).unwrap().content()),
        ("texts", TextSamples::new([("sports", "2 < 3 & \"won\""), ("news", "line\nline")]).content()),
    ];
    tensors().into_iter().chain(more).collect()
}

#[test]
fn every_kind_of_value_has_text_and_harmless_html() {
    let mut page = String::from("<!DOCTYPE html><meta charset=\"utf-8\"><style>body{font:14px sans-serif;max-width:900px}td,th{padding:3px 8px}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}</style>\n");
    let mut text = String::new();
    for (name, content) in contents() {
        assert!(!content.text().trim().is_empty(), "{name}");
        assert!(!content.text().contains('\u{1b}'), "{name} has escape codes");
        let html = content.html().unwrap_or_default();
        for harmful in ["<script", "javascript:", "src=\"http", "<style", "@import"] {
            assert!(!html.contains(harmful), "{name} has {harmful}");
        }
        for tag in ["div", "table", "p", "details", "svg", "g", "tr"] {
            let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
            let opened =
                html.matches(&format!("{open}>")).count() + html.matches(&format!("{open} ")).count();
            assert_eq!(opened, html.matches(&close).count(), "{name}: {tag}");
        }
        let shown = match (content.html(), content.figure()) {
            (Some(html), _) => html.to_string(),
            (None, Some(figure)) => figure.svg().to_string(),
            (None, None) => format!("<pre>{}</pre>", crate::plot::escaped(content.text())),
        };
        page += &format!("<h2>{name}</h2>\n{shown}\n");
        text += &format!("== {name}\n{}\n\n", content.text());
    }
    if let Some(folder) = std::env::var_os("SELFSAME_GALLERY").map(std::path::PathBuf::from) {
        std::fs::write(folder.join("values.html"), page).unwrap();
        std::fs::write(folder.join("values.txt"), text).unwrap();
    }
}
