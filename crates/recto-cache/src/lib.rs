//! recto-cache.
