//! A query string as a request. Content Search 2.0 §4.1, §5.1; 1.0 §3.2, §4.2.

use std::fmt;

use super::{DateRange, Motivation, Operation, SearchRequestError, Version};
use crate::discovery::Timestamp;
use crate::identifier::Identifier;

/// Longest `q`, in characters.
const MOST_CHARACTERS: usize = 2000;
/// Most words, dates or users in one parameter.
const MOST_PARTS: usize = 100;

/// A parameter that the specifications define.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// `q`: what to search for.
    Query,
    /// `motivation`.
    Motivation,
    /// `date`.
    Date,
    /// `user`.
    User,
    /// `min`, of completions only.
    Min,
}

impl Parameter {
    /// All of them, in the order of the specification.
    pub const ALL: [Self; 5] = [Self::Query, Self::Motivation, Self::Date, Self::User, Self::Min];

    /// Its name in query strings and in `ignored`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "q",
            Self::Motivation => "motivation",
            Self::Date => "date",
            Self::User => "user",
            Self::Min => "min",
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is searched for. What is empty does not restrict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// `q`: for a search its terms, for a completion one text, with the blanks at its end.
    pub q: String,
    /// `motivation`: one of them has to be the annotation's.
    pub motivations: Vec<Motivation>,
    /// `date`: one of them has to hold the moment at which the annotation was made.
    pub dates: Vec<DateRange>,
    /// `user`: one of them has to be the annotation's maker.
    pub users: Vec<String>,
    /// `min`: how often a term has to occur to be offered; at least 1.
    pub min: u64,
    /// `page`, which is this implementation's own: the page of the answer, from 1.
    pub page: u64,
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self { q: String::new(), motivations: Vec::new(), dates: Vec::new(), users: Vec::new(), min: 1, page: 1 }
    }
}

/// The parameter that chooses a page of the answer.
pub(super) const PAGE: &str = "page";

impl SearchRequest {
    /// Reads the query string of a search (what follows `?`, still encoded). Parameters of other names are passed over; those of the
    /// specification that have no meaning here are in the second value, for `ignored`.
    ///
    /// # Errors
    ///
    /// [`SearchRequestError`] for dates, users and pages that cannot be read, and for what is longer than anybody asks.
    pub fn parse(query: &str, version: Version) -> Result<(Self, Vec<Parameter>), SearchRequestError> {
        let read = Self::read(query, version, Operation::Search)?;
        let request = Self { q: read.q.trim().to_owned(), ..read };
        let given = pairs(query).any(|(name, value)| name == Parameter::Min.name() && !value.is_empty());
        Ok((request, if given { vec![Parameter::Min] } else { Vec::new() }))
    }

    /// Reads the query string of a completion, as [`SearchRequest::parse`] does that of a search.
    ///
    /// # Errors
    ///
    /// Those of [`SearchRequest::parse`]; without `q`, which is required (2.0 §5.1, 1.0 §4.2); and for a `min` that is no number.
    pub fn parse_autocomplete(query: &str, version: Version) -> Result<(Self, Vec<Parameter>), SearchRequestError> {
        let read = Self::read(query, version, Operation::Autocomplete)?;
        let request = Self { q: read.q.trim_start().to_owned(), ..read };
        if request.q.is_empty() {
            let expected = "the beginning of a term, as in `?q=bir`";
            return Err(SearchRequestError::Missing { parameter: "q", expected });
        }
        Ok((request, Vec::new()))
    }

    /// A completion has no pages, and a search no `min`.
    fn read(query: &str, version: Version, operation: Operation) -> Result<Self, SearchRequestError> {
        let mut request = Self::default();
        for (name, value) in pairs(query) {
            if value.is_empty() {
                continue;
            }
            match name.as_str() {
                "q" if request.q.is_empty() => request.q = terms(&value)?,
                "motivation" => {
                    let words = words("motivation", &value)?;
                    extend(&mut request.motivations, words.map(|word| Motivation::parse(word, version)));
                }
                "date" => {
                    for text in words("date", &value)? {
                        extend(&mut request.dates, [DateRange::parse(text)?]);
                    }
                }
                "user" => {
                    for text in words("user", &value)? {
                        extend(&mut request.users, [user(text)?]);
                    }
                }
                "min" if operation == Operation::Autocomplete => {
                    request.min = number("min", &value).unwrap_or(Ok(1))?;
                }
                PAGE if operation == Operation::Search => {
                    request.page = number(PAGE, &value).unwrap_or(Ok(1))?;
                }
                _ => {}
            }
        }
        Ok(request)
    }

