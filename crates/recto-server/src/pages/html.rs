//! Writing HTML without a template engine: escaped text, safe links, and a string that takes formatted pieces.

use std::fmt::{self, Display, Write};

/// Text as it may stand in an element or in a quoted attribute.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            out.write_str(&rest[..at])?;
            out.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        out.write_str(rest)
    }
}

/// A URL as it may stand in `href` or `src`. Metadata comes from outside: schemes that run code become `#`.
pub(super) struct Href<'a>(pub(super) &'a str);

impl Display for Href<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_safe_link(self.0) { Text(self.0).fmt(out) } else { out.write_char('#') }
    }
}

fn is_safe_link(url: &str) -> bool {
    // Browsers drop leading blanks and any tab or newline before they look for the scheme.
    let seen: String = url.chars().filter(|c| !c.is_ascii_control()).collect();
    let seen = seen.trim_start();
    match seen.find([':', '/', '?', '#']) {
        Some(at) if seen.as_bytes()[at] == b':' => {
            let scheme = seen[..at].to_ascii_lowercase();
            matches!(scheme.as_str(), "http" | "https" | "mailto")
        }
        _ => true,
    }
}

/// HTML in the making.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds formatted pieces: `html.add(format_args!("<p>{}</p>", Text(summary)))`.
    pub(super) fn add(&mut self, pieces: fmt::Arguments<'_>) {
        self.0.write_fmt(pieces).expect("writing to a string does not fail");
    }

    /// Adds markup as it is.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// A number with thin spaces between groups of three, as people read it.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// `1 page`, `2 pages`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_end_neither_an_element_nor_an_attribute() {
        for (given, want) in [
            ("plain", "plain"),
            ("", ""),
            ("a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c&#39;"),
            ("</script><script>", "&lt;/script&gt;&lt;script&gt;"),
            ("été & 日本", "été &amp; 日本"),
            ("&amp;", "&amp;amp;"),
        ] {
            assert_eq!(Text(given).to_string(), want, "{given}");
        }
    }

    #[test]
    fn links_that_run_code_lead_nowhere() {
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:x",
            "java\nscript:x",
            "\u{1}javascript:x",
            "data:text/html,x",
            "vbscript:x",
        ] {
            assert_eq!(Href(bad).to_string(), "#", "{bad:?}");
        }
        for (good, want) in [
            ("https://example.org/a?b=1&c=2", "https://example.org/a?b=1&amp;c=2"),
            ("/items/a%2Fb", "/items/a%2Fb"),
            ("?page=2", "?page=2"),
            ("items/a:b", "items/a:b"),
            ("/viewer/mirador?manifest=https://x/y", "/viewer/mirador?manifest=https://x/y"),
            ("mailto:me@example.org", "mailto:me@example.org"),
        ] {
            assert_eq!(Href(good).to_string(), want, "{good}");
        }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (given, want) in [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")] {
            assert_eq!(grouped(given), want);
        }
        assert_eq!(counted(1, "page", "pages"), "1 page");
        assert_eq!(counted(0, "page", "pages"), "0 pages");
    }
}
