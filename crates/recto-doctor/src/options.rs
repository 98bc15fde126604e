//! How much is asked of the other side, and who is told of it.

use std::time::Duration;

/// Bounds of an examination.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most requests in all.
    pub most_requests: u32,
    /// Most time in all.
    pub most_time: Duration,
    /// Most time for one request.
    pub timeout: Duration,
    /// Most bytes that are read of one answer.
    pub most_body_bytes: usize,
    /// Most redirects that are followed from one request.
    pub most_redirects: u32,
    /// Pause before each request.
    pub delay: Duration,
    /// What the requests call themselves.
    pub user_agent: String,
    /// How many of the resources that a document refers to are asked for.
    pub sample: usize,
    /// How many tiles are asked for to measure the speed.
    pub timed_tiles: usize,
    /// From which time on an image information counts as slow; a document may take six times as long.
    pub slow_json: Duration,
    /// From which time on a tile or a thumbnail counts as slow.
    pub slow_image: Duration,
    /// The checks to run, by their names; all when empty. The level that is reached is that of the features which these try.
    pub only: Vec<String>,
    /// Certificates, in PEM, of the authorities that are trusted instead of the public ones.
    pub trusted: Option<Vec<u8>>,
    /// The `Origin` that requests name, as a viewer on another site does.
    pub origin: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            most_requests: 300,
            most_time: Duration::from_mins(3),
            timeout: Duration::from_secs(20),
            most_body_bytes: 64 << 20,
            most_redirects: 5,
            delay: Duration::ZERO,
            user_agent: concat!("recto-doctor/", env!("CARGO_PKG_VERSION")).to_owned(),
            sample: 12,
            timed_tiles: 12,
            slow_json: Duration::from_millis(500),
            slow_image: Duration::from_secs(1),
            only: Vec::new(),
            trusted: None,
            origin: "https://viewer.example".to_owned(),
        }
    }
}

/// Who is told how an examination goes on.
pub trait Progress {
    /// A check begins.
    fn check(&mut self, title: &str);
    /// A request is sent.
    fn request(&mut self, method: &str, url: &str);
}

impl Progress for () {
    fn check(&mut self, _: &str) {}
    fn request(&mut self, _: &str, _: &str) {}
}
