//! Reads mapping files, with findings at their lines.

use recto_iiif::presentation::LanguageMap;
use toml_edit::{Item, Table, TableLike, Value};

use super::{Form, Format, LabelFrom, Mapping, Rule, Use};
use crate::finding::{Finding, Findings, Severity};
use crate::readers::Path;

pub(super) fn lay_over(base: &Mapping, place: &str, text: &str) -> (Mapping, Vec<Finding>) {
    let mut mapping = base.clone();
    let mut reader = Reader { place, text, findings: Findings::default() };
    match text.parse::<toml_edit::Document<String>>() {
        Ok(document) => reader.file(document.as_table(), &mut mapping),
        Err(error) => {
            let message = format!("this is not TOML: {}", error.message().replace('\n', ", "));
            let at = error.span().map_or(0, |span| span.start);
            reader.find(Severity::Error, at, message, "put this line right; until then nothing of this file is used");
        }
    }
    let mut findings = reader.findings.into_list();
    findings.sort_by_key(|finding| (finding.line, finding.column));
    (mapping, findings)
}

struct Reader<'a> {
    place: &'a str,
    text: &'a str,
    findings: Findings,
}

const RULE_KEYS: [&str; 12] = [
    "path",
    "first",
    "use",
    "label",
    "label-from",
    "form",
    "join",
    "join-subfields",
    "after",
    "before",
    "hide",
    "comment",
];

