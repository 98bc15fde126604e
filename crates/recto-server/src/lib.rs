//! recto-server.

pub mod pages;
