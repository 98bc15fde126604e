//! What people type, understood. Nothing they type is an error.
//!
//! | typed | means |
//! |---|---|
//! | `green bird` | pages with both; each occurrence is a match, neighbours are one |
//! | `"green bird"` | one after the other, over lines and pages, in exactly these forms |
//! | `bir*` | words that begin so |
//! | `bird~`, `bird~2` | words that differ by one letter, by up to two |
//! | `-bird` | not on pages with it |

use std::fmt;

use crate::analysis::{Positions, fold};

/// The most that is read of a query.
const LONGEST_CHARACTERS: usize = 2000;
/// The most words or phrases of a query; the rest is not read.
const MOST_CLAUSES: usize = 64;
/// The most pieces of a query that mean more than one word: each of them is a walk through all words of the text. Further ones mean
/// exactly what was typed.
const MOST_OPEN: usize = 16;
/// The longest word of which others may differ: the tables for comparing grow with it.
const LONGEST_FUZZY: usize = 64;
/// The most edits of a word.
const MOST_EDITS: u8 = 2;

/// A query, understood. What it prints means the same again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    clauses: Vec<Clause>,
}

/// A word or a phrase of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Must it be there, or not?
    pub sense: Sense,
    /// Was it in quotes?
    pub is_phrase: bool,
    /// The words, one where it was not in quotes.
    pub words: Vec<QueryWord>,
    pub(crate) pieces: Vec<QueryPiece>,
}

/// Must a clause be there, or not?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// It must be on the page.
    Include,
    /// It must not be on the page.
    Exclude,
}

/// A word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryWord {
    /// As it was typed, without `-`, `*` and `~`.
    pub text: String,
    /// Which words it means.
    pub way: Way,
}

/// Which words a word of a query means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Those with the same term; not in quotes also those with the same stem, where the language of the text is known.
    Exact,
    /// Those that begin so.
    Prefix,
    /// Those that differ by up to so many letters: 1 or 2.
    Fuzzy(u8),
}

/// What one position of a match must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryPiece {
    /// Its distance from the first.
    pub(crate) offset: u32,
    pub(crate) term: String,
    /// As it was typed: stems need the accents.
    pub(crate) typed: String,
    pub(crate) way: Way,
    pub(crate) is_character: bool,
}

impl Query {
    /// Understands what was typed.
    pub fn parse(typed: &str) -> Self {
        let limit = typed.char_indices().nth(LONGEST_CHARACTERS).map_or(typed.len(), |(at, _)| at);
        let mut rest = &typed[..limit];
        let mut clauses: Vec<Clause> = Vec::new();
        let mut open = 0;
        while clauses.len() < MOST_CLAUSES {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let (clause, after) = next_clause(rest);
            rest = after;
            let Some(clause) = clause else { continue };
            let more = clause.pieces.iter().filter(|piece| piece.way != Way::Exact).count();
            if open + more > MOST_OPEN {
                clauses.extend(clause.closed());
            } else {
                open += more;
                clauses.push(clause);
            }
        }
        Self { clauses }
    }

    /// What was understood, in the order in which it was typed.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// True when it finds nothing wherever it is asked: nothing has to be there.
    pub fn is_empty(&self) -> bool {
        !self.clauses.iter().any(|clause| clause.sense == Sense::Include)
    }

    /// What has to be there.
    pub(crate) fn included(&self) -> impl Iterator<Item = &Clause> {
        self.clauses.iter().filter(|clause| clause.sense == Sense::Include)
    }

    /// What must not be there.
    pub(crate) fn excluded(&self) -> impl Iterator<Item = &Clause> {
        self.clauses.iter().filter(|clause| clause.sense == Sense::Exclude)
    }
}

