//! What a URL is: an image service, a document, or a page that leads to one.

use serde_json::Value;

use crate::{
    address::Address,
    client::{Answer, Client, ClientError},
    service,
};

/// What was found.
pub(crate) enum Subject {
    /// An `info.json`.
    Image {
        /// Where it is, without `/info.json`.
        base: Address,
        /// The answer.
        answer: Answer,
    },
    /// A Manifest or Collection.
    Document {
        /// Where it is.
        url: Address,
        /// The answer.
        answer: Answer,
    },
    /// Nothing of IIIF.
    Nothing {
        /// What came instead.
        seen: String,
    },
}

/// The most links of a page that are followed.
const MOST_LINKS: usize = 6;

/// Finds out what is at an address; `steps` says how.
pub(crate) fn find(client: &mut Client<'_>, url: &Address, steps: &mut Vec<String>) -> Result<Subject, ClientError> {
    let answer = client.get(url)?;
    if let Some(subject) = of_answer(url, &answer) {
        return Ok(subject);
    }
    // A base URI that does not lead to its document, or an image request.
    let mut candidates = Vec::new();
    let path = url.path.split('?').next().unwrap_or_default().trim_end_matches('/').to_owned();
    let segments: Vec<&str> = path.rsplitn(5, '/').collect();
    if let [file, _, _, _, base] = segments.as_slice()
        && file.contains('.')
        && answer.media_type().starts_with("image/")
    {
        candidates.push(url.with_path(format!("{base}/info.json")));
    }
    if !answer.media_type().contains("html") || !answer.is_success() {
        candidates.push(url.with_path(format!("{path}/info.json")));
    }
    if answer.media_type().contains("html") {
        let text = String::from_utf8_lossy(&answer.body);
        candidates.extend(links(&text, &answer.url));
    }
    for candidate in candidates {
        if candidate == *url {
            continue;
        }
        client.name(&candidate);
        steps.push(format!("{url} leads to {candidate}"));
        match client.get(&candidate) {
            Ok(found) => {
                if let Some(subject) = of_answer(&candidate, &found) {
                    return Ok(subject);
                }
            }
            Err(spent @ ClientError::Spent(_)) => return Err(spent),
            Err(_) => {}
        }
    }
    Ok(Subject::Nothing { seen: answer.seen() })
}

fn of_answer(url: &Address, answer: &Answer) -> Option<Subject> {
    let document = answer.json()?;
    if service::is_info(&document) {
        let at = if answer.url.path.ends_with("/info.json") { &answer.url } else { url };
        let path = at.path.strip_suffix("/info.json").unwrap_or(&at.path).trim_end_matches('/');
        return Some(Subject::Image { base: at.with_path(path), answer: answer.clone() });
    }
    kind(&document)?;
    Some(Subject::Document { url: url.clone(), answer: answer.clone() })
}

/// `Manifest` or `Collection`, and the version of the Presentation API.
pub(crate) fn kind(document: &Value) -> Option<(&'static str, &'static str)> {
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("type"), text("@type").trim_start_matches("sc:")) {
        ("Manifest", _) => Some(("Manifest", "3.0")),
        ("Collection", _) => Some(("Collection", "3.0")),
        (_, "Manifest") => Some(("Manifest", "2")),
        (_, "Collection") => Some(("Collection", "2")),
        _ => None,
    }
}

/// The addresses in a page that are likely to be those of documents, the likeliest first.
fn links(html: &str, page: &Address) -> Vec<Address> {
    let mut found: Vec<(u8, Address)> = Vec::new();
    for text in quoted(html) {
        let text = text.replace("&amp;", "&");
        // `…?manifest=https://…`, as the IIIF icon and viewers have it.
        let parameter = ["manifest=", "iiif-content=", "iiif_manifest="].iter().find_map(|name| {
            let (_, rest) = text.split_once(name)?;
            let value = rest.split(['&', '#']).next()?;
            Address::parse(&decoded(value))
        });
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| path.ends_with(suffix));
        if let Some(address) = parameter {
            found.push((0, address));
        } else if ends(&["/manifest.json", "/manifest", "manifest.json"]) {
            found.extend(page.join(&text).map(|address| (1, address)));
        } else if ends(&["/info.json"]) {
            found.extend(page.join(&text).map(|address| (2, address)));
        } else if ends(&["/collection.json", "/collection"]) {
            found.extend(page.join(&text).map(|address| (3, address)));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    let mut addresses: Vec<Address> = Vec::new();
    for (_, address) in found {
        if !addresses.contains(&address) && addresses.len() < MOST_LINKS {
            addresses.push(address);
        }
    }
    addresses
}

/// The texts between quotation marks, as values of attributes and strings of scripts are.
fn quoted(html: &str) -> impl Iterator<Item = String> {
    html.split(['"', '\'', '`'])
        .filter(|text| text.len() > 4 && text.len() < 4096 && !text.contains(['<', '>', '\n']))
        .map(|text| text.replace("\\/", "/"))
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_page_are_ranked() {
        let page = Address::parse("https://example.org/item/1").unwrap();
        let html = "<a href=\"/iiif/a/info.json\">i</a><script>x='https:\\/\\/other.org\\/m\\/manifest.json'</script>\
            <a href='/viewer?manifest=https%3A%2F%2Fexample.org%2Fm&amp;canvas=c'>v</a><link href=\"style.css\">";
        let found: Vec<_> = links(html, &page).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["https://example.org/m", "https://other.org/m/manifest.json", "https://example.org/iiif/a/info.json"]
        );
    }
}
