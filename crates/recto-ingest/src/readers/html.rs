//! Texts for `summary` and values of `metadata`: Presentation API 3.0 §4.5 takes those that begin with `<` and end with `>` for HTML.

/// A text that is not meant as HTML, written so that no client takes it for HTML.
pub(crate) fn plain(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.starts_with('<') && trimmed.ends_with('>') {
        format!("<span>{}</span>", escape(trimmed))
    } else {
        trimmed.to_owned()
    }
}

/// Several paragraphs, as HTML; a single one stays plain text.
pub(crate) fn paragraphs(paragraphs: &[String]) -> Option<String> {
    match paragraphs {
        [] => None,
        [one] => Some(plain(one)),
        many => Some(format!("<p>{}</p>", many.iter().map(|text| escape(text)).collect::<Vec<_>>().join("<br/><br/>"))),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_meant_as_html_is_not_taken_for_it() {
        for (given, want) in [
            ("a < b", "a < b"),
            ("Müller & Sohn", "Müller & Sohn"),
            ("<script>alert(1)</script>", "<span>&lt;script&gt;alert(1)&lt;/script&gt;</span>"),
            ("<1890>", "<span>&lt;1890&gt;</span>"),
            ("<i>Title</i> of it", "<i>Title</i> of it"),
        ] {
            assert_eq!(plain(given), want, "{given}");
        }
    }

    #[test]
    fn several_paragraphs_are_html() {
        let text = |texts: &[&str]| paragraphs(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(text(&[]), None);
        assert_eq!(text(&["a & b"]).as_deref(), Some("a & b"));
        assert_eq!(text(&["a & b", "<c>"]).as_deref(), Some("<p>a &amp; b<br/><br/>&lt;c&gt;</p>"));
    }
}
