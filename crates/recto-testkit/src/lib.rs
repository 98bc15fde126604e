//! What tests of every crate share: images whose pixels say where they are, files written by hand, seeded chance, folders
//! of images, and the way to real data where it is present.
//!
//! Nothing here reads an image: what a test checks must not come from the code under test.

#![forbid(unsafe_code)]

pub mod bmp;
pub mod card;
mod data;
pub mod edges;
mod library;
pub mod linearized;
pub mod position;
pub mod rare;
mod rng;
pub mod store;
pub mod tiff;
pub mod viewers;

pub use data::{data_dir, files_below, without_program};
pub use library::TempLibrary;
pub use rng::Rng;
