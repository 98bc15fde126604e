//! The document itself: how it comes, whether it is valid, what it is called, how long it is.

use recto_iiif::validate::{self, Severity};

use super::{Check, Concern, Run};
use crate::{document, examination::Examination, service::contexts};

pub(super) const ANSWER: Check = Check {
    id: "document-answer",
    concern: Concern::Document,
    title: "the document",
    why: "Viewers read the document as JSON; another type or status makes some of them refuse it.",
    section: "Presentation API 3.0 §6.2, §6.3, §4.6",
    run: Run::Looks(answer),
};

pub(super) const VALIDATION: Check = Check {
    id: "validation",
    concern: Concern::Document,
    title: "the rules of the Presentation API",
    why: "Viewers differ in what they forgive; a valid document works in all.",
    section: "Presentation API 3.0 §3 to §5, 2.1 §3 to §5",
    run: Run::Looks(validation),
};

pub(super) const INFO_VALIDATION: Check = Check {
    id: "info-validation",
    concern: Concern::Image,
    title: "the rules of the image information",
    why: "Viewers differ in what they forgive; a valid document works in all.",
    section: "Image API 3.0 §5, 2.1 §5",
    run: Run::Looks(info_validation),
};

pub(super) const IDENTITY: Check = Check {
    id: "document-id",
    concern: Concern::Document,
    title: "the id of the document",
    why: "The id is the address under which the document is cited, compared, and fetched again.",
    section: "Presentation API 3.0 §3.2 (id)",
    run: Run::Looks(identity),
};

pub(super) const SIZE: Check = Check {
    id: "document-size",
    concern: Concern::Document,
    title: "the length of the document",
    why: "A viewer shows nothing before the whole document has come and was read.",
    section: "Presentation API 3.0 §5 (referenced resources)",
    run: Run::Looks(size),
};

/// Findings of the same rule are counted beyond so many.
const MOST_OF_A_RULE: usize = 3;

fn answer(examination: &mut Examination<'_>) {
    let document = examination.document();
    let done = format!("GET {}", document.url);
    let seen = document.answer.summary();
    if document.answer.status != 200 {
        let remedy = "Answer 200.";
        examination.warning("the document came with another status than 200", &done, &seen, remedy);
    }
    if !document.answer.is_json_type() {
        let remedy = "Send `Content-Type: application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\"`, or `application/json`.";
        examination.error("the document is not sent as JSON", &done, &seen, remedy);
    }
    let known = |context: &&str| context.contains("iiif.io/api/presentation/");
    if !contexts(&document.value).last().is_some_and(known) {
        let remedy = "Write the context of the Presentation API last.";
        let given = contexts(&document.value).join(", ");
        examination.error("`@context` is not that of the Presentation API", &done, &given, remedy);
    }
    if examination.is_clean() {
        examination.pass("the document comes as JSON", &done, &seen);
    }
}

fn validation(examination: &mut Examination<'_>) {
    let document = examination.document();
    let findings = validate::validate(&document.value);
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    examination.validation = (count(Severity::Error), count(Severity::Warning));
    tell(examination, &findings, &format!("GET {}", document.url));
}

fn info_validation(examination: &mut Examination<'_>) {
    let service = examination.image();
    tell(examination, &validate::validate(&service.document), &format!("GET {}/info.json", service.base));
}

fn tell(examination: &mut Examination<'_>, findings: &[validate::Finding], done: &str) {
    let mut told: Vec<(&str, usize)> = Vec::new();
    for finding in findings {
        let known = told.iter().position(|(rule, _)| *rule == finding.rule);
        let at = known.unwrap_or_else(|| {
            told.push((finding.rule, 0));
            told.len() - 1
        });
        told[at].1 += 1;
        let number = told[at].1;
        if number > MOST_OF_A_RULE {
            continue;
        }
        let message = format!("{} ({})", finding.message, finding.rule);
        let viewers = finding.viewers.join(", ");
        let seen = format!(
            "at {} · {}{}{viewers}",
            finding.pointer,
            finding.section,
            if viewers.is_empty() { "" } else { " · " }
        );
        match finding.severity {
            Severity::Error => examination.error(&message, done, &seen, &finding.fix),
            Severity::Warning => examination.warning(&message, done, &seen, &finding.fix),
            Severity::Viewer => examination.viewer(&message, done, &seen, &finding.fix),
        }
    }
    for (rule, count) in told.into_iter().filter(|(_, count)| *count > MOST_OF_A_RULE) {
        examination.note(&format!("{} more findings of the rule {rule}", count - MOST_OF_A_RULE), done, "");
    }
    if findings.is_empty() {
        examination.pass("all rules that are looked at are kept", done, "");
    }
}

fn identity(examination: &mut Examination<'_>) {
    let document = examination.document();
    let done = format!("GET {}", document.url);
    let id = document.value.as_object().and_then(|object| document::text(object, &["id", "@id"])).unwrap_or_default();
    let asked = document.url.to_string();
    if id == asked {
        examination.pass("the id is the address that was asked for", &done, id);
        return;
    }
    let same = id.split_once("://").map(|(_, rest)| rest) == asked.split_once("://").map(|(_, rest)| rest);
    let remedy = "Write the address as the id, or redirect to the id.";
    if same {
        examination.warning("the id differs from the address in its scheme", &done, id, remedy);
    } else if document.answer.url.to_string() == id || document.answer.hops.iter().any(|hop| hop.from.to_string() == id)
    {
        examination.pass("the id is an address on the way of the redirects", &done, id);
    } else {
        examination.warning("the id is not the address that was asked for", &done, id, remedy);
    }
}

fn size(examination: &mut Examination<'_>) {
    let document = examination.document();
    let done = format!("GET {}", document.url);
    let bytes = document.answer.body.len();
    let seen = format!("{bytes} bytes in {} ms", document.answer.elapsed.as_millis());
    if bytes > 10_000_000 {
        let remedy = "Refer to annotation pages instead of embedding them; split large collections.";
        examination.warning("the document is very long", &done, &seen, remedy);
    } else if document.answer.elapsed > examination.client.options.slow_json * 6 {
        let remedy = "Keep the document ready instead of making it for each request.";
        examination.warning("the document is slow", &done, &seen, remedy);
    } else {
        examination.pass("the document is of a length that viewers bear", &done, &seen);
    }
}
