//! The Content-Security-Policy of each page: as strict as its viewer allows.

use super::views::ViewerKind;

/// Which page a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Gallery pages and problem pages: pictures and our own files only.
    Plain,
    /// An item page with the viewer it embeds.
    Item(ViewerKind),
    /// A page under `/viewer/`, which opens documents of any server and may stand in a frame on any site.
    Viewer(ViewerKind),
}

/// The value of the `Content-Security-Policy` header.
///
/// `public_origin` (`https://images.example.org`) is the origin in the documents' own URLs; give it when it may differ from the one the
/// page was asked under, such as behind a proxy. Pages load no code but their own files in any case.
pub fn content_security_policy(page: PageKind, public_origin: Option<&str>) -> String {
    let own = match public_origin.filter(|origin| is_origin(origin)) {
        Some(origin) => format!("'self' {origin}"),
        None => "'self'".to_owned(),
    };
    let (viewer, reach, framed_by) = match page {
        PageKind::Plain => (None, own, "'self'"),
        // Hand-made manifests may name images of other servers, so an object's page reaches as far as the viewer pages do.
        PageKind::Item(ViewerKind::OpenSeadragon) => (Some(ViewerKind::OpenSeadragon), own, "'self'"),
        PageKind::Item(kind) => (Some(kind), "http: https:".to_owned(), "'self'"),
        PageKind::Viewer(kind) => (Some(kind), "http: https:".to_owned(), "*"),
    };
    let needs = viewer.map(needs).unwrap_or_default();
    let blob = if viewer.is_some() { " blob:" } else { "" };
    let connect = if viewer.is_some() { reach.as_str() } else { "'self'" };
    format!(
        "default-src 'none'; script-src 'self'{eval}; style-src 'self'{inline}; img-src {reach} data:{blob}; connect-src {connect}{blob}; \
         font-src 'self' data:; media-src {reach}{blob}; frame-src {frames}; worker-src 'self'{blob}; \
         base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors {framed_by}",
        eval = if needs.eval { " 'unsafe-eval'" } else { "" },
        inline = if needs.inline_styles { " 'unsafe-inline'" } else { "" },
        frames = if needs.login_frames { reach.as_str() } else { "'none'" },
    )
}

/// What a viewer cannot do without.
#[derive(Default)]
struct Needs {
    /// Style elements that scripts write.
    inline_styles: bool,
    /// `new Function`, for templates compiled in the browser.
    eval: bool,
    /// Frames for the token step of a login.
    login_frames: bool,
}

fn needs(kind: ViewerKind) -> Needs {
    match kind {
        // It sets styles through the object model, which a policy does not govern.
        ViewerKind::Leaflet => Needs::default(),
        ViewerKind::OpenSeadragon => Needs { inline_styles: true, ..Needs::default() },
        ViewerKind::Mirador => Needs { inline_styles: true, eval: false, login_frames: true },
        ViewerKind::UniversalViewer => Needs { inline_styles: true, eval: true, login_frames: true },
    }
}

/// A scheme and a host, nothing that could end the directive.
fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty()
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directive(policy: &str, name: &str) -> String {
        let found = policy.split("; ").find_map(|part| part.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("{name} is missing in {policy}")).to_owned()
    }

    #[test]
    fn no_page_runs_inline_scripts_or_scripts_of_others() {
        let kinds = ViewerKind::ALL.into_iter().flat_map(|kind| [PageKind::Item(kind), PageKind::Viewer(kind)]);
        for page in kinds.chain([PageKind::Plain]) {
            let policy = content_security_policy(page, Some("https://public.example"));
            let scripts = directive(&policy, "script-src");
            assert!(
                scripts == "'self'" || (scripts == "'self' 'unsafe-eval'" && policy.contains("'unsafe-eval'")),
                "{page:?}"
            );
            assert_eq!(directive(&policy, "default-src"), "'none'");
            assert_eq!(directive(&policy, "base-uri"), "'none'");
        }
    }

    #[test]
    fn only_viewer_pages_may_be_framed_by_others() {
        for (page, want) in [
            (PageKind::Plain, "'self'"),
            (PageKind::Item(ViewerKind::Mirador), "'self'"),
            (PageKind::Viewer(ViewerKind::Mirador), "*"),
        ] {
            assert_eq!(directive(&content_security_policy(page, None), "frame-ancestors"), want, "{page:?}");
        }
    }

    #[test]
    fn the_public_origin_is_allowed_and_cannot_smuggle_a_directive() {
        let page = PageKind::Item(ViewerKind::OpenSeadragon);
        let policy = content_security_policy(page, Some("https://images.example.org:8443"));
        assert_eq!(directive(&policy, "img-src"), "'self' https://images.example.org:8443 data: blob:");
        for bad in ["https://a; script-src *", "https://", "a", "https://a b", "https://a/path"] {
            assert_eq!(content_security_policy(page, Some(bad)), content_security_policy(page, None), "{bad}");
        }
    }

    #[test]
    fn only_the_universal_viewer_may_compile_templates() {
        for kind in ViewerKind::ALL {
            let policy = content_security_policy(PageKind::Viewer(kind), None);
            assert_eq!(policy.contains("unsafe-eval"), kind == ViewerKind::UniversalViewer, "{kind:?}");
        }
    }
}
