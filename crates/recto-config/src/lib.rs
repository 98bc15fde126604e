//! recto-config.