    /// The same request without what the caller does not do, and which of that it asked for: for `ignored`.
    #[must_use]
    pub fn without(mut self, undone: &[Parameter]) -> (Self, Vec<Parameter>) {
        let mut ignored = Vec::new();
        for parameter in Parameter::ALL.into_iter().filter(|parameter| undone.contains(parameter)) {
            let given = match parameter {
                Parameter::Query => !std::mem::take(&mut self.q).is_empty(),
                Parameter::Motivation => !std::mem::take(&mut self.motivations).is_empty(),
                Parameter::Date => !std::mem::take(&mut self.dates).is_empty(),
                Parameter::User => !std::mem::take(&mut self.users).is_empty(),
                Parameter::Min => std::mem::replace(&mut self.min, 1) != 1,
            };
            if given {
                ignored.push(parameter);
            }
        }
        (self, ignored)
    }

    /// The request for another page of the same answer.
    #[must_use]
    pub fn at_page(&self, page: u64) -> Self {
        Self { page, ..self.clone() }
    }

    /// May an annotation with these motivations, written as in 3.0, be in the answer? Without any it is in none that asks for one.
    pub fn admits_motivations(&self, motivations: &[&str]) -> bool {
        self.motivations.is_empty()
            || self.motivations.iter().any(|wanted| motivations.iter().any(|given| wanted.admits(given)))
    }

    /// May an annotation that was made at this moment be in the answer?
    pub fn admits_date(&self, created: Option<Timestamp>) -> bool {
        self.dates.is_empty() || created.is_some_and(|created| self.dates.iter().any(|range| range.contains(created)))
    }

    /// May an annotation of these makers be in the answer?
    pub fn admits_users(&self, creators: &[&str]) -> bool {
        self.users.is_empty() || self.users.iter().any(|user| creators.contains(&user.as_str()))
    }

    /// May the text of pages be in the answer? It is `supplementing`, and has neither date nor maker.
    pub fn admits_page_text(&self) -> bool {
        self.admits_motivations(&["supplementing"]) && self.admits_date(None) && self.admits_users(&[])
    }

    /// The query string that says this, without `page`. Requests that mean the same have the same.
    pub fn to_query(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(" ");
        let min = if self.min > 1 { self.min.to_string() } else { String::new() };
        let values = [
            (Parameter::Query, self.q.clone()),
            (Parameter::Motivation, joined(self.motivations.iter().map(ToString::to_string).collect())),
            (Parameter::Date, joined(self.dates.iter().map(ToString::to_string).collect())),
            (Parameter::User, self.users.join(" ")),
            (Parameter::Min, min),
        ];
        let mut query = String::new();
        for (parameter, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
            append(&mut query, parameter.name(), &value);
        }
        query
    }
}

/// Adds `name=value` to a query string.
pub(super) fn append(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    query.push_str(&Identifier::new(value).encoded().to_string());
}

/// Adds what is not there yet.
fn extend<T: PartialEq>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

/// `q`, with control characters taken for blanks.
fn terms(value: &str) -> Result<String, SearchRequestError> {
    if value.chars().count() > MOST_CHARACTERS {
        return Err(SearchRequestError::TooLong { parameter: "q", most: MOST_CHARACTERS, unit: "characters" });
    }
    Ok(value.chars().map(|character| if character.is_control() { ' ' } else { character }).collect())
}

fn words<'v>(
    parameter: &'static str,
    value: &'v str,
) -> Result<impl Iterator<Item = &'v str> + use<'v>, SearchRequestError> {
    if value.split_whitespace().count() > MOST_PARTS {
        return Err(SearchRequestError::TooLong { parameter, most: MOST_PARTS, unit: "parts" });
    }
    Ok(value.split_whitespace())
}

fn user(text: &str) -> Result<String, SearchRequestError> {
    let is_uri = text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
    });
    if is_uri {
        Ok(text.to_owned())
    } else {
        Err(SearchRequestError::malformed("user", text, "URIs of users, such as `https://example.org/users/1`"))
    }
}

/// A number of at least 1; `None` for blanks.
fn number(parameter: &'static str, value: &str) -> Option<Result<u64, SearchRequestError>> {
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_plain { value.parse().ok().filter(|number| *number > 0) } else { None };
    Some(number.ok_or_else(|| SearchRequestError::malformed(parameter, value, "a whole number, 1 or more")))
}

/// Names and values of a query string, as HTML forms encode them: `+` is a blank, a `%` without two digits is itself, and bytes that are
/// no UTF-8 become U+FFFD.
fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', ..) => out.push(b' '),
            (byte, ..) => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
