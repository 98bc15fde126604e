//! Annotations are made, changed, deleted, restored.

use std::time::{SystemTime, UNIX_EPOCH};

use recto_catalog::annotations::{Change, Content, Deed, Expected, NameWanted, Refusal, Stored, Target};
use recto_iiif::annotation::{self as model, Rejected, headers, transfer};
use recto_iiif::discovery::Timestamp;
use recto_iiif::identifier::Identifier;
use recto_ingest::build::SiteUrls;
use serde_json::Value;

use super::addresses::{self, Renamed};
use super::{Annotation, AnnotationError, Desk, ELSEWHERE, agent, beside};
use crate::policy::{Action, Caller};

/// How often a change is tried again that said nothing of the version that it changes.
const TRIES: usize = 5;

/// What is sent to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct New {
    /// What its sender would like it to be called, as `Slug` says it.
    pub slug: Option<String>,
    /// Only its creator may see it.
    pub draft: bool,
}

/// Which version of an annotation the caller has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seen {
    /// They say nothing.
    #[default]
    Unsaid,
    /// Any that there is.
    Any,
    /// One of these.
    Versions(Vec<u64>),
}

/// What an annotation becomes, and whether it is a draft then.
type Changed = Result<(Value, bool), AnnotationError>;

/// What became of one annotation of several.
#[derive(Debug)]
pub struct Created {
    /// Where it stood in what was sent.
    pub place: String,
    /// The annotation, or why it was not made.
    pub outcome: Result<Annotation, AnnotationError>,
}