impl Clause {
    /// A clause of these words; `None` when there is nothing to find in them.
    pub(crate) fn new(sense: Sense, is_phrase: bool, mut words: Vec<QueryWord>) -> Option<Self> {
        // Signs that hang on nothing.
        words.retain(|word| !word.text.is_empty());
        let mut pieces: Vec<QueryPiece> = Vec::new();
        let mut positions = Positions::default();
        let mut first = None;
        for word in &words {
            let begin = pieces.len();
            positions.each(&word.text, |piece| {
                let typed = &word.text[piece.range];
                let term = fold(typed).into_owned();
                let way = if piece.is_character { Way::Exact } else { word.way.within(&term) };
                let offset = piece.position - *first.get_or_insert(piece.position);
                pieces.push(QueryPiece {
                    offset,
                    term,
                    typed: typed.to_owned(),
                    way,
                    is_character: piece.is_character,
                });
            });
            // Only the end of a word may be open: `l'am*` begins with the whole word `l`.
            let end = pieces.len().saturating_sub(1).max(begin);
            pieces[begin..end].iter_mut().filter(|piece| piece.way == Way::Prefix).for_each(|it| it.way = Way::Exact);
        }
        if pieces.is_empty() {
            return None;
        }
        Some(Self { sense, is_phrase, words, pieces })
    }

    /// The same words, none of which means another.
    fn closed(self) -> Option<Self> {
        let words = self.words.into_iter().map(|word| QueryWord { way: Way::Exact, ..word }).collect();
        Self::new(self.sense, self.is_phrase, words)
    }

    /// The number of positions from the first piece to behind the last.
    pub(crate) fn length(&self) -> u32 {
        self.pieces.last().map_or(0, |last| last.offset + 1)
    }
}

impl Way {
    /// No more edits than leave something of the word.
    fn within(self, term: &str) -> Self {
        match self {
            Self::Fuzzy(edits) => {
                let length = term.chars().count();
                let most =
                    if length > LONGEST_FUZZY { 0 } else { length.saturating_sub(1).min(usize::from(MOST_EDITS)) };
                match edits.min(most as u8) {
                    0 => Self::Exact,
                    edits => Self::Fuzzy(edits),
                }
            }
            other => other,
        }
    }
}

/// Quotation marks of all languages; which of them opens and which closes does not matter.
pub(crate) const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '＂' | '〝' | '〞' | '〟')
}

/// The first clause of a text that does not begin with white space, and what follows it.
fn next_clause(text: &str) -> (Option<Clause>, &str) {
    let negated = text.strip_prefix('-').filter(|rest| rest.starts_with(|next: char| !next.is_whitespace()));
    let (sense, body) = negated.map_or((Sense::Include, text), |rest| (Sense::Exclude, rest));
    if let Some(inner) = body.strip_prefix(is_quote) {
        let Some(end) = inner.find(is_quote) else {
            // Somebody is still typing, or wrote inches: the quote means nothing.
            return next_word(inner, sense);
        };
        let (quoted, after) = inner.split_at(end);
        let after = after.trim_start_matches(is_quote);
        // What hangs on a closing quote, as in `"a b"~5`, is not understood here.
        let hanging = after.find(|next: char| next.is_whitespace() || is_quote(next)).unwrap_or(after.len());
        let is_suffix = after.starts_with(['~', '*']);
        let words = quoted.split_whitespace().map(query_word).collect();
        return (Clause::new(sense, true, words), if is_suffix { &after[hanging..] } else { after });
    }
    next_word(body, sense)
}

fn next_word(text: &str, sense: Sense) -> (Option<Clause>, &str) {
    let end = text.find(|next: char| next.is_whitespace() || is_quote(next)).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    // A minus that excludes nothing is only a sign.
    let word = word.trim_start_matches('-');
    (Clause::new(sense, false, vec![query_word(word)]), after)
}

/// A word with what hangs on its end.
fn query_word(word: &str) -> QueryWord {
    if let Some(text) = word.strip_suffix(['*', '＊']) {
        return QueryWord { text: text.trim_end_matches(['*', '＊']).to_owned(), way: Way::Prefix };
    }
    if let Some((text, edits)) = word.rsplit_once(['~', '～'])
        && edits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        let way = match edits {
            "" | "1" => Way::Fuzzy(1),
            "0" => Way::Exact,
            _ => Way::Fuzzy(MOST_EDITS),
        };
        return QueryWord { text: text.to_owned(), way };
    }
    QueryWord { text: word.to_owned(), way: Way::Exact }
}

