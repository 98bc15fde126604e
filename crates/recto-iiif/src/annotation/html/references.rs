//! Character references: `&amp;`, `&#228;`, `&#xe4;`.

/// The length of a whole character reference at the beginning of a text, and the character where it is known.
pub(super) fn reference(text: &str) -> Option<(usize, Option<char>)> {
    let end = text.char_indices().take(34).find(|(_, c)| *c == ';')?.0;
    let name = text.get(1..end)?;
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        // What is no character is shown as one that stands for it; null is none either.
        let character = char::from_u32(code).filter(|c| *c != '\0').unwrap_or('\u{fffd}');
        return Some((end + 1, Some(character)));
    }
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| (end + 1, NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)))
}

/// References that texts of annotations have, and those that could hide an address.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("colon", ':'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("sol", '/'),
    ("lpar", '('),
    ("rpar", ')'),
    ("num", '#'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("sbquo", '‚'),
    ("bdquo", '„'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("Eacute", 'É'),
    ("aacute", 'á'),
    ("agrave", 'à'),
    ("acirc", 'â'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("AElig", 'Æ'),
    ("oelig", 'œ'),
    ("iacute", 'í'),
    ("igrave", 'ì'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("oacute", 'ó'),
    ("ograve", 'ò'),
    ("ocirc", 'ô'),
    ("oslash", 'ø'),
    ("uacute", 'ú'),
    ("ugrave", 'ù'),
    ("ucirc", 'û'),
    ("ccedil", 'ç'),
    ("ntilde", 'ñ'),
    ("copy", '©'),
    ("reg", '®'),
    ("deg", '°'),
    ("middot", '·'),
    ("times", '×'),
    ("sect", '§'),
    ("para", '¶'),
    ("dagger", '†'),
    ("euro", '€'),
    ("pound", '£'),
    ("shy", '\u{ad}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
];

/// A text with its character references resolved.
pub(super) fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // Browsers take numbers without their semicolon too.
        let known = reference(rest).and_then(|(length, c)| Some((length, c?))).or_else(|| unclosed_number(rest));
        let (length, c) = known.unwrap_or((1, '&'));
        out.push(c);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

fn unclosed_number(text: &str) -> Option<(usize, char)> {
    let number = text.strip_prefix("&#")?;
    let (digits, radix, skipped) = match number.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16, 3),
        None => (number, 10, 2),
    };
    let length = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
    Some((skipped + length, char::from_u32(code).unwrap_or('\u{fffd}')))
}
