//! The blocks that announce search on manifests and collections. Content Search 2.0 §3, 1.0 §3.1, §4.1.
//!
//! Both versions are announced, 2.0 first and without a profile: viewers that know 1.0 alone take that, and the profile that some
//! invented for 2.0 leads them to answers that they cannot read.

use serde_json::{Value, json};

use super::{ServiceUrls, Version};
use crate::presentation::{Collection, Context, CurrentService, Extra, Manifest, OlderService, Service};

const SEARCH_1: &str = "http://iiif.io/api/search/1/search";
const AUTOCOMPLETE_1: &str = "http://iiif.io/api/search/1/autocomplete";

/// The services that search one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchServices {
    /// The service of 2.0.
    pub v2: ServiceUrls,
    /// The service of 1.0.
    pub v1: ServiceUrls,
}

impl SearchServices {
    /// Their blocks, in the words that documents of Presentation 3.0 need: 2.0, then 1.0. Written as 2.1, the second stays.
    pub fn blocks(&self) -> [Service; 2] {
        let mut extra = Extra::new();
        let completion = json!([{ "id": self.v2.autocomplete(), "type": "AutoCompleteService2" }]);
        extra.insert("service".to_owned(), completion);
        let current = CurrentService {
            id: self.v2.search().to_owned(),
            kind: "SearchService2".to_owned(),
            profile: None,
            sizes: Vec::new(),
            extra,
        };
        let mut extra = Extra::new();
        extra.insert("@context".to_owned(), Version::V1.context().into());
        let completion = json!([{
            "@id": self.v1.autocomplete(), "@type": "AutoCompleteService1", "profile": AUTOCOMPLETE_1
        }]);
        extra.insert("service".to_owned(), completion);
        let older = OlderService {
            id: self.v1.search().to_owned(),
            kind: Some("SearchService1".to_owned()),
            profile: Some(SEARCH_1.into()),
            sizes: Vec::new(),
            extra,
        };
        [Service::Current(current), Service::Older(older)]
    }

    /// Announces them on a manifest.
    pub fn add_to_manifest(&self, manifest: &mut Manifest) {
        add(&mut manifest.service, self.blocks());
        add_context(&mut manifest.context);
    }

    /// Announces them on a collection.
    pub fn add_to_collection(&self, collection: &mut Collection) {
        add(&mut collection.service, self.blocks());
        add_context(&mut collection.context);
    }

    /// Announces them on a canvas or a range, given what its model does not name. The document needs [`add_context`] too.
    pub fn add_to_extra(&self, extra: &mut Extra) {
        let blocks = self.blocks().map(|block| json!(block));
        push(extra.entry("service").or_insert_with(|| json!([])), blocks);
    }

    /// Announces that of 1.0 on a manifest or collection of Presentation 2.1, where no other is known. Documents that were written from
    /// those of 3.0 have it already.
    pub fn add_to_presentation_2(&self, document: &mut Value) {
        let block = json!({
            "@context": Version::V1.context(),
            "@id": self.v1.search(),
            "profile": SEARCH_1,
            "service": { "@id": self.v1.autocomplete(), "profile": AUTOCOMPLETE_1 },
        });
        if let Value::Object(fields) = document {
            push(fields.entry("service").or_insert_with(|| json!([])), [block]);
        }
    }
}

/// Adds what is not there yet.
fn add(services: &mut Vec<Service>, blocks: [Service; 2]) {
    for block in blocks {
        if !services.iter().any(|service| service.id() == block.id()) {
            services.push(block);
        }
    }
}

/// The same in a document; a service that stands alone becomes the first of a list.
fn push<const N: usize>(services: &mut Value, blocks: [Value; N]) {
    let id = |block: &Value| block.get("@id").or_else(|| block.get("id")).cloned();
    let known: Vec<Option<Value>> = match &*services {
        Value::Array(services) => services.iter().map(id).collect(),
        service => vec![id(service)],
    };
    let mut new = blocks.into_iter().filter(|block| !known.contains(&id(block))).peekable();
    if new.peek().is_none() {
        return;
    }
    if !services.is_array() {
        *services = Value::Array(vec![services.take()]);
    }
    if let Value::Array(services) = services {
        services.extend(new);
    }
}

/// Names the context of Content Search 2.0 before that of Presentation, which stays the last (Presentation 3.0 §4.6).
pub fn add_context(context: &mut Option<Context>) {
    let own = Value::from(Version::V2.context());
    let mut contexts = match context.take() {
        None => vec![Value::from(crate::presentation::Version::V3.context())],
        Some(Context::One(one)) => vec![one.into()],
        Some(Context::Many(many)) => many,
    };
    if !contexts.contains(&own) {
        contexts.insert(0, own);
    }
    *context = Some(Context::Many(contexts));
}
