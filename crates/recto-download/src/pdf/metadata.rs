//! What the file says about itself: information, XMP, how it wants to be shown. §14.3 and §12.2.

use std::io::Write;

use recto_iiif::presentation::ViewingDirection;

use super::Document;
use super::object::{Id, Objects, text_string};
use crate::DownloadError;

const PRODUCER: &str = "Recto";

/// The information dictionary. It tells no dates: the same input is the same file.
pub(super) fn info(document: &Document) -> String {
    let mut out = format!("<</Producer{}", text_string(PRODUCER));
    if !document.title.is_empty() {
        out.push_str(&format!("/Title{}", text_string(&document.title)));
    }
    if !document.creators.is_empty() {
        out.push_str(&format!("/Author{}", text_string(&document.creators.join("; "))));
    }
    out.push_str(">>");
    out
}

/// Entries of the catalog: language, direction, bookmarks, the title in the window's bar.
pub(super) fn viewing(document: &Document, has_outline: bool) -> String {
    let mut out = String::new();
    if let Some(language) = document.language.as_deref().filter(|language| is_language(language)) {
        out.push_str(&format!("/Lang{}", text_string(language)));
    }
    let direction = match document.viewing_direction {
        Some(ViewingDirection::RightToLeft) => "/Direction/R2L",
        _ => "",
    };
    let title = if document.title.is_empty() { "" } else { "/DisplayDocTitle true" };
    out.push_str(&format!("/ViewerPreferences<<{direction}{title}>>"));
    if has_outline {
        out.push_str("/PageMode/UseOutlines");
    }
    out
}

/// Letters, digits and hyphens: enough of BCP 47 for a tag that is handed on.
fn is_language(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= 40 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The XMP packet: ISO 16684-1, as RDF.
pub(super) fn write_xmp<W: Write>(document: &Document, objects: &mut Objects<W>) -> Result<Id, DownloadError> {
    let id = objects.reserve()?;
    objects.stream(id, "/Type/Metadata/Subtype/XML", &[xmp(document).as_bytes()])?;
    Ok(id)
}

fn xmp(document: &Document) -> String {
    let list = |name: &str, kind: &str, attribute: &str, items: &[&str]| {
        if items.is_empty() {
            return String::new();
        }
        let items: String = items.iter().map(|item| format!("<rdf:li{attribute}>{}</rdf:li>", escaped(item))).collect();
        format!("<dc:{name}><rdf:{kind}>{items}</rdf:{kind}></dc:{name}>")
    };
    let default = " xml:lang=\"x-default\"";
    let mut fields = list("title", "Alt", default, &[document.title.as_str()]);
    let creators: Vec<&str> = document.creators.iter().map(String::as_str).collect();
    fields.push_str(&list("creator", "Seq", "", &creators));
    let rights: Vec<&str> = document.rights.as_deref().into_iter().collect();
    fields.push_str(&list("rights", "Alt", default, &rights));
    let languages: Vec<&str> = document.language.as_deref().into_iter().filter(|tag| is_language(tag)).collect();
    fields.push_str(&list("language", "Bag", "", &languages));
    if let Some(identifier) = &document.identifier {
        fields.push_str(&format!("<dc:identifier>{}</dc:identifier>", escaped(identifier)));
    }
    if let Some(uri) = document.rights.as_deref().filter(|rights| rights.starts_with("http")) {
        fields.push_str(&format!("<xmpRights:WebStatement>{}</xmpRights:WebStatement>", escaped(uri)));
    }
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\" \
         xmlns:xmpRights=\"http://ns.adobe.com/xap/1.0/rights/\">{fields}<pdf:Producer>{PRODUCER}</pdf:Producer>\
         </rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>"
    )
}

/// Text for XML; characters that XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let document = Document {
            title: "<b>&\u{1}\0)".to_owned(),
            language: Some("en)/X".to_owned()),
            rights: Some("http://rightsstatements.org/vocab/InC/1.0/".to_owned()),
            ..Document::default()
        };
        assert!(xmp(&document).contains("<rdf:li xml:lang=\"x-default\">&lt;b&gt;&amp;)</rdf:li>"));
        assert!(xmp(&document).contains("WebStatement>http://rights"));
        assert!(info(&document).contains("/Title<FEFF003C0062003E0026000100000029>"));
        assert_eq!(viewing(&document, false), "/ViewerPreferences<</DisplayDocTitle true>>");
    }
}
