//! A document as its resources: every object with the place where it stands and the class that it is of there.

use serde_json::{Map, Value};

use super::{DocumentKind, Part, step};

/// What an object is, by where it stands and what it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A Collection, or a reference to one.
    Collection,
    /// A Manifest, or a reference to one.
    Manifest,
    /// A Canvas, or a reference to one.
    Canvas,
    /// A Range, or a reference to one.
    Range,
    /// A page of annotations, or a reference to one.
    AnnotationPage,
    /// A collection of annotations.
    AnnotationCollection,
    /// An annotation.
    Annotation,
    /// A picture, a sound, a text, a page for people: `body`, `thumbnail`, `logo`, `homepage`, `rendering`, `seeAlso`.
    Content,
    /// Several bodies of which one is shown.
    Choice,
    /// A part or state of another resource.
    SpecificResource,
    /// A text that stands in the document itself.
    TextualBody,
    /// A service.
    Service,
    /// A person or organisation.
    Agent,
    /// What is referred to: `partOf`, `start`, `target`, pages of annotations.
    Reference,
    /// An order of canvases, of Presentation 2.
    Sequence,
    /// A list of annotations, of Presentation 2.
    AnnotationList,
    /// A group of lists of annotations, of Presentation 2.
    Layer,
    /// What has a duration only, of Presentation 4.
    Timeline,
    /// What has three dimensions, of Presentation 4.
    Scene,
    /// What is none of these: image information, answers, activities.
    Other,
}

/// One object.
#[derive(Clone, Debug)]
pub struct Node<'d> {
    /// Its number among the nodes of the document.
    pub index: usize,
    /// Where it stands, as a JSON pointer.
    pub pointer: String,
    /// The property that it is a value of; empty for the document.
    pub property: &'d str,
    /// The node that has this property.
    pub parent: Option<usize>,
    /// Its class.
    pub class: Class,
    /// Its properties.
    pub value: &'d Map<String, Value>,
}

impl<'d> Node<'d> {
    /// A property.
    pub fn get(&self, property: &str) -> Option<&'d Value> {
        self.value.get(property)
    }

    /// A property that is a string.
    pub fn text(&self, property: &str) -> Option<&'d str> {
        self.get(property)?.as_str()
    }

    /// The place of a property.
    pub fn at(&self, property: &str) -> String {
        format!("{}/{}", self.pointer, step(property))
    }

    /// The node as a value with its place.
    pub(super) fn part(&self, tree: &Tree<'d>) -> Option<Part<'d>> {
        Some(Part::new(self.pointer.clone(), tree.document.pointer(&self.pointer)?))
    }

    /// `type`, or `@type` as services of older versions have it.
    pub fn kind(&self) -> Option<&'d str> {
        self.text("type").or_else(|| self.text("@type"))
    }

    /// The name that findings use: its type and, where it has one, its `id`.
    pub fn name(&self) -> String {
        let kind = self.kind().map_or_else(|| format!("{:?}", self.class), ToOwned::to_owned);
        match self.text("id").or_else(|| self.text("@id")) {
            Some(id) => format!("{kind} {id}"),
            None => kind,
        }
    }

    /// True for one that only names something which is elsewhere.
    pub fn is_reference(&self) -> bool {
        match self.class {
            Class::Reference => true,
            Class::Canvas => match self.property {
                "target" | "source" | "body" => true,
                "items" => !self.value.contains_key("items") && !self.has_size(),
                _ => false,
            },
            Class::Range | Class::AnnotationPage | Class::Collection => {
                !self.property.is_empty() && !self.value.contains_key("items")
            }
            Class::Manifest => !self.property.is_empty(),
            _ => false,
        }
    }

    fn has_size(&self) -> bool {
        ["height", "width", "duration"].iter().any(|property| self.value.contains_key(*property))
    }
}

/// All objects of a document, parents before children.
#[derive(Debug)]
pub struct Tree<'d> {
    /// The document itself.
    pub document: &'d Value,
    /// What it is.
    pub kind: DocumentKind,
    /// Its objects.
    pub nodes: Vec<Node<'d>>,
}

