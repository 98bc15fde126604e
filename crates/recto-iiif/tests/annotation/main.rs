//! Annotations that people make: taken in, made safe, kept, given out, moved.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod accept;
mod dialects;
mod fit;
mod harm;
mod hostile;
mod index;
mod protocol;
mod round_trip;
mod store;
mod transfer;

use recto_iiif::annotation::{AcceptOptions, Annotation, Rejected};
use serde_json::Value;

const CANVAS: &str = "https://example.org/book/canvas/1";

fn accept(value: Value) -> Result<Annotation, Rejected> {
    Annotation::accept(value, &AcceptOptions::default())
}

fn accepted(value: Value) -> Value {
    accept(value).unwrap().into_value()
}

/// `pointer: message; remedy` of each fault.
fn faults(value: Value) -> Vec<String> {
    let rejected = accept(value).unwrap_err();
    rejected.faults.iter().map(ToString::to_string).collect()
}
