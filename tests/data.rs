//! data list, info, fetch.

use std::path::Path;

use crate::program::call;

#[test]
fn list_shows_every_form_and_what_can_be_fetched() {
    let listing = call(Path::new("."), "data list");
    for name in selfsame::presets::DATA.iter().chain(&["fashion-mnist", "fetch"]) {
        assert!(listing.succeeds().contains(name), "no {name} in\n{}", listing.stdout);
    }
}

#[test]
fn info_counts_the_digits() {
    let info = call(Path::new("."), "data info digits");
    for fact in ["1797 images", "1x8x8", "10 classes", "train", "validation", "test"] {
        assert!(info.succeeds().contains(fact), "no '{fact}' in\n{}", info.stdout);
    }
}

#[test]
fn info_counts_a_folder_of_images_and_what_it_skips() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["cat", "dog"] {
        std::fs::create_dir_all(folder.path().join("pets").join(class)).unwrap();
        for i in 0..10 {
            let file = folder.path().join(format!("pets/{class}/{i}.png"));
            image::RgbImage::from_pixel(12, 9, image::Rgb([i * 20, 99, 7])).save(file).unwrap();
        }
    }
    std::fs::write(folder.path().join("pets/cat/notes.txt"), "no image").unwrap();
    let info = call(folder.path(), "data info folder:pets");
    for fact in ["20 images", "2 classes", "cat", "dog", "passed over"] {
        assert!(info.succeeds().contains(fact), "no '{fact}' in\n{}", info.stdout);
    }
}
