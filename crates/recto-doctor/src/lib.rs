//! Is an IIIF endpoint well? [`examine`] asks it what a viewer would ask, and what the specifications say it must answer.
//!
//! The URL may be that of an image service, its `info.json`, an image, a Manifest, a Collection, or a page for people that leads
//! to one. Each row of [`CHECKS`] looks at one matter; the [`Report`] is a value that is written as JSON, as text, and as one page of HTML.
//!
//! Requests go to the address that was given, to hosts that its documents name, and to where these redirect. Addresses in private
//! networks are asked like any other, because a person typed them: a service that takes addresses from strangers must not use this.
//!
//! ```no_run
//! use recto_doctor::{Options, examine};
//!
//! let report = examine("https://example.org/iiif/3/page1/info.json", &Options::default(), &mut ());
//! std::fs::write("report.html", report.to_html())?;
//! # Ok::<(), std::io::Error>(())
//! ```

#![forbid(unsafe_code)]

mod address;
mod checks;
mod client;
mod document;
mod examination;
mod features;
mod html;
mod options;
mod pixels;
mod report;
mod service;
mod subject;
mod text;

pub use checks::{CHECKS, Check, Concern};
pub use options::{Options, Progress};
pub use report::{DocumentSummary, FeatureResult, Finding, ImageSummary, Report, Severity};

/// Examines what is at a URL. Never fails: what cannot be reached or read is a finding.
pub fn examine(url: &str, options: &Options, progress: &mut dyn Progress) -> Report {
    examination::run(url, options, progress)
}
