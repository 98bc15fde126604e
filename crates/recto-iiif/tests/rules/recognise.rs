//! What a document is, is seen without being told.

use recto_iiif::validate::{DocumentKind, recognise};
use serde_json::json;

#[test]
fn the_kind_of_a_document_is_seen_by_its_type_and_context() {
    let p3 = "http://iiif.io/api/presentation/3/context.json";
    for (document, kind) in [
        (json!({"@context": p3, "type": "Manifest"}), DocumentKind::Presentation3),
        (json!({"type": "Collection"}), DocumentKind::Presentation3),
        (
            json!({"@context": ["http://iiif.io/api/search/2/context.json", p3], "type": "Manifest"}),
            DocumentKind::Presentation3,
        ),
        (
            json!({"@context": "http://iiif.io/api/presentation/4/context.json", "type": "Manifest"}),
            DocumentKind::Presentation4,
        ),
        (
            json!({"@context": "http://iiif.io/api/presentation/2/context.json", "@type": "sc:Manifest"}),
            DocumentKind::Presentation2,
        ),
        (
            json!({"@context": "http://www.shared-canvas.org/ns/context.json", "@type": "sc:Manifest"}),
            DocumentKind::Presentation2,
        ),
        (json!({"@type": "sc:AnnotationList", "hits": []}), DocumentKind::Search1),
        (json!({"@type": "sc:AnnotationList", "resources": []}), DocumentKind::Presentation2),
        (json!({"@type": "search:TermList"}), DocumentKind::Search1),
        (
            json!({"@context": "http://iiif.io/api/search/2/context.json", "type": "AnnotationPage"}),
            DocumentKind::Search2,
        ),
        (json!({"type": "TermPage"}), DocumentKind::Search2),
        (json!({"@context": "http://www.w3.org/ns/anno.jsonld", "type": "AnnotationPage"}), DocumentKind::Annotation),
        (json!({"@context": p3, "type": "AnnotationPage"}), DocumentKind::Presentation3),
        (json!({"@context": p3, "type": "Annotation", "motivation": ["contentState"]}), DocumentKind::ContentState),
        (
            json!({"@context": "http://iiif.io/api/image/3/context.json", "type": "ImageService3"}),
            DocumentKind::ImageInfo,
        ),
        (json!({"protocol": "http://iiif.io/api/image", "@id": "x"}), DocumentKind::ImageInfo),
        (json!({"width": 1, "height": 1, "scale_factors": [1]}), DocumentKind::ImageInfo),
        (json!({"type": "AuthProbeResult2"}), DocumentKind::Auth2),
        (json!({"accessToken": "T"}), DocumentKind::Auth1),
        (json!({"error": "invalidOrigin"}), DocumentKind::Auth1),
        (json!({"type": "OrderedCollectionPage"}), DocumentKind::Discovery),
        (json!({"@context": "http://iiif.io/api/discovery/1/context.json", "type": "Create"}), DocumentKind::Discovery),
        (json!({"@context": "http://iiif.io/api/annex/services/physdim/1/context.json"}), DocumentKind::Other),
        (json!({"@id": "https://example.org/x"}), DocumentKind::Presentation2),
        (json!({}), DocumentKind::Presentation3),
        (json!(7), DocumentKind::Presentation3),
    ] {
        assert_eq!(recognise(&document), kind, "{document}");
    }
}