impl Reader<'_> {
    fn find(&mut self, severity: Severity, offset: usize, message: String, fix: &str) {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let finding = Finding::new(severity, "mapping", self.place, message, fix)
            .at_line(line)
            .at_column(u32::try_from(column).unwrap_or(u32::MAX));
        self.findings.push(finding);
    }

    fn file(&mut self, file: &Table, mapping: &mut Mapping) {
        for (name, item) in file {
            let at = key_offset(file, name);
            let Some(section) = item.as_table_like() else {
                self.find(
                    Severity::Warning,
                    at,
                    format!("`{name}` is no table"),
                    "write `[mods.name]` and keys below it",
                );
                continue;
            };
            if let Some((_, format)) = Format::ALL.iter().find(|(known, _)| *known == name) {
                self.rules(section, mapping.rules.entry(*format).or_default());
                continue;
            }
            match name {
                "mets" => self.mets(section, mapping),
                "roles" | "types" => {
                    let labels = if name == "roles" { &mut mapping.roles } else { &mut mapping.types };
                    for (key, item) in section.iter() {
                        if let Some(label) = self.label(item, key_offset(section, key)) {
                            labels.insert(key.to_lowercase(), label);
                        }
                    }
                }
                _ => {
                    let names = Format::ALL.map(|(name, _)| name).join(", ");
                    let message = format!("`{name}` is no part of a mapping");
                    self.find(Severity::Warning, at, message, &format!("use one of {names}, mets, roles, types"));
                }
            }
        }
    }

    fn mets(&mut self, section: &dyn TableLike, mapping: &mut Mapping) {
        for (key, item) in section.iter() {
            let at = key_offset(section, key);
            let words = &mut mapping.mets;
            let list = match key {
                "images" => &mut words.images,
                "texts" => &mut words.texts,
                "downloads" => &mut words.downloads,
                "thumbnails" => &mut words.thumbnails,
                "ignored" => &mut words.ignored,
                "pages" => &mut words.pages,
                "uncounted" => &mut words.uncounted,
                _ => {
                    let fix = "use images, texts, downloads, thumbnails, ignored, pages, uncounted";
                    self.find(Severity::Warning, at, format!("`{key}` is not known in [mets]"), fix);
                    continue;
                }
            };
            match strings(item) {
                Some(strings) => *list = strings.into_iter().map(|(text, _)| text.to_lowercase()).collect(),
                None => self.find(
                    Severity::Warning,
                    at,
                    format!("`{key}` is no list of texts"),
                    "write `[\"ONE\", \"TWO\"]`",
                ),
            }
        }
    }

    fn rules(&mut self, section: &dyn TableLike, rules: &mut Vec<Rule>) {
        for (name, item) in section.iter() {
            let at = key_offset(section, name);
            let Some(table) = item.as_table_like() else {
                self.find(
                    Severity::Warning,
                    at,
                    format!("`{name}` is no rule"),
                    "write its keys below a line with its name in brackets",
                );
                continue;
            };
            let known = rules.iter().position(|rule| rule.name == name);
            let mut rule = known.and_then(|at| rules.get(at)).cloned().unwrap_or_default();
            name.clone_into(&mut rule.name);
            self.rule(table, &mut rule);
            if rule.paths.is_empty() {
                self.find(Severity::Warning, at, format!("the rule `{name}` has no path"), "write `path = \"…\"`");
                continue;
            }
            let place = self.place_of(table, rules);
            match (known, place) {
                (Some(at), None) => rules[at] = rule,
                (None, None) => rules.push(rule),
                (known, Some(place)) => {
                    rules.insert(place, rule);
                    if let Some(at) = known {
                        rules.remove(if at >= place { at + 1 } else { at });
                    }
                }
            }
        }
    }

    /// Where `after` or `before` puts a rule.
    fn place_of(&mut self, table: &dyn TableLike, rules: &[Rule]) -> Option<usize> {
        let (key, offset) = if table.contains_key("after") { ("after", 1) } else { ("before", 0) };
        let (name, span) = text(table.get(key)?)?;
        let found = rules.iter().position(|rule| rule.name == name);
        if found.is_none() {
            self.find(
                Severity::Warning,
                span,
                format!("there is no rule `{name}`"),
                "use the name of a rule of the same format",
            );
        }
        found.map(|at| at + offset)
    }

    fn rule(&mut self, table: &dyn TableLike, rule: &mut Rule) {
        for (key, item) in table.iter() {
            let at = key_offset(table, key);
            match key {
                "path" => self.paths(item, at, rule),
                "first" => self.boolean(item, at, &mut rule.first),
                "hide" => self.boolean(item, at, &mut rule.hide),
                "use" => self.uses(item, rule),
                "label" => {
                    if let Some(label) = self.label(item, at) {
                        rule.label = label;
                    }
                }
                "label-from" => {
                    rule.label_from = match text(item).map(|(text, _)| text).as_deref() {
                        Some("role") => Some(LabelFrom::Role),
                        Some("head") => Some(LabelFrom::Head),
                        Some("") => None,
                        Some(name) if name.starts_with('@') => Some(LabelFrom::Attribute(name[1..].to_owned())),
                        _ => {
                            self.find(
                                Severity::Warning,
                                at,
                                "`label-from` is not known".to_owned(),
                                "use \"role\", \"head\" or \"@attribute\"",
                            );
                            continue;
                        }
                    }
                }
                "form" => {
                    let given = text(item).map(|(text, _)| text).unwrap_or_default();
                    if let Some((_, form)) = Form::ALL.iter().find(|(name, _)| *name == given) {
                        rule.form = *form;
                    } else {
                        let names = Form::ALL.map(|(name, _)| name).join(", ");
                        self.find(
                            Severity::Warning,
                            at,
                            format!("the form `{given}` is not known"),
                            &format!("use one of {names}"),
                        );
                    }
                }
                "join" => rule.join = text(item).map(|(text, _)| text),
                "join-subfields" => rule.join_subfields = text(item).map(|(text, _)| text),
                key if RULE_KEYS.contains(&key) => {}
                _ => {
                    let near = RULE_KEYS.iter().min_by_key(|known| distance(known, key)).copied().unwrap_or_default();
                    self.find(
                        Severity::Warning,
                        at,
                        format!("`{key}` is not known in a rule"),
                        &format!("perhaps `{near}` is meant"),
                    );
                }
            }
        }
    }

    fn paths(&mut self, item: &Item, at: usize, rule: &mut Rule) {
        let Some(texts) = strings(item) else {
            self.find(
                Severity::Warning,
                at,
                "`path` is no text and no list of texts".to_owned(),
                "write `path = \"…\"`",
            );
            return;
        };
        let mut paths = Vec::new();
        for (text, at) in texts {
            match Path::parse(&text) {
                Ok(path) => paths.push(path),
                Err(what) => self.find(
                    Severity::Warning,
                    at,
                    what,
                    "put the path right; see how the built-in mapping writes them",
                ),
            }
        }
        if !paths.is_empty() {
            rule.paths = paths;
        }
    }

    fn uses(&mut self, item: &Item, rule: &mut Rule) {
        let mut uses = Vec::new();
        for (text, at) in strings(item).unwrap_or_default() {
            if let Some((_, meaning)) = Use::ALL.iter().find(|(name, _)| *name == text) {
                uses.push(*meaning);
            } else {
                let names = Use::ALL.map(|(name, _)| name).join(", ");
                self.find(
                    Severity::Warning,
                    at,
                    format!("the use `{text}` is not known"),
                    &format!("use one of {names}"),
                );
            }
        }
        rule.uses = uses;
    }

    fn boolean(&mut self, item: &Item, at: usize, value: &mut bool) {
        match item.as_bool() {
            Some(given) => *value = given,
            None => self.find(
                Severity::Warning,
                at,
                "this is neither true nor false".to_owned(),
                "write true or false, without quotes",
            ),
        }
    }

    /// A text, or a table from languages to texts.
    fn label(&mut self, item: &Item, at: usize) -> Option<LanguageMap> {
        if let Some((text, _)) = text(item) {
            return Some(if text.is_empty() { LanguageMap::default() } else { LanguageMap::none(text) });
        }
        let mut label = LanguageMap::default();
        for (language, item) in item.as_table_like()?.iter() {
            match text(item) {
                Some((text, _)) => label.push(language, text),
                None => self.find(
                    Severity::Warning,
                    at,
                    format!("the label for `{language}` is no text"),
                    "write `{ en = \"…\" }`",
                ),
            }
        }
        Some(label)
    }
}

