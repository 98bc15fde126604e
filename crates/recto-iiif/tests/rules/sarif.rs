//! SARIF.

use recto_iiif::validate::{rules, sarif, validate_text};
use serde_json::Value;

#[test]
fn findings_become_a_log_that_says_what_sarif_asks_for() {
    let text = b"{\n \"@context\": \"http://iiif.io/api/presentation/3/context.json\", \"id\": \"https://example.org/m?x\",\n \"type\": \"Manifest\", \"label\": \"x\", \"items\": []}";
    let log = sarif(&[("a folder/m\u{e9}.json".to_owned(), validate_text(text)), ("b.json".to_owned(), Vec::new())]);
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "recto");
    let listed = driver["rules"].as_array().unwrap();
    assert_eq!(listed.len(), rules().count());
    for rule in listed {
        let text = |pointer: &str| rule.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        assert!(!text("/id").is_empty() && text("/helpUri").starts_with("https://"), "{rule}");
        assert!(text("/shortDescription/text").ends_with('.') && !text("/help/text").is_empty(), "{rule}");
    }
    let results = runs[0]["results"].as_array().unwrap();
    let levels: Vec<&str> = results.iter().map(|result| result["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["warning", "error", "error", "note"]);
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(listed[index]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20folder/m%C3%A9.json");
        assert!(
            place["region"]["startLine"].as_u64().unwrap() >= 1
                && place["region"]["startColumn"].as_u64().unwrap() >= 1
        );
    }
    let label = results.iter().find(|result| result["ruleId"] == "P6").unwrap();
    assert_eq!(label["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
    assert_eq!(label["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "/label");
    assert_eq!(results[3]["properties"]["viewers"][0], "Mirador 4.0.0");
}
