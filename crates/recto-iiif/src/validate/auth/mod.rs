//! Authentication 1.0 and Authorization Flow 2.0: services in any document, results of probes, messages with tokens.

mod v1;
mod v2;

use super::recognise::contexts;
use super::{ALL, Class, DocumentKind, Findings, Node, Part, Rule, Tree, is_http};

const ONE: &[DocumentKind] = &[DocumentKind::Auth1];
const TWO: &[DocumentKind] = &[DocumentKind::Auth2];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "A1-1",
        title: "A service of Authentication 1.0 has context, id, profile, label and a token service",
        section: "Authentication 1.0 §2.1.1",
        kinds: ALL,
        check: v1::services,
    },
    Rule {
        id: "A1-5",
        title: "An answer of a token service has a token, or a known error with a description",
        section: "Authentication 1.0 §2.2.2",
        kinds: ONE,
        check: v1::token,
    },
    Rule {
        id: "A2-1",
        title: "A probe service has an id and access services",
        section: "Authorization Flow 2.0 §5.1",
        kinds: ALL,
        check: v2::probes,
    },
    Rule {
        id: "A2-2",
        title: "The context of Authorization Flow 2.0 stands at the top, before that of the document",
        section: "Authorization Flow 2.0 §2.1",
        kinds: ALL,
        check: v2::context,
    },
    Rule {
        id: "A2-3",
        title: "An access service has a known profile, and what that profile needs",
        section: "Authorization Flow 2.0 §3.1",
        kinds: ALL,
        check: v2::access,
    },
    Rule {
        id: "A2-4",
        title: "An access service has one token service, and at most one to log out",
        section: "Authorization Flow 2.0 §3.1",
        kinds: ALL,
        check: v2::related,
    },
    Rule {
        id: "A2-5",
        title: "Services of Authorization Flow 2.0 are reached by https",
        section: "Authorization Flow 2.0 §2",
        kinds: ALL,
        check: v2::https,
    },
    Rule {
        id: "A2-11",
        title: "A token message has messageId and accessToken",
        section: "Authorization Flow 2.0 §4.4",
        kinds: TWO,
        check: v2::token,
    },
    Rule {
        id: "A2-12",
        title: "A token error has a known profile and messageId",
        section: "Authorization Flow 2.0 §4.5",
        kinds: TWO,
        check: v2::token_error,
    },
    Rule {
        id: "A2-14",
        title: "The result of a probe has the status that the resource would answer",
        section: "Authorization Flow 2.0 §5.2",
        kinds: TWO,
        check: v2::status,
    },
    Rule {
        id: "A2-15",
        title: "`location` stands with a redirect only",
        section: "Authorization Flow 2.0 §5.2",
        kinds: TWO,
        check: v2::location,
    },
    Rule {
        id: "A2-16",
        title: "`substitute` stands with a denial only, and is a list",
        section: "Authorization Flow 2.0 §5.2",
        kinds: TWO,
        check: v2::substitute,
    },
    Rule {
        id: "A2-17",
        title: "`note` stands with `heading` only, and both are language maps",
        section: "Authorization Flow 2.0 §5.2",
        kinds: TWO,
        check: v2::texts,
    },
];
