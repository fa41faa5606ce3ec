//! Random views of images.
