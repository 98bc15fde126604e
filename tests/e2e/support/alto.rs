//! Pages of ALTO whose words have known boxes: line `l` lies at y = 40 + 60·l, its words follow each other with a gap of 10,
//! each 10 wide for every letter and 30 high.

use std::fmt::Write as _;

/// A page of this size with these lines. A word that ends in `¬` is the first half of the one that begins the next line.
pub(crate) fn page(width: u32, height: u32, lines: &[&str]) -> Vec<u8> {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v3#\">\
         <Description><MeasurementUnit>pixel</MeasurementUnit></Description><Layout>\
         <Page ID=\"P1\" WIDTH=\"{width}\" HEIGHT=\"{height}\"><PrintSpace><TextBlock ID=\"B1\">\n"
    );
    let words: Vec<Vec<&str>> =
        lines.iter().map(|line| line.split(' ').filter(|word| !word.is_empty()).collect()).collect();
    let mut broken: Option<String> = None;
    for (number, line) in words.iter().enumerate() {
        write!(out, "<TextLine ID=\"L{number}\">").unwrap();
        for (place, word) in line.iter().enumerate() {
            let [x, y, w, h] = area(lines, number, place);
            let half = word.strip_suffix('¬');
            let part = if let Some(half) = half {
                let rest = words[number + 1][0];
                let whole = format!("{half}{rest}");
                broken = Some(whole.clone());
                format!(" SUBS_TYPE=\"HypPart1\" SUBS_CONTENT=\"{whole}\"")
            } else if place == 0 && broken.is_some() {
                format!(" SUBS_TYPE=\"HypPart2\" SUBS_CONTENT=\"{}\"", broken.take().unwrap())
            } else {
                String::new()
            };
            let text = half.unwrap_or(word);
            write!(
                out,
                "<String CONTENT=\"{text}\" HPOS=\"{x}\" VPOS=\"{y}\" WIDTH=\"{w}\" HEIGHT=\"{h}\"{part}/>{}",
                if half.is_some() { "<HYP CONTENT=\"-\"/>" } else { "" }
            )
            .unwrap();
        }
        out.push_str("</TextLine>\n");
    }
    out.push_str("</TextBlock></PrintSpace></Page></Layout></alto>\n");
    out.into_bytes()
}

/// Where a word is: line and place in it, from 0.
pub(crate) fn area(lines: &[&str], line: usize, place: usize) -> [u32; 4] {
    let width = |word: &str| 10 * word.trim_end_matches('¬').chars().count() as u32;
    let words: Vec<&str> = lines[line].split(' ').filter(|word| !word.is_empty()).collect();
    let x = 50 + words[..place].iter().map(|word| width(word) + 10).sum::<u32>();
    [x, 40 + 60 * line as u32, width(words[place]), 30]
}

/// The fragment of a URI for a box.
pub(crate) fn fragment([x, y, w, h]: [u32; 4]) -> String {
    format!("xywh={x},{y},{w},{h}")
}
