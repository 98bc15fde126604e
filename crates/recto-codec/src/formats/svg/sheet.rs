//! A style sheet, read as `simplecss` 0.2 reads it, with all that it passes over; only what it finds is not kept.

/// What is told of a sheet, piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// What a rule is for. Each selector of a list makes a rule of its own.
    Selector(Selector),
    /// A declaration of the rules whose selectors came last, how many they are, and the bytes of its value.
    Declaration { name: &'a str, rules: u64, bytes: u64 },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    /// Names, classes and the like.
    pub(super) parts: u64,
    /// Parts that may stand any number of levels above the next.
    pub(super) descents: u64,
    pub(super) looks_beside: bool,
    /// It looks for words in attributes other than `class`.
    pub(super) looks_inside: bool,
}

/// Reads a sheet. At whatever it does not take, the library counts the lines before it: gives the bytes that it goes over for
/// that, all in all.
pub(super) fn read<'a>(text: &'a str, tell: &mut dyn FnMut(Piece<'a>)) -> u64 {
    let mut reader = Reader { text, at: 0, from: 0, recounted: 0 };
    while reader.spaces_and_comments().is_some() && reader.byte().is_some() {
        let _end = if reader.skip(b'@') { reader.at_rule() } else { reader.rules(tell) };
    }
    reader.recounted
}

/// `None` is where the library gives up a part.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// From where it counts lines.
    from: usize,
    recounted: u64,
}

impl<'a> Reader<'a> {
    fn at_rule(&mut self) -> Option<()> {
        self.ident()?;
        self.skip_while(|byte| byte != b';' && byte != b'{');
        if !self.skip(b';') {
            self.skip(b'{');
            self.end_of_block();
        }
        Some(())
    }

    /// Selectors and the block behind them.
    fn rules(&mut self, tell: &mut dyn FnMut(Piece<'a>)) -> Option<()> {
        let mut rules = 0;
        while self.byte()? == b',' || rules == 0 {
            self.skip(b',');
            self.from = self.at;
            if let Some(selector) = self.selector() {
                rules += 1;
                tell(Piece::Selector(selector));
            }
            self.from = 0;
            self.spaces();
            if self.byte()? != b',' {
                self.skip_while(|byte| byte != b'{');
                break;
            }
        }
        self.skip(b'{');
        while self.byte().is_some_and(|byte| byte != b'}') {
            let Some((name, bytes)) = self.declaration() else {
                self.end_of_block();
                break;
            };
            tell(Piece::Declaration { name, rules, bytes });
        }
        self.skip(b'}');
        Some(())
    }

    fn selector(&mut self) -> Option<Selector> {
        let mut found = Selector::default();
        // A part has to come next.
        let mut is_open = true;
        while let Some(byte) = self.byte() {
            match byte {
                b'*' if !is_open => return None,
                b'>' | b'+' if is_open => return None,
                b'>' | b'+' => {
                    self.at += 1;
                    is_open = true;
                    found.parts += 1;
                    found.looks_beside |= byte == b'+';
                }
                b'/' if self.rest().starts_with("/*") => self.comment()?,
                b',' | b'{' | b'/' => break,
                _ if is_space(byte) => {
                    self.spaces();
                    while !is_open && self.byte() == Some(b'/') {
                        self.comment()?;
                        self.spaces();
                    }
                    if !is_open && !matches!(self.byte(), None | Some(b'>' | b'+' | b',' | b'{')) {
                        is_open = true;
                        found.descents += 1;
                    }
                }
                _ => {
                    self.part(byte, is_open, &mut found)?;
                    is_open = false;
                    found.parts += 1;
                }
            }
        }
        (!is_open).then_some(found)
    }

    fn part(&mut self, byte: u8, is_open: bool, found: &mut Selector) -> Option<()> {
        if !b"*#.[:".contains(&byte) {
            self.ident()?;
            return is_open.then_some(());
        }
        self.at += 1;
        match byte {
            b'*' => {}
            b'[' => {
                self.ident()?;
                if self.byte()? != b']' {
                    if self.skip(b'~') || self.skip(b'|') {
                        found.looks_inside = true;
                    }
                    self.take(b'=')?;
                    self.string()?;
                }
                self.take(b']')?;
            }
            b':' => match self.ident()? {
                "lang" => {
                    self.take(b'(')?;
                    self.skip_while(|byte| byte != b')');
                    self.take(b')')?;
                }
                "first-child" => found.looks_beside = true,
                "link" | "visited" | "hover" | "active" | "focus" => {}
                _ => return None,
            },
            _ => {
                self.ident()?;
            }
        }
        Some(())
    }

    /// A property and the bytes of its value.
    fn declaration(&mut self) -> Option<(&'a str, u64)> {
        self.spaces_and_comments()?;
        self.skip(b'*');
        let name = self.ident()?;
        self.spaces_and_comments()?;
        self.take(b':')?;
        self.spaces_and_comments()?;
        let start = self.at;
        let mut end = start;
        while self.term().is_some() {
            end = self.at;
            self.spaces_and_comments()?;
        }
        self.spaces_and_comments()?;
        if self.skip(b'!') {
            self.spaces_and_comments()?;
            if self.rest().starts_with("important") {
                self.at += "important".len();
            }
            self.spaces_and_comments()?;
        }
        while self.skip(b';') {
            self.spaces_and_comments()?;
        }
        let value = self.text.get(start..end).unwrap_or_default().trim();
        if value.is_empty() { self.wrong() } else { Some((name, value.len() as u64)) }
    }

    fn term(&mut self) -> Option<()> {
        match self.byte()? {
            b'#' => {
                self.at += 1;
                if self.ident().is_none() {
                    self.skip_while(|byte| byte.is_ascii_hexdigit());
                }
            }
            b'+' | b'-' | b'.' | b'0'..=b'9' => {
                self.at += 1;
                self.skip_while(|byte| byte.is_ascii_digit());
                if self.skip(b'.') {
                    self.skip_while(|byte| byte.is_ascii_digit());
                }
                if !self.skip(b'%') {
                    let _unit = self.ident();
                }
            }
            b'\'' | b'"' => self.string()?,
            b',' => self.at += 1,
            _ => {
                self.ident()?;
                if self.byte() == Some(b'(') {
                    self.skip_while(|byte| byte != b')');
                    self.take(b')')?;
                }
            }
        }
        Some(())
    }

    fn end_of_block(&mut self) {
        let mut braces = 0_u64;
        while let Some(byte) = self.byte() {
            match byte {
                b'{' => braces += 1,
                b'}' if braces == 0 => break,
                b'}' => braces -= 1,
                _ => {}
            }
            self.at += 1;
        }
        self.skip(b'}');
    }

    fn ident(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.skip(b'-');
        let mut letters = self.rest().chars();
        match letters.next() {
            Some(letter) if is_letter(letter) => self.at += letter.len_utf8(),
            Some(_) => return self.wrong(),
            None => {}
        }
        for letter in letters.take_while(|letter| is_letter(*letter) || letter.is_ascii_digit() || *letter == '-') {
            self.at += letter.len_utf8();
        }
        if self.at == start { self.wrong() } else { self.text.get(start..self.at) }
    }

    fn string(&mut self) -> Option<()> {
        let quote = self.byte()?;
        if !b"'\"".contains(&quote) {
            return self.ident().map(|_| ());
        }
        self.at += 1;
        let mut before = quote;
        while let Some(byte) = self.byte().filter(|byte| *byte != quote || before == b'\\') {
            before = byte;
            self.at += 1;
        }
        self.take(quote)
    }

    fn spaces_and_comments(&mut self) -> Option<()> {
        self.spaces();
        while self.rest().starts_with("/*") {
            self.comment()?;
            self.spaces();
        }
        Some(())
    }

    fn comment(&mut self) -> Option<()> {
        self.take(b'/')?;
        self.take(b'*')?;
        let length = self.rest().find("*/");
        self.at = length.map_or(self.text.len(), |length| self.at + length + 2);
        if length.is_some() { Some(()) } else { self.wrong() }
    }

    fn spaces(&mut self) {
        self.skip_while(is_space);
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_there = self.byte() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !test(*byte)).unwrap_or(rest.len());
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        if self.skip(byte) { Some(()) } else { self.wrong() }
    }