impl<'d> Tree<'d> {
    /// Takes a document apart. What is no object where one is to be is left out; rules look at their parents for that.
    pub fn of(document: &'d Value, kind: DocumentKind) -> Self {
        let mut tree = Self { document, kind, nodes: Vec::new() };
        let Some(value) = document.as_object() else { return tree };
        let class = root_class(value, kind);
        // A list of what is still to be looked at: documents may be nested deeper than a stack is long.
        let mut open = vec![Node { index: 0, pointer: String::new(), property: "", parent: None, class, value }];
        while let Some(mut node) = open.pop() {
            let index = tree.nodes.len();
            node.index = index;
            let first = open.len();
            for (property, value) in node.value {
                let found = if kind == DocumentKind::Presentation2 || kind == DocumentKind::Search1 {
                    class_of_old(&node, property)
                } else {
                    class_of(&node, property)
                };
                let Some(class) = found else { continue };
                match value {
                    Value::Array(items) => {
                        for (number, item) in items.iter().enumerate() {
                            let pointer = format!("{}/{number}", node.at(property));
                            open.extend(child(index, property, pointer, class, item));
                        }
                    }
                    other => open.extend(child(index, property, node.at(property), class, other)),
                }
            }
            open[first..].reverse();
            tree.nodes.push(node);
        }
        tree
    }

    /// The document with its place.
    pub(super) const fn root(&self) -> Part<'d> {
        Part::new(String::new(), self.document)
    }

    /// The nodes of a class.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = &Node<'d>> {
        self.nodes.iter().filter(move |node| node.class == class)
    }

    /// The node that has this one.
    pub fn parent(&self, node: &Node<'d>) -> Option<&Node<'d>> {
        self.nodes.get(node.parent?)
    }

    /// The nodes that this one has. What is below a node follows it, up to the next node that is not.
    pub fn children<'t>(&'t self, node: &'t Node<'d>) -> impl Iterator<Item = &'t Node<'d>> {
        let after = self.nodes.get(node.index + 1..).unwrap_or_default().iter();
        let below = after.take_while(|other| other.parent.is_some_and(|parent| parent >= node.index));
        below.filter(|other| other.parent == Some(node.index))
    }

    /// The nodes above, nearest first.
    pub fn above<'t>(&'t self, node: &'t Node<'d>) -> impl Iterator<Item = &'t Node<'d>> {
        std::iter::successors(self.parent(node), |node| self.parent(node))
    }
}

fn child<'d>(parent: usize, property: &'d str, pointer: String, place: Place, value: &'d Value) -> Option<Node<'d>> {
    let value = value.as_object()?;
    let class = match place {
        Place::Is(class) => class,
        // An annotation that is pointed to is named and not held.
        Place::Says(Class::Reference) if by_type(value) == Some(Class::Annotation) && !value.contains_key("target") => {
            Class::Reference
        }
        Place::Says(otherwise) => by_type(value).unwrap_or(otherwise),
    };
    Some(Node { index: 0, pointer, property, parent: Some(parent), class, value })
}

/// What a place says of the objects in it.
#[derive(Clone, Copy)]
enum Place {
    /// They are of this class, whatever they say.
    Is(Class),
    /// They are what they say, or else of this class.
    Says(Class),
}

/// What the whole document is.
fn root_class(value: &Map<String, Value>, kind: DocumentKind) -> Class {
    match kind {
        DocumentKind::Presentation3 | DocumentKind::Presentation4 => by_type(value).unwrap_or(Class::Manifest),
        DocumentKind::Presentation2 => by_type(value).unwrap_or(Class::Content),
        DocumentKind::Annotation | DocumentKind::ContentState | DocumentKind::Search2 => {
            by_type(value).unwrap_or_else(|| service_or_other(value))
        }
        DocumentKind::Search1 if value.get("@type").is_some_and(|name| name == "sc:AnnotationList") => {
            Class::AnnotationList
        }
        _ => service_or_other(value),
    }
}

fn service_or_other(value: &Map<String, Value>) -> Class {
    let name = value.get("type").or_else(|| value.get("@type")).and_then(Value::as_str).unwrap_or_default();
    let is_image = name.starts_with("ImageService");
    let by_profile = value
        .get("profile")
        .and_then(Value::as_str)
        .is_some_and(|profile| profile.contains("/api/auth/") || profile.contains("/api/search/"));
    if (name.contains("Service") && !is_image) || by_profile { Class::Service } else { Class::Other }
}