impl fmt::Display for QueryWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.way {
            // What looks like a suffix and was none has to stay none.
            Way::Exact if query_word(&self.text) != *self => f.write_str("~0"),
            Way::Exact => Ok(()),
            Way::Prefix => f.write_str("*"),
            Way::Fuzzy(edits) => write!(f, "~{edits}"),
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sense == Sense::Exclude {
            f.write_str("-")?;
        }
        let words: Vec<_> = self.words.iter().map(ToString::to_string).collect();
        if self.is_phrase { write!(f, "\"{}\"", words.join(" ")) } else { f.write_str(&words.join(" ")) }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clauses: Vec<_> = self.clauses.iter().map(ToString::to_string).collect();
        f.write_str(&clauses.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(typed: &str) -> Vec<String> {
        let query = Query::parse(typed);
        let piece = |piece: &QueryPiece| match piece.way {
            Way::Exact => format!("{}@{}", piece.term, piece.offset),
            Way::Prefix => format!("{}*@{}", piece.term, piece.offset),
            Way::Fuzzy(edits) => format!("{}~{edits}@{}", piece.term, piece.offset),
        };
        let clause = |clause: &Clause| {
            let pieces: Vec<_> = clause.pieces.iter().map(piece).collect();
            let sign = if clause.sense == Sense::Exclude { "-" } else { "" };
            format!("{sign}{}{}", if clause.is_phrase { "phrase " } else { "" }, pieces.join(" "))
        };
        query.clauses().iter().map(clause).collect()
    }

    #[test]
    fn t4_what_people_type_is_understood() {
        for (typed, want) in [
            ("Green bird", vec!["green@0", "bird@0"]),
            ("\"Green bird\"", vec!["phrase green@0 bird@1"]),
            ("„Green bird“ tree", vec!["phrase green@0 bird@1", "tree@0"]),
            ("bir*", vec!["bir*@0"]),
            ("\"green bir*\"", vec!["phrase green@0 bir*@1"]),
            (
                "bird~ bird~1 bird~2 bird~7 bird~0 bird~0.8",
                vec!["bird~1@0", "bird~1@0", "bird~2@0", "bird~2@0", "bird@0", "bird~2@0"],
            ),
            ("a~2 ab~2", vec!["a@0", "ab~1@0"]),
            ("tree -bird -\"green bird\"", vec!["tree@0", "-bird@0", "-phrase green@0 bird@1"]),
            ("l'amour Staats-Anzei*", vec!["l@0 amour@1", "staats@0 anzei*@1"]),
            ("東京 東、京", vec!["東@0 京@1", "東@0 京@2"]),
            ("東*", vec!["東@0"]),
        ] {
            assert_eq!(shown(typed), want, "{typed}");
        }
    }

    #[test]
    fn t4_unbalanced_syntax_never_errs() {
        for (typed, want) in [
            ("\"green bird", vec!["green@0", "bird@0"]),
            ("green\" bird", vec!["green@0", "bird@0"]),
            ("\"\" * ~ - -- ~2 \"-\" -* ''", vec![]),
            ("\"a b\"~5 c", vec!["phrase a@0 b@1", "c@0"]),
            ("\"~0 a * b\"", vec!["phrase a@0 b@1"]),
            ("- a", vec!["a@0"]),
            ("--a", vec!["-a@0"]),
            ("(a OR b) AND title:c", vec!["a@0", "or@0", "b@0", "and@0", "title@0 c@1"]),
            ("", vec![]),
        ] {
            assert_eq!(shown(typed), want, "{typed}");
        }
        assert!(Query::parse("-bird").is_empty());
        let open = |typed: &str| {
            let query = Query::parse(typed);
            query.clauses().iter().flat_map(|it| &it.pieces).filter(|it| it.way != Way::Exact).count()
        };
        assert_eq!(open(&"ab~2 ".repeat(40)), MOST_OPEN);
        assert_eq!(open(&format!("\"{}\" ab*", "ab* ".repeat(40))), 1);
        assert_eq!((open(&format!("{}~", "a".repeat(64))), open(&format!("{}~", "a".repeat(65)))), (1, 0));
        assert!(Query::parse(&"a ".repeat(10_000)).clauses().len() <= MOST_CLAUSES);
    }

    proptest::proptest! {
        #[test]
        fn what_a_query_prints_means_the_same(typed in "[a-cÄ東京\"“*~ '\\-0-2.]{0,20}") {
            let query = Query::parse(&typed);
            proptest::prop_assert_eq!(Query::parse(&query.to_string()), query);
        }

        #[test]
        fn any_text_is_a_query(typed in "\\PC{0,40}") {
            let _ = Query::parse(&typed);
        }
    }
}
