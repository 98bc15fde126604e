//! What is safe of Markdown: the HTML in it, and its links.

use super::markup::runs_in_html;
use super::references::decoded;
use super::tokens::{Token, Tokens};
use super::{Sanitised, close, is_harmful_uri};

/// The longest address that is looked at; programs that make HTML of Markdown have bounds of their own.
const LONGEST: usize = 4096;

/// What is safe of a text in Markdown. Where nothing in it would run, it stays letter by letter; else its tags are written anew, other `<`
/// become `&lt;`, also in examples of code, and addresses that run become `#`.
pub fn sanitised(text: &str) -> Sanitised {
    let mut out = Sanitised { html: String::with_capacity(text.len()), removed: Vec::new() };
    if runs_in_html(text) {
        tags(text, &mut out);
    } else {
        text.clone_into(&mut out.html);
    }
    links(&mut out);
    out
}

fn tags(text: &str, out: &mut Sanitised) {
    let mut open = Vec::new();
    for token in Tokens::new(text) {
        match token {
            Token::Text(text) => text.split('<').enumerate().for_each(|(number, part)| {
                if number > 0 {
                    out.html.push_str("&lt;");
                }
                out.html.push_str(part);
            }),
            other => out.tag(other, &mut open),
        }
    }
    open.into_iter().rev().for_each(|opened| close(opened, &mut out.html));
}

/// `[text](address)` and `[name]: address`
fn links(out: &mut Sanitised) {
    let text = std::mem::take(&mut out.html);
    let mut rest = text.as_str();
    while let Some(at) = rest.find(']') {
        let is_link = rest[at + 1..].starts_with(['(', ':']);
        let (before, after) = rest.split_at(at + 1 + usize::from(is_link));
        out.html.push_str(before);
        rest = after;
        if !is_link {
            continue;
        }
        let blanks = after.len() - after.trim_start_matches(|c: char| c.is_whitespace() || c == '<').len();
        let (blanks, address) = after.split_at(blanks);
        let length = address
            .char_indices()
            .take(LONGEST)
            .find(|(_, c)| c.is_whitespace() || matches!(c, ')' | '>'))
            .map_or(address.len().min(LONGEST), |(at, _)| at);
        let length = (0..=length).rev().find(|at| address.is_char_boundary(*at)).unwrap_or_default();
        let (address, after) = address.split_at(length);
        out.html.push_str(blanks);
        if is_harmful_uri(&decoded(&address.replace('\\', ""))) {
            out.remove("](…)");
            out.html.push('#');
        } else {
            out.html.push_str(address);
        }
        rest = after;
    }
    out.html.push_str(rest);
}
