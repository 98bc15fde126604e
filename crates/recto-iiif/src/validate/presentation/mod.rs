//! Presentation 3.0, and what 4.0 has in common with it: one file a rule.

mod arrays;
mod behavior;
mod bodies;
mod captions;
mod choice;
mod context;
mod dimensions;
mod html;
mod id_and_type;
mod items;
mod labels;
mod language_maps;
mod links;
mod motivation;
mod nav_date;
mod place;
mod placeholder;
mod provider;
mod ranges;
mod references;
mod rights;
mod services;
mod stable_ids;
mod start;
mod targets;
mod thumbnails;
mod unique_ids;

use super::{Class, DocumentKind, Findings, Node, Rule, Tree, is_http, kind};

pub(super) use html::{Wrong, wrong as wrong_html};
pub(super) use language_maps::{is_language, map as language_map};
pub(super) use nav_date::is_date_time;
pub use references::{Reference, check_reference, references};

const THREE: &[DocumentKind] = &[DocumentKind::Presentation3];
const THREE_AND_FOUR: &[DocumentKind] = &[DocumentKind::Presentation3, DocumentKind::Presentation4];

/// The rules of Presentation 3.0.
pub(super) const RULES: &[Rule] = &[
    context::RULE,
    id_and_type::RULE,
    unique_ids::RULE,
    arrays::RULE,
    references::RULE,
    language_maps::RULE,
    html::RULE,
    labels::RULE,
    dimensions::RULE,
    place::RULE,
    behavior::RULE,
    nav_date::RULE,
    rights::RULE,
    thumbnails::RULE,
    provider::RULE,
    links::RULE,
    placeholder::RULE,
    services::RULE,
    start::RULE,
    items::RULE,
    motivation::RULE,
    targets::RULE,
    bodies::RULE,
    ranges::RULE,
    choice::RULE,
    captions::RULE,
    stable_ids::RULE,
];
