//! Content Search: services, answers and lists of terms, of 1.0 and of 2.0.

mod v1;
mod v2;

use super::annotation::motivations;
use super::recognise::contexts;
use super::{ALL, Class, DocumentKind, Findings, Node, Part, Rule, Tree, is_http, kind};

const ONE: &[DocumentKind] = &[DocumentKind::Search1];
const TWO: &[DocumentKind] = &[DocumentKind::Search2];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "S1-1",
        title: "A service of Content Search 1.0 has context, id and profile",
        section: "Content Search 1.0 §3.1",
        kinds: ALL,
        check: v1::services,
    },
    Rule {
        id: "S1-2",
        title: "An answer is an annotation list with whole annotations",
        section: "Content Search 1.0 §3.3",
        kinds: ONE,
        check: v1::answer,
    },
    Rule {
        id: "S1-3",
        title: "Pages of an answer link to each other, and to their layer",
        section: "Content Search 1.0 §3.3.2",
        kinds: ONE,
        check: v1::paging,
    },
    Rule {
        id: "S1-4",
        title: "`ignored` is a list of names, in the layer",
        section: "Content Search 1.0 §3.4.1",
        kinds: ONE,
        check: v1::ignored,
    },
    Rule {
        id: "S1-5",
        title: "Hits name annotations, and what was found in them",
        section: "Content Search 1.0 §3.4",
        kinds: ONE,
        check: v1::hits,
    },
    Rule {
        id: "S1-7",
        title: "A list of terms has terms with `match` and `url`",
        section: "Content Search 1.0 §4.3",
        kinds: ONE,
        check: v1::terms,
    },
    Rule {
        id: "S2-1",
        title: "A service of Content Search 2.0 has id and type, and its completion within",
        section: "Content Search 2.0 §3",
        kinds: ALL,
        check: v2::services,
    },
    Rule {
        id: "S2-3",
        title: "An answer is an annotation page with whole annotations",
        section: "Content Search 2.0 §4.2.1",
        kinds: TWO,
        check: v2::answer,
    },
    Rule {
        id: "S2-6",
        title: "`ignored` is a list of names",
        section: "Content Search 2.0 §4.2.4",
        kinds: TWO,
        check: v2::ignored,
    },
    Rule {
        id: "S2-7",
        title: "Pages of an answer link to each other by objects, and to their collection",
        section: "Content Search 2.0 §4.2.2",
        kinds: TWO,
        check: v2::paging,
    },
    Rule {
        id: "S2-8",
        title: "What a target is part of has `id` and `type`",
        section: "Content Search 2.0 §4.2.3",
        kinds: TWO,
        check: v2::containers,
    },
    Rule {
        id: "S2-9",
        title: "What is said of matches stands in one page in `annotations`",
        section: "Content Search 2.0 §4.3",
        kinds: TWO,
        check: v2::extended,
    },
    Rule {
        id: "S2-10",
        title: "What is quoted of a match stands in its annotation",
        section: "Content Search 2.0 §4.3.2",
        kinds: TWO,
        check: v2::quotes,
    },
    Rule {
        id: "S2-11",
        title: "An annotation with several matches is listed once",
        section: "Content Search 2.0 §4.3.3",
        kinds: TWO,
        check: v2::repeated,
    },
    Rule {
        id: "S2-12",
        title: "What is said of a match is about annotations of the same answer",
        section: "Content Search 2.0 §4.3.4",
        kinds: TWO,
        check: v2::targets,
    },
    Rule {
        id: "S2-13",
        title: "The collection of matches is another than that of the annotations",
        section: "Content Search 2.0 §4.3.3",
        kinds: TWO,
        check: v2::collections,
    },
    Rule {
        id: "S2-15",
        title: "A page of terms has id, type and items with a `value`",
        section: "Content Search 2.0 §5.2",
        kinds: TWO,
        check: v2::terms,
    },
];
