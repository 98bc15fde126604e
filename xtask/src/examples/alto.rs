//! The words of a page as ALTO, so that they can be searched for and are marked where they stand.

use serde_json::Value;

/// A word and its box, in pixels of the page.
struct Word<'a> {
    text: &'a str,
    x: i64,
    y: i64,
    w: i64,
    h: i64,
}

impl<'a> Word<'a> {
    fn new(value: &'a Value) -> Self {
        let number = |name: &str| value[name].as_i64().unwrap_or(0);
        let text = value["text"].as_str().unwrap_or_default();
        Self { text, x: number("x"), y: number("y"), w: number("w"), h: number("h") }
    }
}

/// Words on one baseline.
type Line<'a> = Vec<Word<'a>>;

/// The ALTO document of a page: neighbours at one height are a line, lines closely below each other a block.
pub(super) fn document(file: &str, width: u32, height: u32, words: &[Value]) -> String {
    let mut blocks: Vec<Vec<Line<'_>>> = Vec::new();
    for word in words.iter().map(Word::new) {
        let last = blocks.last().and_then(|block| block.last()).and_then(|line| line.last());
        let (is_same_line, is_same_block) = last.map_or((false, false), |last| {
            let gap = word.y - (last.y + last.h);
            (word.y == last.y && word.h == last.h, word.y > last.y && 2 * gap <= last.h)
        });
        if !is_same_line && !is_same_block {
            blocks.push(Vec::new());
        }
        let Some(block) = blocks.last_mut() else { continue };
        if !is_same_line {
            block.push(Line::new());
        }
        if let Some(line) = block.last_mut() {
            line.push(word);
        }
    }
    let mut lines = vec![
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned(),
        "<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\">".to_owned(),
        format!(
            "<Description><MeasurementUnit>pixel</MeasurementUnit><sourceImageInformation><fileName>{}</fileName></sourceImageInformation></Description>",
            escaped(file)
        ),
        format!("<Layout><Page ID=\"page\" PHYSICAL_IMG_NR=\"1\" WIDTH=\"{width}\" HEIGHT=\"{height}\">"),
        format!("<PrintSpace HPOS=\"0\" VPOS=\"0\" WIDTH=\"{width}\" HEIGHT=\"{height}\">"),
    ];
    let mut number = 0;
    for (index, block) in blocks.iter().enumerate() {
        let area = around(block.iter().flatten());
        lines.push(format!("<TextBlock ID=\"block{}\" LANG=\"en\" {area}>", index + 1));
        for line in block {
            number += 1;
            lines.push(format!("<TextLine ID=\"line{number}\" {}>", around(line.iter())));
            let strings: Vec<String> = line.iter().map(string).collect();
            lines.push(strings.join("<SP/>\n"));
            lines.push("</TextLine>".to_owned());
        }
        lines.push("</TextBlock>".to_owned());
    }
    lines.push("</PrintSpace></Page></Layout>".to_owned());
    lines.push("</alto>\n".to_owned());
    lines.join("\n")
}

fn string(word: &Word<'_>) -> String {
    format!("<String CONTENT=\"{}\" {}/>", escaped(word.text), place(word.x, word.y, word.w, word.h))
}

/// The smallest box that holds all words.
fn around<'a>(words: impl Iterator<Item = &'a Word<'a>>) -> String {
    let (mut left, mut top, mut right, mut bottom) = (i64::MAX, i64::MAX, 0, 0);
    for word in words {
        (left, top) = (left.min(word.x), top.min(word.y));
        (right, bottom) = (right.max(word.x + word.w), bottom.max(word.y + word.h));
    }
    place(left, top, right - left, bottom - top)
}

fn place(x: i64, y: i64, w: i64, h: i64) -> String {
    format!("HPOS=\"{x}\" VPOS=\"{y}\" WIDTH=\"{w}\" HEIGHT=\"{h}\"")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
