//! JSON with places, up to where it is broken.

use super::tree::{Key, Lines, MOST_DEPTH, MOST_NODES, Node, Value, insert};
use crate::words::{At, Report};

/// What the file says. Where it is broken, what stands before the damage is kept.
pub(super) fn parse(text: &str, report: &mut Report) -> Node {
    let mut reader = Reader { text, at: 0, lines: Lines::new(text), nodes: 0, broken: false, report };
    reader.blank();
    let node = reader.value(0);
    reader.blank();
    if reader.at < text.len() {
        reader.fail("there is more text behind the end", "delete what stands behind the last bracket");
    }
    node
}

struct Reader<'a, 'r> {
    text: &'a str,
    at: usize,
    lines: Lines<'a>,
    nodes: usize,
    broken: bool,
    report: &'r mut Report,
}

impl<'a> Reader<'a, '_> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blank(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn here(&self) -> At {
        self.lines.at(self.at)
    }

    /// Says what is the matter, once, and ends the reading.
    fn fail(&mut self, message: &str, fix: &str) {
        if !self.broken {
            let at = self.here();
            self.report.error(at, "broken-json", format!("{message}; the rest was left out"), fix);
        }
        self.broken = true;
        self.at = self.text.len();
    }

    /// Takes this character if it comes next.
    fn eat(&mut self, character: char) -> bool {
        self.blank();
        let is_next = self.rest().starts_with(character);
        self.at += if is_next { character.len_utf8() } else { 0 };
        is_next
    }

    fn value(&mut self, depth: usize) -> Node {
        self.blank();
        let at = self.here();
        self.nodes += 1;
        if depth > MOST_DEPTH || self.nodes > MOST_NODES {
            self.fail("the file is too deep or too long for a sidecar", "is it meant to be one?");
            return Node::nothing(at);
        }
        let value = match self.rest().chars().next() {
            Some('{') => self.map(depth),
            Some('[') => self.list(depth),
            Some('"') => Value::Text { text: self.string(), quoted: true },
            Some(_) => self.word(),
            None => {
                if !self.text.trim().is_empty() {
                    self.fail("the file ends too early", "close all brackets");
                }
                Value::Nothing
            }
        };
        Node { at, value }
    }

    fn map(&mut self, depth: usize) -> Value {
        self.at += 1;
        let mut entries = Vec::new();
        if self.eat('}') {
            return Value::Map(entries);
        }
        loop {
            self.blank();
            let at = self.here();
            if !self.rest().starts_with('"') {
                self.fail("here should be a key in quotation marks", "write `\"key\": value`, and no comma before `}`");
                break;
            }
            let key = Key { at, text: self.string() };
            if !self.eat(':') {
                self.fail("here should be a colon", "write `\"key\": value`");
                break;
            }
            let node = self.value(depth + 1);
            insert(&mut entries, key, node, self.report);
            if self.eat(',') {
                continue;
            }
            if !self.eat('}') {
                self.fail("here should be a comma or `}`", "put a comma between two keys, and close all brackets");
            }
            break;
        }
        Value::Map(entries)
    }

    fn list(&mut self, depth: usize) -> Value {
        self.at += 1;
        let mut list = Vec::new();
        if self.eat(']') {
            return Value::List(list);
        }
        loop {
            list.push(self.value(depth + 1));
            if self.eat(',') {
                continue;
            }
            if !self.eat(']') {
                self.fail("here should be a comma or `]`", "put a comma between two parts, and close all brackets");
            }
            break;
        }
        Value::List(list)
    }

    /// A text in quotation marks; its escapes are those of `serde_json`.
    fn string(&mut self) -> String {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, character)| {
            let is_end = *character == '"' && !escaped;
            escaped = *character == '\\' && !escaped;
            is_end
        });
        let Some((end, _)) = end else {
            self.fail("a quotation mark is not closed", "close it");
            return String::new();
        };
        let quoted = &rest[..=end];
        if let Ok(text) = serde_json::from_str(quoted) {
            self.at += quoted.len();
            return text;
        }
        // Line breaks inside a text are wrong in JSON, yet plain in their meaning.
        let mended = quoted.replace("\r\n", "\\n").replace('\n', "\\n").replace('\t', "\\t");
        let Ok(text) = serde_json::from_str(&mended) else {
            self.fail("this text has a wrong escape", "write `\\\\` for a backslash");
            return String::new();
        };
        self.at += quoted.len();
        text
    }

    fn word(&mut self) -> Value {
        let rest = self.rest();
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}' | ':' | '"')).unwrap_or(rest.len());
        let word = &rest[..end];
        let Ok(value) = serde_json::from_str::<serde_json::Value>(word) else {
            self.fail("this is no JSON", "put texts into quotation marks, and leave out comments");
            return Value::Nothing;
        };
        self.at += end;
        if value.is_null() { Value::Nothing } else { Value::Text { text: word.to_owned(), quoted: false } }
    }
}
