//! What was found: a value that is written as JSON, text and HTML.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The specification says "must", or it does not work.
    Error,
    /// The specification says "should", or it works badly.
    Warning,
    /// The specification allows it, but a viewer in use trips over it.
    Viewer,
    /// Good to know.
    Note,
    /// As it is to be.
    Pass,
}

impl Severity {
    /// All, the worst first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warning, Self::Viewer, Self::Note, Self::Pass];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Viewer => "viewer",
            Self::Note => "note",
            Self::Pass => "pass",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name, which stays.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is the matter, in a sentence.
    pub message: String,
    /// What was done: the request.
    pub done: String,
    /// What was seen: status, headers, an excerpt.
    pub seen: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do; empty when nothing is to be done.
    pub remedy: String,
    /// Where the specification says so.
    pub section: &'static str,
}

/// A feature of the Image API, as claimed and as found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeatureResult {
    /// Its name in the specification.
    pub name: &'static str,
    /// The level that requires it; absent when none does.
    pub required_at: Option<u8>,
    /// Whether the service claims it, by its level or by name.
    pub claimed: bool,
    /// Whether it works; absent when it could not be tried.
    pub works: Option<bool>,
}

/// An image service in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageSummary {
    /// Its base URI.
    pub url: String,
    /// Version of the Image API.
    pub version: &'static str,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// The level that it claims.
    pub claimed_level: Option<u8>,
    /// The level all of whose features work; absent when not even level 0 does.
    pub reached_level: Option<u8>,
    /// Feature by feature.
    pub features: Vec<FeatureResult>,
    /// Median time of a tile, in milliseconds.
    pub tile_median_ms: Option<u64>,
    /// Time within which nineteen of twenty tiles came, in milliseconds.
    pub tile_p95_ms: Option<u64>,
}

/// A Manifest or Collection in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentSummary {
    /// Where it is.
    pub url: String,
    /// `Manifest` or `Collection`.
    pub kind: String,
    /// Version of the Presentation API.
    pub version: &'static str,
    /// Its label.
    pub label: String,
    /// How many Canvases, or items of a Collection.
    pub items: usize,
    /// Length in bytes, not compressed.
    pub bytes: usize,
    /// Errors that the rules of the specification found.
    pub validation_errors: usize,
    /// Warnings that they gave.
    pub validation_warnings: usize,
}

/// The result of an examination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The address that was given.
    pub url: String,
    /// The `Server` header, as far as it says anything.
    pub server: Option<String>,
    /// The document, if there is one.
    pub document: Option<DocumentSummary>,
    /// The image service, if there is one.
    pub image: Option<ImageSummary>,
    /// All findings, in the order of the checks.
    pub findings: Vec<Finding>,
    /// How many requests were made.
    pub requests: u32,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl Report {
    /// How many findings are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// The findings of one check.
    pub fn of(&self, check: &str) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.check == check)
    }

    /// The worst that was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).min()
    }
}
