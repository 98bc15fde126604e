//! The table of checks, in the order in which they run and are reported.

mod announcement;
mod answers;
mod features;
mod headers;
mod info;
mod languages;
mod negotiation;
mod references;
mod seams;
mod services;
mod speed;
mod thumbnails;
mod tiles;
mod transport;
mod validation;
mod wrong_requests;

use crate::{client::ClientError, examination::Examination};

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// The address itself.
    Address,
    /// A Manifest or Collection.
    Document,
    /// An image service.
    Image,
}

/// One matter that is looked at.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name, which stays.
    pub id: &'static str,
    /// What it looks at.
    pub concern: Concern,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// Where the specification speaks of it.
    pub section: &'static str,
    pub(crate) run: Run,
}

/// How a check is run.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// It looks at what is there already.
    Looks(fn(&mut Examination<'_>)),
    /// It makes requests.
    Asks(fn(&mut Examination<'_>) -> Result<(), ClientError>),
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("id", &self.id).field("concern", &self.concern).finish_non_exhaustive()
    }
}

/// What is at the address: asked before any check runs.
const FOUND: Check = Check {
    id: "found",
    concern: Concern::Address,
    title: "what is at the address",
    why: "Viewers need the address of an image service, a Manifest or a Collection.",
    section: "Image API 3.0 §2, Presentation API 3.0 §6",
    run: Run::Looks(|_| {}),
};

/// All checks.
pub const CHECKS: &[Check] = &[
    FOUND,
    validation::ANSWER,
    validation::VALIDATION,
    validation::IDENTITY,
    negotiation::NEGOTIATION,
    transport::DOCUMENT_CORS,
    transport::DOCUMENT_MIXED_CONTENT,
    answers::DOCUMENT_HEAD,
    answers::DOCUMENT_CACHING,
    answers::DOCUMENT_COMPRESSION,
    validation::SIZE,
    languages::LANGUAGES,
    thumbnails::THUMBNAILS,
    references::REFERENCES,
    services::SEARCH,
    services::LOGIN,
    services::VIEWERS,
    info::ANSWER,
    validation::INFO_VALIDATION,
    info::IDENTITY,
    info::REDIRECT,
    info::MEDIA_TYPE,
    transport::MIXED_CONTENT,
    transport::CORS,
    transport::PREFLIGHT,
    answers::HEAD,
    answers::CACHING,
    answers::COMPRESSION,
    headers::LINKS,
    features::REGION,
    features::SIZE,
    features::ROTATION,
    features::QUALITY,
    features::FORMAT,
    wrong_requests::WRONG_REQUESTS,
    announcement::ANNOUNCEMENT,
    tiles::SIZES,
    tiles::TILES,
    seams::SEAMS,
    speed::SPEED,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own_a_reason_and_a_section() {
        for (index, check) in CHECKS.iter().enumerate() {
            assert!(CHECKS[..index].iter().all(|other| other.id != check.id), "{}", check.id);
            assert!(check.why.ends_with('.') && !check.section.is_empty() && !check.title.is_empty(), "{}", check.id);
        }
    }
}
