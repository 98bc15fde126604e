//! recto-source.
