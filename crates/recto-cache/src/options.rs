//! Options of the caches.

use std::path::PathBuf;

use recto_config::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is kept of what was computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CacheOptions {
    /// Most bytes of finished images in memory; `0` keeps none.
    pub max_memory: ByteSize,
    /// Where finished images are kept across restarts. It must be empty, new, or a cache already, and belong to this
    /// server alone. Without it the server chooses a place in its state directory.
    #[schemars(extend("examples" = ["/var/cache/recto"]))]
    pub directory: Option<PathBuf>,
    /// Most bytes that finished images may take on disk, in whole blocks; what is seldom used goes first. `0` keeps none.
    pub max_disk: ByteSize,
    /// Most files that finished images may be on disk. Each takes about 70 bytes of memory.
    pub max_entries: u64,
    /// Bytes of the disk that stay free for others, whatever `max_disk` allows.
    pub min_free: ByteSize,
    /// What takes less than this to make is put on disk only when it was made a second time: writing and reading a file takes about a
    /// tenth of a millisecond. `0 ms` puts everything there at once. What a remote source has a part in goes there at once, too.
    pub least_effort: Duration,
    /// Most bytes that may wait to be written to disk; what comes while that is full is not kept.
    pub write_queue: ByteSize,
    /// Of how many images the facts (size, levels, colour) are kept in memory.
    pub max_facts: u64,
    /// How long a failure is remembered, so that a damaged file is not read for each of its tiles.
    pub negative: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            max_memory: ByteSize::mib(256),
            directory: None,
            max_disk: ByteSize::gib(10),
            max_entries: 2_000_000,
            min_free: ByteSize::gib(1),
            least_effort: Duration::from_millis(1),
            write_queue: ByteSize::mib(64),
            max_facts: 100_000,
            negative: Duration::from_secs(10),
        }
    }
}