/// How many letters differ, roughly: enough to find a typing error.
fn distance(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    a.len().max(b.len()) - same
}

fn key_offset(table: &dyn TableLike, name: &str) -> usize {
    table.key(name).and_then(toml_edit::Key::span).map_or(0, |span| span.start)
}

fn text(item: &Item) -> Option<(String, usize)> {
    item.as_value().and_then(value_text)
}

fn value_text(value: &Value) -> Option<(String, usize)> {
    Some((value.as_str()?.to_owned(), value.span().map_or(0, |span| span.start)))
}

/// A text or a list of texts.
fn strings(item: &Item) -> Option<Vec<(String, usize)>> {
    if let Some(one) = text(item) {
        return Some(vec![one]);
    }
    item.as_array()?.iter().map(value_text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(text: &str) -> (Mapping, Vec<String>) {
        let (mapping, findings) = Mapping::built_in().laid_over("a/mapping.toml", text);
        (mapping, findings.iter().map(ToString::to_string).collect())
    }

    fn names(mapping: &Mapping) -> Vec<&str> {
        mapping.rules(Format::DublinCore).map(|rule| rule.name.as_str()).collect()
    }

    #[test]
    fn a_file_changes_adds_moves_and_hides_rules() {
        let (mapping, findings) = over(
            "[dc.creator]\nlabel = 'Maker'\n[dc.own]\npath = 'own'\nlabel = { fr = 'Propre' }\nafter = 'title'\n[dc.type]\nhide = true\n\
             [dc.date]\nbefore = 'creator'\n[roles]\nxyz = { en = 'Friend' }\n[types]\nchapter = 'Kap.'\n[mets]\nimages = ['MINE']\n",
        );
        assert_eq!(findings, Vec::<String>::new());
        let names = names(&mapping);
        assert_eq!(&names[..5], ["title", "own", "alternative", "date", "creator"]);
        assert!(!names.contains(&"type"));
        let creator = mapping.rules(Format::DublinCore).find(|rule| rule.name == "creator").unwrap();
        assert_eq!((creator.label.first(), creator.paths.len()), (Some("Maker"), 1));
        assert_eq!(mapping.role("xyz").and_then(LanguageMap::first), Some("Friend"));
        assert_eq!(mapping.part_type("Chapter").first(), Some("Kap."));
        assert_eq!(mapping.mets.images, ["mine"]);
        assert!(!mapping.mets.texts.is_empty());
    }

    #[test]
    fn faults_are_told_with_their_lines_and_the_rest_counts() {
        let (mapping, findings) = over(
            "[dc.creator]\nlabl = 'Maker'\npath = 'a['\nuse = 'labels'\n\n[dc.new]\nlabel = 'New'\n[dcx]\na = 1\n[dc.title]\nlabel = 'T'\nform = 'nice'\n",
        );
        assert_eq!(
            findings,
            [
                "warning[mapping] a/mapping.toml:2:1: `labl` is not known in a rule; perhaps `label` is meant",
                "warning[mapping] a/mapping.toml:3:8: `a[`: a `[` is not closed; put the path right; see how the built-in mapping writes them",
                "warning[mapping] a/mapping.toml:4:7: the use `labels` is not known; use one of label, summary, rights, required-statement, nav-date, language, homepage, see-also, viewing-direction, provider",
                "warning[mapping] a/mapping.toml:6:5: the rule `new` has no path; write `path = \"…\"`",
                "warning[mapping] a/mapping.toml:8:2: `dcx` is no part of a mapping; use one of mods, dc, marc, lido, ead, tei, kitodo, mets, roles, types",
                "warning[mapping] a/mapping.toml:12:1: the form `nice` is not known; use one of text, title, name, date, language, paragraphs, joined, link, container",
            ]
        );
        assert_eq!(
            mapping.rules(Format::DublinCore).find(|rule| rule.name == "title").unwrap().label.first(),
            Some("T")
        );
    }

    #[test]
    fn what_is_not_toml_changes_nothing() {
        let (mapping, findings) = over("[dc.creator]\nlabel = Maker\n");
        assert_eq!(&mapping, Mapping::built_in());
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("error[mapping] a/mapping.toml:2:9: this is not TOML: "), "{}", findings[0]);
    }
}
