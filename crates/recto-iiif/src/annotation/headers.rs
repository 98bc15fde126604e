//! The values of headers that the Web Annotation Protocol asks for.

/// The media type of annotations, pages and containers.
pub const MEDIA_TYPE: &str = "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\"";
/// The media type of merge patches (RFC 7386).
pub const MERGE_PATCH: &str = "application/merge-patch+json";
/// Each is a `Link` of a container. Protocol §4.1.
pub const CONTAINER_LINKS: [&str; 2] = [
    "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"",
    "<http://www.w3.org/TR/annotation-protocol/>; rel=\"http://www.w3.org/ns/ldp#constrainedBy\"",
];
/// Each is a `Link` of an annotation. Protocol §3.
pub const ANNOTATION_LINKS: [&str; 2] =
    ["<http://www.w3.org/ns/ldp#Resource>; rel=\"type\"", "<http://www.w3.org/ns/oa#Annotation>; rel=\"type\""];
/// `Accept-Post` of a container.
pub const ACCEPT_POST: &str = "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\", application/ld+json, application/json, application/x-ndjson, text/csv";
/// `Accept-Patch` of an annotation (RFC 5789).
pub const ACCEPT_PATCH: &str = MERGE_PATCH;
/// `Vary` of a container, whose answer depends on `Prefer` too.
pub const CONTAINER_VARY: &str = "Accept, Prefer";
/// `Vary` of an annotation and of a page.
pub const VARY: &str = "Accept";
/// `Allow` of a page.
pub const PAGE_ALLOW: &str = "GET, HEAD, OPTIONS";

/// Whether the caller may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Reading alone.
    Read,
    /// Making, changing and deleting too.
    Write,
}

/// `Allow` of a container.
pub const fn container_allow(permission: Permission) -> &'static str {
    match permission {
        Permission::Read => PAGE_ALLOW,
        Permission::Write => "POST, GET, HEAD, OPTIONS",
    }
}

/// `Allow` of an annotation.
pub const fn annotation_allow(permission: Permission) -> &'static str {
    match permission {
        Permission::Read => PAGE_ALLOW,
        Permission::Write => "PUT, PATCH, DELETE, GET, HEAD, OPTIONS",
    }
}

/// The `Link` of another resource that names the container for annotations of it. Protocol §4.4.
pub fn annotation_service(container: &str) -> String {
    format!("<{container}>; rel=\"http://www.w3.org/ns/oa#annotationService\"")
}

/// A name that a client suggests by `Slug`, as a step of a path; `None` where nothing of it can be one. Protocol §5.2, RFC 5023 §9.7.
pub fn slug(header: &str) -> Option<String> {
    let mut out = String::new();
    for c in header.trim().chars().take(200) {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '~' => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.truncate(out.trim_end_matches('-').len().min(80));
    (!out.is_empty() && !out.bytes().all(|byte| byte == b'.')).then_some(out)
}