    fn wrong<T>(&mut self) -> Option<T> {
        self.recounted = self.recounted.saturating_add((self.at - self.from) as u64);
        None
    }
}

fn is_space(byte: u8) -> bool {
    b" \t\n\r\x0c".contains(&byte)
}

fn is_letter(letter: char) -> bool {
    letter == '_' || letter.is_ascii_alphabetic() || u32::from(letter) > 237
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        read(text, &mut |piece| pieces.push(piece));
        pieces
    }

    #[test]
    fn selectors_are_told_with_what_they_look_at() {
        for (text, want) in [
            ("a{b:c}", Some((1, 0, false, false))),
            (" .a.b#c , *[d] {b:c}", Some((3, 0, false, false))),
            ("a b\tc/* d */ /**/ e{b:c}", Some((4, 3, false, false))),
            ("a > b /**/ > c d{b:c}", Some((6, 1, false, false))),
            ("a + b:first-child{b:c}", Some((4, 0, true, false))),
            ("a:hover:lang(en){b:c}", Some((3, 0, false, false))),
            ("*[a='{ } ,']  [b~=\"c\"]{b:c}", Some((3, 1, false, true))),
            ("a:before{b:c}", None),
            ("> a{b:c}", None),
            ("a >{b:c}", None),
            ("a!b c{b:c}", None),
        ] {
            let first = pieces(text).into_iter().find_map(|piece| match piece {
                Piece::Selector(found) => Some((found.parts, found.descents, found.looks_beside, found.looks_inside)),
                Piece::Declaration { .. } => None,
            });
            assert_eq!(first, want, "{text}");
        }
    }

    #[test]
    fn every_selector_of_a_list_has_the_declarations() {
        let told = |text: &str| {
            let mut told = (0, Vec::new());
            for piece in pieces(text) {
                match piece {
                    Piece::Selector(_) => told.0 += 1,
                    Piece::Declaration { name, rules, bytes } => told.1.push(format!("{name} {rules} {bytes}")),
                }
            }
            told
        };
        for (text, selectors, declarations) in [
            ("", 0, vec![]),
            ("a, b,c{d:e; f : url(#g) ;}", 3, vec!["d 3 1", "f 3 7"]),
            ("@import 'a'; @font-face { d:e; {} } a{b:c}", 1, vec!["b 1 1"]),
            ("/* a{b:c} */ a{b:'}{' !important}c{d:1 2px #fff}", 2, vec!["b 1 4", "d 1 10"]),
            ("a{*b:c;!;d:e}f{g:h}", 2, vec!["b 1 1", "g 1 1"]),
            ("a,b", 2, vec![]),
            ("a{b:'c", 1, vec![]),
            ("}} a{b:c}", 0, vec!["b 0 1"]),
        ] {
            let (count, told) = told(text);
            let declarations: Vec<String> = declarations.into_iter().map(str::to_owned).collect();
            assert_eq!((count, told), (selectors, declarations), "{text}");
        }
    }

    #[test]
    fn lines_are_counted_at_every_value() {
        let sheet = "a{b:c}".repeat(1000);
        let recounted = read(&sheet, &mut |_| {});
        assert!((2_000_000..9_000_000).contains(&recounted), "{recounted}");
    }
}
