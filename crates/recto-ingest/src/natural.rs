//! The order in which people expect names: numbers by value, letters without regard to case and accents.
//!
//! `2`, `002v`, `10`: a run of digits counts as its number, and what follows it comes after it. The order is total: two
//! different names never compare as equal, so that a list is the same whatever order a file system gives it in.

use std::cmp::Ordering;

/// Compares two names in natural order.
pub fn compare(left: &str, right: &str) -> Ordering {
    NaturalKey::new(left).cmp(&NaturalKey::new(right))
}

/// A name prepared for sorting: compute once, compare often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NaturalKey {
    /// Numbers and folded letters, encoded so that bytes compare as the name does.
    folded: Vec<u8>,
    /// The name itself decides between names that look alike.
    name: String,
}

const NUMBER: u8 = 1;
const LETTER: u8 = 2;

impl NaturalKey {
    /// The key of this name.
    pub fn new(name: &str) -> Self {
        let mut folded = Vec::with_capacity(name.len() * 2);
        let mut digits: Vec<u8> = Vec::new();
        for character in name.chars() {
            if let Some(digit) = digit_value(character) {
                digits.push(digit);
                continue;
            }
            push_number(&mut folded, &mut digits);
            push_letter(&mut folded, character);
        }
        push_number(&mut folded, &mut digits);
        Self { folded, name: name.to_owned() }
    }

    /// The key as bytes that compare as the key does, for databases.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.folded;
        // Less than any byte that a longer name goes on with.
        bytes.push(0);
        bytes.extend_from_slice(self.name.as_bytes());
        bytes
    }
}

/// A number as its length and its digits, so that longer is larger; zeros in front do not count.
fn push_number(folded: &mut Vec<u8>, digits: &mut Vec<u8>) {
    if digits.is_empty() {
        return;
    }
    let significant = digits.iter().position(|digit| *digit != 0).map_or(&[][..], |first| &digits[first..]);
    folded.push(NUMBER);
    folded.extend_from_slice(&(significant.len() as u64).to_be_bytes());
    folded.extend_from_slice(significant);
    digits.clear();
}

fn push_letter(folded: &mut Vec<u8>, character: char) {
    if is_combining_accent(character) {
        return;
    }
    for lower in character.to_lowercase() {
        for letter in base_letters(lower).chars().chain(base_letters(lower).is_empty().then_some(lower)) {
            if !is_combining_accent(letter) {
                folded.push(LETTER);
                folded.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

/// Accents that stand as characters of their own, as macOS writes `é` in file names.
const fn is_combining_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// First character of each run of ten decimal digits in the scripts that number pages.
const ZEROS: [char; 18] = [
    '0', '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}',
    '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{ff10}',
];

fn digit_value(character: char) -> Option<u8> {
    if character.is_ascii() {
        return character.is_ascii_digit().then(|| character as u8 - b'0');
    }
    ZEROS.iter().find_map(|zero| {
        let distance = (character as u32).checked_sub(*zero as u32)?;
        (distance < 10).then_some(distance as u8)
    })
}

/// The letters under which a lower-case Latin letter with a mark is filed; empty when it is filed as itself.
const fn base_letters(lower: char) -> &'static str {
    match lower {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_come_in_the_order_in_which_people_count() {
        for ordered in [
            &["001", "002", "002v", "010"][..],
            &["1", "2", "10", "100"],
            &["page 1", "page 2", "page 10"],
            &["page1a", "page1b", "page2"],
            &["f. 9r", "f. 9v", "f. 10r", "f. 10v"],
            &["vol1_p2", "vol1_p10", "vol2_p1"],
            &["01", "1", "02"],
            &["", "0", "1", "a"],
            &["Alpha", "beta", "Gamma"],
            &["Ägypten", "Berlin", "Österreich", "Paris", "Zürich"],
            &["e\u{301}tude 2", "étude 3", "etude 10"],
            &["Strasse 1", "Straße 2", "Strasse 3"],
            &["٢", "١٠"],
            &["頁２", "頁１０"],
            &["99999999999999999999999999999999", "100000000000000000000000000000000"],
            &["a", "a1", "a2", "ab"],
        ] {
            for pair in ordered.windows(2) {
                assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{} before {}", pair[0], pair[1]);
            }
        }
    }

    #[test]
    fn names_that_look_alike_still_have_an_order() {
        for (left, right) in [("a", "A"), ("1", "01"), ("é", "e"), ("é", "e\u{301}"), ("1", "١")] {
            assert_ne!(compare(left, right), Ordering::Equal, "{left} and {right}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total(names in proptest::array::uniform3("[a-cA-C0-3äÄ. _\u{301}٣-]{0,6}")) {
            let [a, b, c] = &names;
            prop_assert_eq!(compare(a, b), compare(b, a).reverse());
            prop_assert_eq!(compare(a, b) == Ordering::Equal, a == b);
            let bytes = |name: &str| NaturalKey::new(name).into_bytes();
            prop_assert_eq!(bytes(a).cmp(&bytes(b)), compare(a, b));
            if compare(a, b).is_le() && compare(b, c).is_le() {
                prop_assert!(compare(a, c).is_le());
            }
        }

        #[test]
        fn numbers_are_ordered_by_value(left: u64, right: u64, zeros in 0_usize..5) {
            let padded = format!("p{}{left}", "0".repeat(zeros));
            let order = compare(&padded, &format!("p{right}"));
            if left != right {
                prop_assert_eq!(order, left.cmp(&right));
            }
        }

        #[test]
        fn any_text_can_be_compared(left: String, right: String) {
            prop_assert_eq!(compare(&left, &right) == Ordering::Equal, left == right);
        }
    }
}
