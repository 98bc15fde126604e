//! Annotations over HTTP: the Web Annotation Protocol, what manifests lead to, and the dialects of older servers.

use serde_json::{Value, json};

use crate::support::{Answer, Library, Server};

const JSON_LD: &str = "application/ld+json; profile=\"http://www.w3.org/ns/anno.jsonld\"";
const BASIC_CONTAINER: &str = "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"";
const CONSTRAINED: &str = "<http://www.w3.org/TR/annotation-protocol/>; rel=\"http://www.w3.org/ns/ldp#constrainedBy\"";

/// A library with one object of two pages, and a server on which Anna and Bert may write.
fn library() -> Library {
    let library = Library::new();
    library.put_png("letters/1.png", 60, 40).put_png("letters/2.png", 60, 40);
    library
}

pub(crate) fn writable(library: &Library) -> Server {
    library.serve_again(&[
        "--set",
        "server.annotation_tokens.secret-a=Anna <https://example.org/anna>",
        "--set",
        "server.annotation_tokens.secret-b=Bert",
    ])
}

pub(crate) fn send(
    server: &Server,
    method: &str,
    path: &str,
    token: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let path = path.strip_prefix(&server.base()).unwrap_or(path);
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", server.address);
    if !token.is_empty() {
        text.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if !headers.iter().any(|(name, _)| *name == "Content-Type") {
        text.push_str(&format!("Content-Type: {JSON_LD}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    server.send(text.as_bytes(), method == "HEAD").unwrap()
}

fn canvas(server: &Server, page: u32) -> String {
    let manifest = server.get("/iiif/presentation/3/letters/manifest").json();
    manifest["items"][page as usize]["id"].as_str().unwrap().to_owned()
}

pub(crate) fn remark(says: &str, target: &str) -> Value {
    json!({
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "Annotation",
        "motivation": "commenting",
        "body": {"type": "TextualBody", "value": says, "format": "text/plain"},
        "target": target,
    })
}

/// Anna's remark about the first page.
fn make(server: &Server, says: &str) -> Answer {
    let target = format!("{}#xywh=1,2,30,20", canvas(server, 0));
    let answer = send(server, "POST", "/annotations/letters/", "secret-a", &[], &remark(says, &target).to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

fn get(server: &Server, url: &str) -> Answer {
    server.get(url.strip_prefix(&server.base()).unwrap_or(url))
}

fn values(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["body"]["value"].as_str().unwrap()).collect()
}

#[test]
fn w1_a_container_says_what_it_is_and_what_can_be_done_with_it() {
    let library = library();
    let server = writable(&library);
    let answer = server.get("/annotations/letters/");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), JSON_LD);
    let link = answer.header("link");
    assert!(link.contains(BASIC_CONTAINER) && link.contains(CONSTRAINED), "{link}");
    assert_eq!(answer.header("allow"), "POST, GET, HEAD, OPTIONS");
    assert!(answer.header("accept-post").contains("application/ld+json"));
    assert_eq!(answer.header("vary"), "Accept, Prefer");
    assert!(answer.header("etag").starts_with('"'));
    let head = server.ask("HEAD", "/annotations/letters/", &[]);
    assert_eq!((head.status, head.header("etag")), (200, answer.header("etag")));
    let fresh = server.ask("GET", "/annotations/letters/", &[("If-None-Match", answer.header("etag"))]);
    assert_eq!(fresh.status, 304);
    make(&server, "one");
    let changed = server.ask("GET", "/annotations/letters/", &[("If-None-Match", answer.header("etag"))]);
    assert_eq!(changed.status, 200);
    let options = server.ask("OPTIONS", "/annotations/letters/", &[]);
    assert_eq!((options.status, options.header("allow")), (204, "POST, GET, HEAD, OPTIONS"));
    assert!(options.header("access-control-allow-methods").contains("PUT, PATCH, DELETE"));
    assert!(options.header("access-control-allow-headers").contains("If-Match"));
    assert!(options.header("accept-post").contains("application/ld+json"));
    let slash = server.get("/annotations/letters");
    assert_eq!((slash.status, slash.header("location")), (301, &*format!("{}/annotations/letters/", server.base())));
    let put = send(&server, "PUT", "/annotations/letters/", "secret-a", &[], "{}");
    assert_eq!((put.status, put.header("allow")), (405, "POST, GET, HEAD, OPTIONS"));
    assert_eq!(server.get("/annotations/nothing/").status, 404);
    server.assert_clean_log();
}

#[test]
fn w2_to_w4_a_container_lists_its_annotations_in_pages_as_the_client_prefers() {
    let library = library();
    let server =
        library.serve(&["--set", "server.annotation_tokens.secret-a=Anna", "--set", "annotations.page_size=2"]);
    let url = format!("{}/annotations/letters/", server.base());
    let empty = server.get("/annotations/letters/").json();
    assert_eq!(empty["total"], 0);
    assert!(empty.get("first").is_none(), "{empty}");
    for says in ["one", "two", "three"] {
        make(&server, says);
    }
    let container = server.get("/annotations/letters/");
    assert_eq!(container.header("content-location"), format!("{url}?iris=0"));
    let json = container.json();
    assert_eq!(json["type"], json!(["BasicContainer", "AnnotationCollection"]));
    assert_eq!(json["label"], json!({"none": ["letters"]}));
    assert_eq!((&json["total"], &json["last"]), (&json!(3), &json!(format!("{url}?iris=0&page=1"))));
    assert_eq!(values(&json["first"]["items"]), ["one", "two"]);
    assert_eq!(json["first"]["next"], format!("{url}?iris=0&page=1"));
    let page = get(&server, json["last"].as_str().unwrap());
    assert_eq!(page.header("allow"), "GET, HEAD, OPTIONS");
    let page = page.json();
    assert_eq!((&page["type"], &page["startIndex"]), (&json!("AnnotationPage"), &json!(2)));
    assert_eq!(page["partOf"]["id"], format!("{url}?iris=0"));
    assert_eq!((page["prev"].as_str(), page.get("next")), (Some(&*format!("{url}?iris=0&page=0")), None));
    assert_eq!(values(&page["items"]), ["three"]);
    assert_eq!(server.get("/annotations/letters/?page=2").status, 404);
    assert_eq!(server.get("/annotations/letters/?page=x").status, 400);
    let prefer = |uris: &str| {
        let value = format!("return=representation; include=\"{uris}\"");
        server.ask("GET", "/annotations/letters/", &[("Prefer", &value)])
    };
    let minimal = prefer("http://www.w3.org/ns/ldp#PreferMinimalContainer");
    assert_eq!(minimal.header("preference-applied"), "return=representation");
    assert_eq!(minimal.json()["first"], format!("{url}?iris=0&page=0"));
    let iris = prefer("http://www.w3.org/ns/oa#PreferContainedIRIs");
    assert_eq!(iris.header("content-location"), format!("{url}?iris=1"));
    let iris = iris.json();
    assert_eq!(iris["id"], format!("{url}?iris=1"));
    let first = iris["first"]["items"][0].as_str().unwrap();
    assert_eq!(get(&server, first).json()["body"]["value"], "one");
    let all = server.get("/annotations/").json();
    assert_eq!(all["contains"], json!([url]));
    server.assert_clean_log();
}

#[test]
fn w5_an_annotation_is_made_under_a_name_of_the_server_and_keeps_its_own() {
    let library = library();
    let server = writable(&library);
    let mut sent = remark("mine", &canvas(&server, 0));
    sent["id"] = json!("https://example.com/my/7");
    sent["canonical"] = json!("urn:uuid:dbfb1861-0ecf-41ad-be94-a584e5c4f1df");
    sent["creator"] = json!("https://example.com/somebody-else");
    let made = send(&server, "POST", "/annotations/letters/", "secret-a", &[("Slug", "First One")], &sent.to_string());
    assert_eq!(made.status, 201, "{}", made.text());
    let url = format!("{}/annotations/letters/First-One", server.base());
    assert_eq!((made.header("location"), made.header("etag")), (&*url, "\"v1\""));
    let json = made.json();
    assert_eq!(json["id"], url.as_str());
    assert_eq!((&json["via"], &json["canonical"]), (&sent["id"], &sent["canonical"]));
    assert_eq!(json["creator"], json!({"id": "https://example.org/anna", "type": "Person", "name": "Anna"}));
    assert!(json["created"].as_str().unwrap().ends_with('Z'));
    assert_eq!(json["target"], canvas(&server, 0).as_str());
    let again = send(&server, "POST", "/annotations/letters/", "secret-b", &[("Slug", "First One")], &sent.to_string());
    assert_eq!(again.status, 201);
    assert_ne!(again.header("location"), url);
    assert_eq!(get(&server, &url).json(), json);
    server.assert_clean_log();
}

#[test]
fn w6_an_annotation_says_what_it_is() {
    let library = library();
    let server = writable(&library);
    let url = make(&server, "one").header("location").to_owned();
    let answer = get(&server, &url);
    let link = answer.header("link");
    assert!(link.contains("<http://www.w3.org/ns/ldp#Resource>; rel=\"type\""), "{link}");
    assert!(link.contains("<http://www.w3.org/ns/oa#Annotation>; rel=\"type\""), "{link}");
    assert_eq!(answer.header("allow"), "PUT, PATCH, DELETE, GET, HEAD, OPTIONS");
    assert_eq!((answer.header("etag"), answer.header("vary")), ("\"v1\"", "Accept"));
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), (JSON_LD, "no-cache"));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-expose-headers").contains("ETag"));
    let path = url.strip_prefix(&server.base()).unwrap();
    assert_eq!(server.ask("HEAD", path, &[]).header("etag"), "\"v1\"");
    assert_eq!(server.ask("GET", path, &[("If-None-Match", "\"v1\"")]).status, 304);
    assert_eq!(server.ask("OPTIONS", path, &[]).header("allow"), "PUT, PATCH, DELETE, GET, HEAD, OPTIONS");
    assert_eq!(server.get("/annotations/letters/nothing").status, 404);
    server.assert_clean_log();
}

#[test]
fn w7_of_two_who_change_the_same_version_the_second_is_told() {
    let library = library();
    let server = writable(&library);
    let made = make(&server, "one");
    let (url, etag) = (made.header("location").to_owned(), made.header("etag").to_owned());
    let mut json = made.json();
    json["body"]["value"] = json!("changed by Bert");
    let put = |token: &str, headers: &[(&str, &str)], json: &Value| {
        send(&server, "PUT", &url, token, headers, &json.to_string())
    };
    let first = put("secret-b", &[("If-Match", &etag)], &json);
    assert_eq!((first.status, first.header("etag")), (200, "\"v2\""), "{}", first.text());
    let changed = first.json();
    assert_eq!(changed["body"]["value"], "changed by Bert");
    assert_eq!((&changed["creator"], &changed["created"]), (&json["creator"], &json["created"]));
    json["body"]["value"] = json!("changed by Anna");
    let second = put("secret-a", &[("If-Match", &etag)], &json);
    assert_eq!((second.status, second.header("etag")), (412, "\"v2\""), "{}", second.text());
    assert_eq!(get(&server, &url).json(), changed, "nothing is lost");
    let third = put("secret-a", &[("If-Match", second.header("etag"))], &json);
    assert_eq!((third.status, third.header("etag")), (200, "\"v3\""));
    let mut other = third.json();
    other["canonical"] = json!("urn:x:1");
    assert_eq!(put("secret-a", &[], &other).status, 200, "there was none before");
    other["canonical"] = json!("urn:x:2");
    let rejected = put("secret-a", &[], &other);
    assert_eq!((rejected.status, &rejected.json()["faults"][0]["pointer"]), (400, &json!("/canonical")));
    other["id"] = json!("https://example.com/other");
    assert_eq!(put("secret-a", &[], &other).status, 400);
    server.assert_clean_log();
}

#[test]
fn w7_where_it_is_wanted_every_change_names_a_version() {
    let library = library();
    let server = library.serve(&[
        "--set",
        "server.annotation_tokens.secret-a=Anna",
        "--set",
        "annotations.require_if_match=true",
    ]);
    let made = make(&server, "one");
    let url = made.header("location");
    let put = |headers: &[(&str, &str)]| send(&server, "PUT", url, "secret-a", headers, &made.text()).status;
    assert_eq!((put(&[]), put(&[("If-Match", "\"v1\"")]), put(&[("If-Match", "*")])), (428, 200, 200));
    assert_eq!(send(&server, "DELETE", url, "secret-a", &[], "").status, 428);
    assert_eq!(send(&server, "DELETE", url, "secret-a", &[("If-Match", "W/\"v3\"")], "").status, 204);
}

#[test]
fn w8_a_deleted_annotation_is_gone_for_good_unless_it_is_restored() {
    let library = library();
    let server = writable(&library);
    let target = canvas(&server, 0);
    let body = remark("one", &target).to_string();
    let made = send(&server, "POST", "/annotations/letters/", "secret-a", &[("Slug", "one")], &body);
    let url = made.header("location").to_owned();
    assert_eq!(send(&server, "DELETE", &url, "secret-b", &[("If-Match", "\"v7\"")], "").status, 412);
    let deleted = send(&server, "DELETE", &url, "secret-b", &[("If-Match", "\"v1\"")], "");
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(get(&server, &url).status, 410);
    assert_eq!(send(&server, "DELETE", &url, "secret-b", &[], "").status, 410);
    assert_eq!(send(&server, "PUT", &url, "secret-b", &[], &body).status, 410);
    assert_eq!(server.get("/annotations/letters/").json()["total"], 0);
    let page = format!("{}/annotations", target.strip_prefix(&server.base()).unwrap());
    assert_eq!(server.get(&page).json()["items"], json!([]));
    let again = send(&server, "POST", "/annotations/letters/", "secret-a", &[("Slug", "one")], &body);
    assert_ne!(again.header("location"), url, "a name is never given twice");
    let history = get(&server, &format!("{url}?history")).json();
    let told: Vec<_> = history["items"].as_array().unwrap().iter().map(|version| &version["action"]).collect();
    assert_eq!(told, ["create", "delete"]);
    assert_eq!(history["items"][1]["creator"]["name"], "Bert");
    assert_eq!(get(&server, &format!("{url}?version=1")).json()["body"]["value"], "one");
    assert_eq!(get(&server, &format!("{url}?version=2")).status, 410);
    assert_eq!(get(&server, &format!("{url}?version=3")).status, 404);
    assert_eq!(send(&server, "POST", &format!("{url}?restore=2"), "secret-a", &[], "").status, 404);
    let restored = send(&server, "POST", &format!("{url}?restore=1"), "secret-a", &[], "");
    assert_eq!((restored.status, restored.header("etag")), (200, "\"v3\""), "{}", restored.text());
    assert_eq!(get(&server, &url).json()["body"]["value"], "one");
    assert_eq!(server.get(&page).json()["items"].as_array().unwrap().len(), 2);
    server.assert_clean_log();
}

#[test]
fn w9_parts_are_patched_and_many_are_sent_and_taken_at_once() {
    let library = library();
    let server = writable(&library);
    let url = make(&server, "one").header("location").to_owned();
    let merge = [("Content-Type", "application/merge-patch+json"), ("If-Match", "\"v1\"")];
    let patched =
        send(&server, "PATCH", &url, "secret-b", &merge, r#"{"body": {"value": "two"}, "motivation": "describing"}"#);
    assert_eq!((patched.status, patched.header("etag")), (200, "\"v2\""), "{}", patched.text());
    let json = patched.json();
    assert_eq!((&json["body"]["value"], &json["motivation"]), (&json!("two"), &json!("describing")));
    assert_eq!(json["body"]["format"], "text/plain");
    assert_eq!(send(&server, "PATCH", &url, "secret-b", &merge, r#"{"motivation": "tagging"}"#).status, 412);
    let target = canvas(&server, 1);
    let batch = json!({"type": "AnnotationPage", "items": [
        remark("three", &target), {"type": "Annotation", "body": "no target"}, remark("four", &target)]});
    let sent = send(&server, "POST", "/annotations/letters/", "secret-a", &[], &batch.to_string());
    assert_eq!(sent.status, 200, "{}", sent.text());
    let told = sent.json();
    assert_eq!((&told["created"], &told["total"]), (&json!(2), &json!(3)));
    assert_eq!((&told["items"][1]["status"], &told["items"][1]["place"]), (&json!(400), &json!("/items/1")));
    assert!(told["items"][1]["faults"][0]["message"].as_str().unwrap().contains("target"), "{told}");
    assert_eq!(get(&server, told["items"][2]["id"].as_str().unwrap()).json()["body"]["value"], "four");
    let lines = server.get("/annotations/letters/?export=jsonl").text();
    let said: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(values(&json!(said)), ["two", "three", "four"]);
    assert_eq!(values(&server.get("/annotations/letters/?export=json").json()["items"]), ["two", "three", "four"]);
    let table = server.get("/annotations/letters/?export=csv&motivation=commenting");
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert!(table.text().contains("three") && !table.text().contains("two"), "{}", table.text());
    assert_eq!(server.get("/annotations/letters/?export=jsonl&until=2000-01-01T00:00:00Z").text(), "");
    assert_eq!(server.get("/annotations/letters/?export=xml").status, 400);
    // What left as a table, or as lines, comes back as one.
    for (format, media_type, many) in [("csv", "text/csv", 2), ("jsonl", "application/x-ndjson", 4)] {
        let left = server.get(&format!("/annotations/letters/?export={format}&motivation=commenting")).text();
        let back = send(&server, "POST", "/annotations/letters/", "secret-b", &[("Content-Type", media_type)], &left);
        assert_eq!((back.status, &back.json()["created"]), (200, &json!(many)), "{format}: {}", back.text());
    }
    let page = format!("{}/annotations", target.strip_prefix(&server.base()).unwrap());
    assert_eq!(values(&server.get(&page).json()["items"]), ["three", "four"].repeat(4));
    let broken = "canvas,x,y,w,h,body\r\n,1,2,3,4,nothing\r\n";
    let told =
        send(&server, "POST", "/annotations/letters/", "secret-a", &[("Content-Type", "text/csv")], broken).json();
    assert_eq!((&told["created"], &told["items"][0]["place"]), (&json!(0), &json!("line 2")), "{told}");
    server.assert_clean_log();
}

#[test]
fn w10_only_who_may_writes_and_only_what_harms_nobody() {
    let library = library();
    let server = writable(&library);
    let body = remark("one", &canvas(&server, 0)).to_string();
    for token in ["", "wrong", "secret-"] {
        let refused = send(&server, "POST", "/annotations/letters/", token, &[], &body);
        assert_eq!(refused.status, 401, "{token}");
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
    }
    let post = |headers: &[(&str, &str)], body: &str| {
        send(&server, "POST", "/annotations/letters/", "secret-a", headers, body)
    };
    assert_eq!(post(&[("Content-Type", "text/plain")], &body).status, 415);
    assert_eq!(post(&[], "{").status, 400);
    assert_eq!(post(&[], &remark(&"x".repeat(300_000), "https://example.org/c").to_string()).status, 413);
    assert_eq!(post(&[], &body.replace("commenting", "painting")).status, 400);
    let mut html = remark("", &canvas(&server, 0));
    html["body"]["value"] = json!("<p onclick='x()'>See <b>this</b><script>alert(1)</script></p>");
    html["body"]["format"] = json!("text/html");
    assert_eq!(post(&[], &html.to_string()).json()["body"]["value"], "<p>See <b>this</b></p>");
    let draft = send(&server, "POST", "/annotations/letters/?draft=1", "secret-b", &[], &body);
    assert_eq!(draft.status, 201);
    let url = draft.header("location").to_owned();
    let see = |token: &str| send(&server, "GET", &url, token, &[], "").status;
    assert_eq!((see(""), see("secret-a"), see("secret-b")), (404, 404, 200));
    let total = |token: &str| send(&server, "GET", "/annotations/letters/", token, &[], "").json()["total"].clone();
    assert_eq!((total("secret-a"), total("secret-b")), (json!(1), json!(2)));
    assert_eq!(send(&server, "PUT", &url, "secret-b", &[], &body).status, 200, "now it is for everybody");
    assert_eq!(see(""), 200);
    assert!(server.log().iter().all(|line| !line.contains("secret-")), "tokens are not logged");
    server.assert_clean_log();
    let closed = library.serve(&[]);
    let refused = send(&closed, "POST", "/annotations/letters/", "secret-a", &[], &body);
    assert_eq!(refused.status, 403);
    assert!(refused.json()["hint"].as_str().unwrap().contains("server.annotation_tokens"));
    assert_eq!(closed.get("/annotations/letters/").header("allow"), "GET, HEAD, OPTIONS");
}

#[test]
fn w11_each_canvas_has_its_page_in_every_version() {
    let library = library();
    let server = writable(&library);
    let target = canvas(&server, 0);
    let other = target.replace("/presentation/3/", "/presentation/2/");
    make(&server, "one");
    let made = send(&server, "POST", "/annotations/letters/", "secret-b", &[], &remark("two", &other).to_string());
    assert_eq!(made.json()["target"], target.as_str(), "it is the same canvas");
    let manifest = server.get("/iiif/presentation/3/letters/manifest").json();
    let page = &manifest["items"][0]["annotations"][0];
    assert_eq!(page["id"], format!("{target}/annotations"));
    assert!(page.get("items").is_none(), "viewers fetch what is not embedded: {page}");
    let three = get(&server, page["id"].as_str().unwrap());
    assert_eq!(
        three.header("content-type"),
        "application/ld+json;profile=\"http://iiif.io/api/presentation/3/context.json\""
    );
    let json = three.json();
    assert_eq!((&json["type"], values(&json["items"])), (&json!("AnnotationPage"), vec!["one", "two"]));
    let path = page["id"].as_str().unwrap().strip_prefix(&server.base()).unwrap().to_owned();
    assert_eq!(server.ask("GET", &path, &[("If-None-Match", three.header("etag"))]).status, 304);
    let older = server.get("/iiif/presentation/2/letters/manifest").json();
    let list = &older["sequences"][0]["canvases"][0]["otherContent"][0];
    assert_eq!(list["@type"], "sc:AnnotationList");
    let two = get(&server, list["@id"].as_str().unwrap()).json();
    assert_eq!((&two["@type"], &two["@id"]), (&json!("sc:AnnotationList"), &list["@id"]));
    assert_eq!(two["resources"][0]["on"], format!("{target}#xywh=1,2,30,20"));
    assert_eq!(two["resources"].as_array().unwrap().len(), 2);
    let empty = get(&server, &format!("{}/annotations", canvas(&server, 1))).json();
    assert_eq!(empty["items"], json!([]));
    assert_eq!(server.get("/iiif/presentation/3/nothing/canvas/1/annotations").status, 404);
    server.assert_clean_log();
}

#[test]
fn w11_annotations_stay_when_the_server_is_reached_otherwise_or_the_object_is_renamed() {
    let library = library();
    let mut server = writable(&library);
    make(&server, "one");
    let first = server.base();
    server.kill();
    std::fs::rename(library.path("letters"), library.path("briefe")).unwrap();
    // Nobody can write any more; what was written leads to its pages by itself.
    let server = library.serve_again(&[]);
    assert_ne!(server.base(), first);
    let manifest = server.get("/iiif/presentation/3/briefe/manifest").json();
    let canvas = manifest["items"][0]["id"].as_str().unwrap();
    let page = get(&server, manifest["items"][0]["annotations"][0]["id"].as_str().unwrap()).json();
    assert_eq!(page["items"][0]["target"], format!("{canvas}#xywh=1,2,30,20"));
    assert!(page["items"][0]["id"].as_str().unwrap().starts_with(&server.base()));
    let asked = server.ask("GET", &format!("/annotation/search?uri={canvas}"), &[("Host", "other.example:9")]);
    assert_eq!(asked.status, 200);
    server.assert_clean_log();
}

#[test]
fn what_was_acknowledged_is_there_after_the_server_was_killed() {
    let library = library();
    let mut server = writable(&library);
    let made: Vec<String> =
        (0..40).map(|number| make(&server, &number.to_string()).header("location").to_owned()).collect();
    let base = server.base();
    server.kill();
    let server = writable(&library);
    for (number, url) in made.iter().enumerate() {
        let path = url.strip_prefix(&base).unwrap();
        assert_eq!(server.get(path).json()["body"]["value"], number.to_string());
    }
}

#[test]
fn w12_clients_of_simple_annotation_server_read_and_write() {
    let library = library();
    let server = writable(&library);
    let target = canvas(&server, 0);
    let sent = json!({
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@type": "oa:Annotation",
        "motivation": ["oa:commenting"],
        "resource": [{"@type": "dctypes:Text", "format": "text/html", "chars": "<p>Look</p>"}],
        "on": [{"@type": "oa:SpecificResource", "full": target,
            "selector": {"@type": "oa:FragmentSelector", "value": "xywh=1,2,30,20"}}],
    });
    let json_type = [("Content-Type", "application/json")];
    assert_eq!(send(&server, "POST", "/annotation/create", "", &json_type, &sent.to_string()).status, 401);
    let created = send(&server, "POST", "/annotation/create", "secret-a", &json_type, &sent.to_string());
    assert_eq!(created.status, 201, "{}", created.text());
    let mut json = created.json();
    assert!(json["@id"].as_str().unwrap().starts_with(&format!("{}/annotations/letters/", server.base())));
    let found = server.get(&format!("/annotation/search?uri={target}")).json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(
        found[0]["resource"]["chars"].as_str().or(found[0]["resource"][0]["chars"].as_str()),
        Some("<p>Look</p>")
    );
    let text = if json["resource"].is_array() { &mut json["resource"][0] } else { &mut json["resource"] };
    text["chars"] = json!("<p>Again</p>");
    let updated = send(&server, "POST", "/annotation/update", "secret-b", &json_type, &json.to_string());
    assert_eq!(updated.status, 201, "{}", updated.text());
    let w3c = get(&server, json["@id"].as_str().unwrap());
    assert_eq!((w3c.header("etag"), &w3c.json()["body"][0]["value"]), ("\"v2\"", &json!("<p>Again</p>")));
    let uri = json["@id"].as_str().unwrap().to_owned();
    assert_eq!(send(&server, "DELETE", &format!("/annotation/destroy?uri={uri}"), "secret-a", &[], "").status, 204);
    assert_eq!(server.get(&format!("/annotation/search?uri={target}")).json(), json!([]));
    let list = json!({"@type": "sc:AnnotationList", "resources": [sent, sent]});
    let populated = send(&server, "POST", "/annotation/populate", "secret-a", &json_type, &list.to_string());
    assert_eq!((populated.status, &*populated.text()), (201, "SUCCESS\n"));
    assert_eq!(server.get(&format!("/annotation/search?uri={target}")).json().as_array().unwrap().len(), 2);
    assert_eq!(server.get("/annotation/search").status, 400);
    server.assert_clean_log();
}

#[test]
fn w12_clients_of_annotot_read_and_write() {
    let library = library();
    let server = writable(&library);
    let target = canvas(&server, 0);
    let uuid = "0d1b3f9c-7b8e-4a52-9d0c-5f3f0c7a9e11";
    let data = |says: &str| {
        let mut annotation = remark(says, &format!("{target}#xywh=1,2,30,20"));
        annotation["id"] = json!(uuid);
        annotation.to_string()
    };
    let json_type = [("Content-Type", "application/json")];
    let envelope = json!({"annotation": {"canvas": target, "data": data("one"), "uuid": uuid}}).to_string();
    let made = send(&server, "POST", "/annotot", "secret-a", &json_type, &envelope);
    assert_eq!(made.status, 200, "{}", made.text());
    let page = server.get(&format!("/annotot/pages?uri={target}")).json();
    assert_eq!((&page["type"], values(&page["items"])), (&json!("AnnotationPage"), vec!["one"]));
    let changed = json!({"annotation": {"data": data("two"), "uuid": uuid}}).to_string();
    let patched = send(&server, "PATCH", &format!("/annotot/{uuid}"), "secret-b", &json_type, &changed);
    assert_eq!(patched.status, 200, "{}", patched.text());
    assert_eq!(server.get(&format!("/annotot/{uuid}")).json()["body"]["value"], "two");
    // Its clients ask for what the page calls it, too, escaped as a whole.
    let id = page["items"][0]["id"].as_str().unwrap().replace(':', "%3A").replace('/', "%2F");
    assert_eq!(server.get(&format!("/annotot/{id}")).json()["body"]["value"], "two");
    let lists = server.get(&format!("/annotot/lists?uri={target}")).json();
    assert_eq!(lists["@type"], "sc:AnnotationList");
    assert_eq!(send(&server, "DELETE", &format!("/annotot/{uuid}"), "secret-a", &[], "").status, 200);
    assert_eq!(server.get(&format!("/annotot?uri={target}")).json(), json!([]));
    assert_eq!(server.get(&format!("/annotot/{uuid}")).status, 410);
    server.assert_clean_log();
}

#[test]
fn containers_are_made_and_what_is_elsewhere_has_its_own() {
    let library = library();
    let server = writable(&library);
    let make = |slug: &str| {
        let body = json!({"type": ["BasicContainer", "AnnotationCollection"], "label": "Class 7b"}).to_string();
        send(&server, "POST", "/annotations/", "secret-a", &[("Slug", slug)], &body)
    };
    let made = make("class-7b");
    let url = format!("{}/annotations/class-7b/", server.base());
    assert_eq!((made.status, made.header("location")), (201, &*url), "{}", made.text());
    assert_eq!((make("class-7b").status, make("letters").status, make("elsewhere").status), (409, 409, 409));
    let body = remark("one", "https://example.com/other/canvas").to_string();
    assert_eq!(send(&server, "POST", &url, "secret-b", &[], &body).status, 201);
    assert_eq!(server.get("/annotations/class-7b/").json()["label"], "Class 7b");
    let open = json!({"@type": "oa:Annotation", "motivation": "oa:commenting", "on": "https://example.com/other/canvas",
        "resource": {"@type": "dctypes:Text", "chars": "two"}});
    let json_type = [("Content-Type", "application/json")];
    let created = send(&server, "POST", "/annotation/create", "secret-a", &json_type, &open.to_string());
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(server.get("/annotations/elsewhere/").json()["total"], 1);
    let found = server.get("/annotation/search?uri=https://example.com/other/canvas").json();
    assert_eq!(found.as_array().unwrap().len(), 2, "from whatever container");
    server.assert_clean_log();
}
