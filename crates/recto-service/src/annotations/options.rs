//! The options of annotations.

use recto_config::ByteSize;
use recto_iiif::annotation::AcceptOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What people may write about objects.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AnnotationOptions {
    /// Most bytes of one annotation.
    pub max_size: ByteSize,
    /// Most annotations of one container.
    pub max_per_container: u64,
    /// Most annotations that are sent at once.
    pub max_batch: usize,
    /// Most annotations that the document of one canvas shows.
    pub max_per_canvas: u64,
    /// Annotations on a page of a container.
    pub page_size: u32,
    /// Motivations that are taken, such as `commenting`; empty for all that are known.
    pub motivations: Vec<String>,
    /// Refuse changes that do not say by `If-Match` which version they change.
    pub require_if_match: bool,
}

impl Default for AnnotationOptions {
    fn default() -> Self {
        Self {
            max_size: ByteSize::kib(256),
            max_per_container: 100_000,
            max_batch: 10_000,
            max_per_canvas: 20_000,
            page_size: 100,
            motivations: Vec::new(),
            require_if_match: false,
        }
    }
}

impl AnnotationOptions {
    pub(super) fn accepted(&self) -> AcceptOptions {
        let mut accepted = AcceptOptions { max_bytes: self.max_size.bytes() as usize, ..AcceptOptions::default() };
        if !self.motivations.is_empty() {
            accepted.motivations.clone_from(&self.motivations);
        }
        accepted
    }
}
