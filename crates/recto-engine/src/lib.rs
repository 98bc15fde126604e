//! recto-engine.