fn by_type(value: &Map<String, Value>) -> Option<Class> {
    match value.get("type") {
        Some(Value::String(name)) => return by_name(name),
        // Containers of annotations are collections too.
        Some(Value::Array(names)) => return names.iter().filter_map(Value::as_str).find_map(by_name),
        _ => {}
    }
    match value.get("@type")? {
        Value::String(name) => by_old_name(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find_map(by_old_name),
        _ => None,
    }
}

fn by_name(name: &str) -> Option<Class> {
    Some(match name {
        "Collection" | "CollectionPage" => Class::Collection,
        "Manifest" => Class::Manifest,
        "Canvas" => Class::Canvas,
        "Timeline" => Class::Timeline,
        "Scene" => Class::Scene,
        "Range" => Class::Range,
        "AnnotationPage" => Class::AnnotationPage,
        "AnnotationCollection" => Class::AnnotationCollection,
        "Annotation" => Class::Annotation,
        "Choice" => Class::Choice,
        "SpecificResource" => Class::SpecificResource,
        "TextualBody" => Class::TextualBody,
        "Agent" => Class::Agent,
        _ => return None,
    })
}

fn by_old_name(name: &str) -> Option<Class> {
    Some(match name {
        "sc:Collection" => Class::Collection,
        "sc:Manifest" => Class::Manifest,
        "sc:Sequence" => Class::Sequence,
        "sc:Canvas" => Class::Canvas,
        "sc:Range" => Class::Range,
        "sc:AnnotationList" => Class::AnnotationList,
        "sc:Layer" => Class::Layer,
        "oa:Annotation" => Class::Annotation,
        "oa:Choice" => Class::Choice,
        "oa:SpecificResource" => Class::SpecificResource,
        _ => return None,
    })
}

/// The class of the values of a property; `None` where they are no resources.
fn class_of(node: &Node<'_>, property: &str) -> Option<Place> {
    use Place::{Is, Says};
    let is_container = matches!(node.class, Class::Canvas | Class::Timeline | Class::Scene);
    Some(match (node.class, property) {
        (_, "service" | "services") => Is(Class::Service),
        // Other documents are looked at by rules of their own; only services stand in all of them.
        (Class::Other | Class::Service, _) => return None,
        (_, "thumbnail" | "homepage" | "rendering" | "seeAlso" | "logo")
        | (Class::Choice, "items")
        | (Class::Annotation, "body") => Says(Class::Content),
        (_, "provider") => Is(Class::Agent),
        (Class::AnnotationCollection | Class::AnnotationPage, "first" | "last" | "next" | "prev") => {
            Says(Class::Reference)
        }
        (_, "partOf" | "start" | "first" | "last" | "next" | "prev") => Is(Class::Reference),
        (_, "placeholderCanvas" | "accompanyingCanvas") => Is(Class::Canvas),
        (Class::Manifest, "items") | (_, "placeholderContainer" | "accompanyingContainer") => Says(Class::Canvas),
        (_, "annotations") => Is(Class::AnnotationPage),
        (_, "items") if is_container => Is(Class::AnnotationPage),
        (_, "structures") => Is(Class::Range),
        (Class::Collection, "items") => Says(Class::Manifest),
        (Class::AnnotationPage, "items") => Is(Class::Annotation),
        (Class::Range, "items") => Says(Class::Canvas),
        (Class::Annotation, "target") | (Class::SpecificResource, "source") => Says(Class::Reference),
        _ => return None,
    })
}

/// The same for Presentation 2 and what is built on it.
fn class_of_old(node: &Node<'_>, property: &str) -> Option<Place> {
    use Place::{Is, Says};
    Some(match (node.class, property) {
        (_, "service") => Is(Class::Service),
        (Class::Service | Class::Other, _) => return None,
        (_, "thumbnail" | "related" | "rendering" | "seeAlso" | "logo") => Is(Class::Content),
        (Class::Annotation, "resource") | (Class::Choice, "default" | "item") | (Class::SpecificResource, "full") => {
            Says(Class::Content)
        }
        (Class::Collection, "collections") => Is(Class::Collection),
        (Class::Collection, "manifests") => Is(Class::Manifest),
        (Class::Collection, "members") => Says(Class::Manifest),
        (Class::Manifest, "sequences") => Is(Class::Sequence),
        (Class::Manifest, "structures") => Is(Class::Range),
        (Class::Sequence, "canvases") => Is(Class::Canvas),
        (Class::Canvas, "images") | (Class::AnnotationList, "resources") => Is(Class::Annotation),
        (Class::Canvas | Class::Layer, "otherContent") => Is(Class::AnnotationList),
        (Class::Range, "members") => Says(Class::Canvas),
        (_, "within" | "first" | "last" | "next" | "prev") | (Class::Annotation, "on") => Is(Class::Reference),
        _ => return None,
    })
}