impl Desk {
    /// Who writes, if they may.
    fn author<'c>(&self, caller: &'c Caller, container: &Identifier) -> Result<&'c str, AnnotationError> {
        if !self.may_be_written {
            return Err(AnnotationError::WritingIsOff);
        }
        let Some(user) = caller.user.as_deref() else { return Err(AnnotationError::NeedsToken) };
        if let Some(object) = beside::object_of(container.as_str()) {
            return Err(AnnotationError::FromFiles { object: object.to_owned() });
        }
        self.allow(caller, Action::WriteAnnotation, container)?;
        Ok(user)
    }

    /// May this caller write at all? Asked before anything that they send is read.
    ///
    /// # Errors
    /// Nobody may, or they did not say who they are.
    pub fn may_write(&self, caller: &Caller) -> Result<(), AnnotationError> {
        match (self.may_be_written, &caller.user) {
            (false, _) => Err(AnnotationError::WritingIsOff),
            (true, None) => Err(AnnotationError::NeedsToken),
            (true, Some(_)) => Ok(()),
        }
    }

    /// Makes a container. Its name is made of the slug, else of the label.
    ///
    /// # Errors
    /// Access denied, or the name is taken.
    pub fn make_container(
        &self,
        slug: Option<&str>,
        label: &str,
        caller: &Caller,
    ) -> Result<Identifier, AnnotationError> {
        let name = slug.and_then(headers::slug).or_else(|| headers::slug(label));
        let Some(name) = name.map(Identifier::new) else {
            return Err(AnnotationError::NotFound { what: "name in the `Slug` or the label", name: label.to_owned() });
        };
        let user = self.author(caller, &name)?;
        let is_free = self.catalog.item(name.as_str())?.is_none() && name.as_str() != ELSEWHERE;
        if !is_free || !self.store.make_container(name.as_str(), label, user)? {
            return Err(Refusal::NameTaken { name: name.as_str().to_owned() }.into());
        }
        Ok(name)
    }

    /// The container in which something is written, made if it is that of an object.
    fn place_to_write(&self, container: &Identifier, user: &str) -> Result<(), AnnotationError> {
        let place = self.place(container)?;
        if place.container.is_none() {
            let label = match &place.label {
                Value::String(label) => label.clone(),
                label => label.to_string(),
            };
            self.store.make_container(container.as_str(), &label, user)?;
        }
        Ok(())
    }

    /// The container in which an annotation belongs that its sender put in none: that of the first object that it is about.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub fn container_for(
        &self,
        annotation: &model::Annotation,
        urls: &SiteUrls,
    ) -> Result<Identifier, AnnotationError> {
        let mut json = Value::Object(annotation.json().clone());
        addresses::keep(&mut json, urls.base());
        for target in model::targets(&json) {
            if let Some(object) = addresses::object(&target.source)
                && let Some(now) = self.now_called(&object)?
            {
                return Ok(now);
            }
        }
        Ok(Identifier::new(ELSEWHERE))
    }

    /// Reads one annotation that was sent.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&self, text: &str) -> Result<model::Annotation, AnnotationError> {
        Ok(model::Annotation::parse(text, &self.options.accepted())?)
    }

    /// Reads what a client of an older server sent, by the reader of its dialect.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_as<T>(
        &self,
        text: &str,
        read: impl FnOnce(&str, &model::AcceptOptions) -> Result<T, Rejected>,
    ) -> Result<T, AnnotationError> {
        Ok(read(text, &self.options.accepted())?)
    }

    /// Makes an annotation.
    ///
    /// # Errors
    /// Access denied, no such container, the container is full.
    pub fn create(
        &self,
        container: &Identifier,
        annotation: &model::Annotation,
        new: &New,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Annotation, AnnotationError> {
        let user = self.author(caller, container)?;
        self.place_to_write(container, user)?;
        let change = self.creation(container, annotation, new, user, urls)?;
        let stored = self.store.write(user, &change)??;
        tracing::info!(annotation = %format!("{}/{}", stored.container, stored.name), "an annotation was made");
        Ok(Self::given(&stored, urls, &Renamed::default()))
    }

    /// Makes several annotations at once: a page, a list, an array; lines; a table. Each is made or not by itself.
    ///
    /// # Errors
    /// Access denied, no such container, or what was sent holds no annotations.
    pub fn create_all(
        &self,
        container: Option<&Identifier>,
        (text, format): (&str, transfer::Format),
        draft: bool,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Vec<Created>, AnnotationError> {
        self.may_write(caller)?;
        let new = New { draft, ..New::default() };
        let items = transfer::read(text, format, &self.options.accepted(), self.options.max_batch)?;
        let (mut changes, mut created) = (Vec::new(), Vec::new());
        let mut user = None;
        for item in items {
            let change = item.outcome.map_err(AnnotationError::from).and_then(|annotation| {
                let container = match container {
                    Some(container) => container.clone(),
                    None => self.container_for(&annotation, urls)?,
                };
                let author = self.author(caller, &container)?;
                self.place_to_write(&container, author)?;
                user = Some(author);
                self.creation(&container, &annotation, &new, author, urls)
            });
            let outcome = change.map(|change| changes.push(change));
            created.push((item.place.to_string(), outcome));
        }
        let mut stored = match user {
            Some(user) => self.store.write_all(user, &changes)?.into_iter(),
            None => Vec::new().into_iter(),
        };
        tracing::info!(annotations = changes.len(), "annotations were made");
        let told = |change: Result<(), AnnotationError>| -> Result<Annotation, AnnotationError> {
            change?;
            // There is one for each change that was handed in.
            let stored = stored.next().unwrap_or(Err(Refusal::NotFound { name: String::new() }))?;
            Ok(Self::given(&stored, urls, &Renamed::default()))
        };
        let places: Vec<_> = created.iter().map(|(place, _)| place.clone()).collect();
        let outcomes: Vec<_> = created.into_iter().map(|(_, change)| change).map(told).collect();
        Ok(places.into_iter().zip(outcomes).map(|(place, outcome)| Created { place, outcome }).collect())
    }

    fn creation(
        &self,
        container: &Identifier,
        annotation: &model::Annotation,
        new: &New,
        user: &str,
        urls: &SiteUrls,
    ) -> Result<Change, AnnotationError> {
        let json = model::store(annotation, "", Some(&agent(user)), now());
        let content = self.content(json, new.draft, urls)?;
        let name = match new.slug.as_deref().and_then(headers::slug) {
            Some(slug) => NameWanted::IfFree(slug),
            None => NameWanted::Any,
        };
        Ok(Change::Create { container: container.as_str().to_owned(), name, content })
    }

    /// An annotation as it is kept, with all that the store wants to know of it.
    fn content(&self, mut json: Value, draft: bool, urls: &SiteUrls) -> Result<Content, AnnotationError> {
        addresses::keep(&mut json, urls.base());
        self.content_as_kept(json, draft)
    }

    /// The same of an annotation whose addresses are as they are kept.
    pub(super) fn content_as_kept(&self, mut json: Value, draft: bool) -> Result<Content, AnnotationError> {
        self.call_by_names_of_now(&mut json)?;
        if let Some(fields) = json.as_object_mut() {
            // It is made of container and name each time that the annotation is given out.
            fields.shift_remove("id");
        }
        let targets = model::targets(&json).into_iter().map(|on| Target {
            object: addresses::object(&on.source).map(|object| object.as_str().to_owned()),
            source: on.source,
        });
        let targets = targets.collect();
        Ok(Content {
            targets,
            also_called: model::names(&json),
            motivations: model::motivations(&json),
            draft,
            body: json.to_string().into_bytes(),
        })
    }

    /// Brings objects that are named as they were called before to their names of now.
    fn call_by_names_of_now(&self, json: &mut Value) -> Result<(), AnnotationError> {
        let mut renamed = Renamed::default();
        for target in model::targets(json) {
            if let Some(object) = addresses::object(&target.source)
                && let Some(now) = self.now_called(&object)?
            {
                renamed.add(&object, &now);
            }
        }
        if !renamed.is_empty() {
            addresses::rewrite(json, &|text| renamed.apply(text));
        }
        Ok(())
    }

    /// Makes something else of an annotation.
    ///
    /// # Errors
    /// Access denied; it is not there, or not in a version that the caller has seen; what was sent cannot take its place.
    pub fn replace(
        &self,
        place: (&Identifier, &Identifier),
        annotation: &model::Annotation,
        draft: bool,
        seen: &Seen,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Annotation, AnnotationError> {
        let change = |before: &Value, _| Ok((model::replace(before, annotation, now())?, draft));
        self.change(place, Deed::Replace, seen, urls, caller, &change)
    }

    /// Changes parts of an annotation: a merge patch.
    ///
    /// # Errors
    /// As of [`Desk::replace`].
    pub fn patch(
        &self,
        place: (&Identifier, &Identifier),
        patch: &str,
        seen: &Seen,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Annotation, AnnotationError> {
        self.may_write(caller)?;
        let options = self.options.accepted();
        let patch: Value = serde_json::from_str(patch).map_err(|error| no_json(&error))?;
        let change = |before: &Value, draft| Ok((model::patched(before, &patch, &options, now())?, draft));
        self.change(place, Deed::Patch, seen, urls, caller, &change)
    }

    /// Makes of an annotation what `change` makes of it as it is now.
    fn change(
        &self,
        (container, name): (&Identifier, &Identifier),
        deed: Deed,
        seen: &Seen,
        urls: &SiteUrls,
        caller: &Caller,
        change: &dyn Fn(&Value, bool) -> Changed,
    ) -> Result<Annotation, AnnotationError> {
        let user = self.author(caller, container)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let before = self.stored(container, name, caller)?;
            let expected = self.expected(seen)?;
            // What was made of another version is not worth making.
            let json = Self::given(&before, urls, &Renamed::default()).json;
            if let Some(refusal) = conflict(&expected, &before) {
                return Err(refusal.into());
            }
            let (after, draft) = change(&json, before.draft)?;
            let change = Change::Replace {
                container: container.as_str().to_owned(),
                name: name.as_str().to_owned(),
                // It is compared again where nobody can come between, with the very version that was changed.
                expected: Expected::Versions(vec![before.version]),
                content: self.content(after, draft, urls)?,
                deed,
            };
            match self.store.write(user, &change)? {
                Ok(stored) => return Ok(Self::given(&stored, urls, &Renamed::default())),
                Err(Refusal::Conflict { .. }) if !matches!(seen, Seen::Versions(_)) && tries < TRIES => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }

    /// Deletes an annotation. It can be restored.
    ///
    /// # Errors
    /// Access denied; it is not there, or not in a version that the caller has seen.
    pub fn delete(
        &self,
        (container, name): (&Identifier, &Identifier),
        seen: &Seen,
        caller: &Caller,
    ) -> Result<(), AnnotationError> {
        let user = self.author(caller, container)?;
        self.stored(container, name, caller)?;
        let expected = self.expected(seen)?;
        let change =
            Change::Delete { container: container.as_str().to_owned(), name: name.as_str().to_owned(), expected };
        self.store.write(user, &change)??;
        tracing::info!(annotation = %format!("{container}/{name}"), "an annotation was deleted");
        Ok(())
    }

    /// Makes an annotation again what it was in a version, also when it was deleted.
    ///
    /// # Errors
    /// Access denied; there was no such version, or it was the end of the annotation.
    pub fn restore(
        &self,
        (container, name): (&Identifier, &Identifier),
        number: u64,
        seen: &Seen,
        urls: &SiteUrls,
        caller: &Caller,
    ) -> Result<Annotation, AnnotationError> {
        let user = self.author(caller, container)?;
        let body = self.body_of(container, name, number, caller)?;
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&body) else {
            return Err(AnnotationError::NotFound { what: "annotation in version", name: number.to_string() });
        };
        fields.insert("modified".to_owned(), now().to_string().into());
        let draft =
            self.store.version(container.as_str(), name.as_str(), number)?.is_some_and(|(version, _)| version.draft);
        let expected = self.expected(seen)?;
        let change = Change::Replace {
            container: container.as_str().to_owned(),
            name: name.as_str().to_owned(),
            expected,
            content: self.content(Value::Object(fields), draft, urls)?,
            deed: Deed::Restore,
        };
        let stored = self.store.write(user, &change)??;
        Ok(Self::given(&stored, urls, &Renamed::default()))
    }

    fn expected(&self, seen: &Seen) -> Result<Expected, AnnotationError> {
        match seen {
            Seen::Unsaid if self.options.require_if_match => Err(AnnotationError::NeedsVersion),
            Seen::Unsaid | Seen::Any => Ok(Expected::Any),
            Seen::Versions(versions) => Ok(Expected::Versions(versions.clone())),
        }
    }
}

/// The refusal of a change of what is no longer as it was seen.
fn conflict(expected: &Expected, now: &Stored) -> Option<Refusal> {
    match expected {
        Expected::Versions(versions) if !versions.contains(&now.version) => {
            Some(Refusal::Conflict { current: Box::new(now.clone()) })
        }
        _ => None,
    }
}

fn no_json(error: &serde_json::Error) -> AnnotationError {
    AnnotationError::NoJson { line: error.line(), column: error.column() }
}

fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let at = i64::try_from(seconds).ok().and_then(Timestamp::from_unix_seconds);
    at.or_else(|| Timestamp::from_unix_seconds(0)).expect("1970 is a year between 1 and 9999")
}
