//! A document as its resources: every object with the place where it stands and the class that it is of there.

use serde_json::{Map, Value};

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
}

/// One object.
#[derive(Clone, Debug)]
pub struct Node<'d> {
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
        format!("{}/{}", self.pointer, property.replace('~', "~0").replace('/', "~1"))
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
    /// Its objects.
    pub nodes: Vec<Node<'d>>,
}

impl<'d> Tree<'d> {
    /// Takes a document apart. What is no object where one is to be is left out; rules look at their parents for that.
    pub fn of(document: &'d Value) -> Self {
        let mut tree = Self { document, nodes: Vec::new() };
        let Some(value) = document.as_object() else { return tree };
        let class = by_type(value).unwrap_or(Class::Manifest);
        // A list of what is still to be looked at: documents may be nested deeper than a stack is long.
        let mut open = vec![Node { pointer: String::new(), property: "", parent: None, class, value }];
        while let Some(node) = open.pop() {
            let index = tree.nodes.len();
            let first = open.len();
            for (property, value) in node.value {
                let Some(class) = class_of(&node, property) else { continue };
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

    /// The nodes of a class.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = &Node<'d>> {
        self.nodes.iter().filter(move |node| node.class == class)
    }

    /// The node that has this one.
    pub fn parent(&self, node: &Node<'d>) -> Option<&Node<'d>> {
        self.nodes.get(node.parent?)
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
        Place::Says(otherwise) => by_type(value).unwrap_or(otherwise),
    };
    Some(Node { pointer, property, parent: Some(parent), class, value })
}

/// What a place says of the objects in it.
#[derive(Clone, Copy)]
enum Place {
    /// They are of this class, whatever they say.
    Is(Class),
    /// They are what they say, or else of this class.
    Says(Class),
}

fn by_type(value: &Map<String, Value>) -> Option<Class> {
    Some(match value.get("type")?.as_str()? {
        "Collection" => Class::Collection,
        "Manifest" => Class::Manifest,
        "Canvas" => Class::Canvas,
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

/// The class of the values of a property; `None` where they are no resources.
fn class_of(node: &Node<'_>, property: &str) -> Option<Place> {
    use Place::{Is, Says};
    Some(match (node.class, property) {
        (_, "service" | "services") => Is(Class::Service),
        (_, "thumbnail" | "homepage" | "rendering" | "seeAlso" | "logo")
        | (Class::Choice, "items")
        | (Class::Annotation, "body") => Says(Class::Content),
        (_, "provider") => Is(Class::Agent),
        (_, "partOf" | "start" | "first" | "last" | "next" | "prev") => Is(Class::Reference),
        (_, "placeholderCanvas" | "accompanyingCanvas") | (Class::Manifest, "items") => Is(Class::Canvas),
        (_, "annotations") | (Class::Canvas, "items") => Is(Class::AnnotationPage),
        (_, "structures") => Is(Class::Range),
        (Class::Collection, "items") => Says(Class::Manifest),
        (Class::AnnotationPage, "items") => Is(Class::Annotation),
        (Class::Range, "items") => Says(Class::Canvas),
        (Class::Annotation, "target") | (Class::SpecificResource, "source") => Says(Class::Reference),
        _ => return None,
    })
}
