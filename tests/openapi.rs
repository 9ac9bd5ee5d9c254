//! The OpenAPI description and the shipped binary's routes tell the same.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::deck::Deck;
use crate::support::numbers::numbers;
use crate::support::simulated::lab;
use crate::support::web::client;
use dialdeck::simulator::start;
use serde_json::{Value, json};

const DESCRIPTION: &str = include_str!("../docs/openapi.json");
const SOON: Duration = Duration::from_secs(20);
const TOKEN: &str = "0123456789abcdef0123";

fn description() -> Value {
    serde_json::from_str(DESCRIPTION).expect("it is JSON")
}

/// Every method and path of the description.
fn described() -> BTreeSet<(String, String)> {
    let description = description();
    let paths = description["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

#[test]
fn every_route_is_described_and_every_description_has_its_route() {
    let routes: BTreeSet<_> = dialdeck::http::routes()
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(routes, described());
}

#[test]
fn the_readme_names_every_route() {
    let readme = include_str!("../README.md");
    for (method, path) in dialdeck::http::routes() {
        let row = format!("| `{method}` | `{path}` |");
        assert!(readme.contains(&row), "README.md has no row {row}");
    }
}

/// Of no request is it known beforehand how long it takes.
#[test]
fn every_request_may_take_too_long_and_that_is_described() {
    let description = description();
    for (method, path) in described() {
        let operation = &description["paths"][&path][method.to_lowercase()];
        let schema = &operation["responses"]["408"]["content"]["application/json"]["schema"];
        let said = json!({ "$ref": "#/components/schemas/Said" });
        assert_eq!(*schema, said, "{method} {path}");
    }
}

/// What an answer must be like by the description: whether its status is told, and its body is
/// as that status has it.
struct Judge {
    description: Value,
}

impl Judge {
    fn judge(&self, (method, path): (&str, &str), status: u16, kind: &str, text: &str) {
        let place = format!("{method} {path} {status}");
        let operation = &self.description["paths"][path][method.to_lowercase()];
        let answer = &operation["responses"][status.to_string()];
        assert!(answer.is_object(), "{place} is not described: {text}");
        let kind = kind.split(';').next().expect("a first piece");
        let content = &answer["content"][kind];
        assert!(content.is_object(), "{place} is no {kind}: {text}");
        if kind != "application/json" {
            return;
        }
        // References are looked up in the document that the schema stands in.
        let mut schema = json!({ "components": self.description["components"] });
        let own = content["schema"].as_object().expect("a schema").clone();
        schema.as_object_mut().expect("an object").extend(own);
        let options = jsonschema::options().should_validate_formats(true);
        let validator = options.build(&schema).expect("a schema");
        let body: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{place}: {e}"));
        let wrong: Vec<String> = validator
            .iter_errors(&body)
            .map(|e| e.to_string())
            .collect();
        assert!(wrong.is_empty(), "{place}: {wrong:?} in {text}");
    }
}

/// One request: method, path as described, path as sent, body, the status that is expected.
type Sent = (&'static str, String, String, Option<Value>, u16);

/// Every status that can be had without breaking anything, in an order in which they can.
fn requests() -> Vec<Sent> {
    let v1 = |path: &str| format!("/api/v1{path}");
    let same = |method: &'static str, path: &'static str, status| {
        (method, path.to_owned(), path.to_owned(), None, status)
    };
    let to = |method: &'static str, path: &str, sent: &str, status| {
        (method, v1(path), v1(sent), None, status)
    };
    let with = |method: &'static str, path: &str, body, status| {
        (method, v1(path), v1(path), Some(body), status)
    };
    let order = |protocol: u32| json!({ "protocol": protocol, "at": 0, "what": { "campaign": "Pause" }, "user": "anna" });
    vec![
        same("GET", "/healthz", 200),
        same("GET", "/readyz", 200),
        same("GET", "/metrics", 200),
        same("GET", "/api/v1/openapi.json", 200),
        same("POST", "/api/v1/new_run", 409),
        same("GET", "/start", 201),
        same("GET", "/start", 200),
        same("GET", "/api/v1/status", 200),
        same("POST", "/api/v1/pause", 200),
        same("POST", "/api/v1/resume", 200),
        same("POST", "/api/v1/start", 200),
        same("GET", "/api/v1/calls", 200),
        with("PUT", "/max_cc", json!({ "max_cc": 1 }), 200),
        with("PUT", "/max_cc", json!({ "max_cc": 0 }), 400),
        same("GET", "/api/v1/leads", 200),
        to("GET", "/leads", "/leads?colour=red", 400),
        with(
            "POST",
            "/leads",
            json!({ "numbers": ["80559999", "x"] }),
            200,
        ),
        with("POST", "/leads", json!({ "numbers": ["80559999"] }), 200),
        with("POST", "/leads", json!({ "numbers": ["x"] }), 422),
        with("POST", "/leads", json!({ "numbers": [] }), 400),
        with(
            "POST",
            "/leads",
            json!({ "numbers": vec!["1"; 10_001] }),
            413,
        ),
        to("GET", "/leads/{lead}", "/leads/0", 200),
        to("GET", "/leads/{lead}", "/leads/99", 404),
        to("GET", "/leads/{lead}", "/leads/x", 400),
        to("GET", "/console/leads/{lead}", "/console/leads/0", 200),
        to("GET", "/console/leads/{lead}", "/console/leads/99", 404),
        to("GET", "/report", "/report", 200),
        to("GET", "/report", "/report?format=csv&by=attempt&run=1", 200),
        to("GET", "/report", "/report?run=7", 404),
        to("GET", "/report", "/report?format=xml", 400),
        to("POST", "/leads/{lead}/skip", "/leads/5/skip", 200),
        to("POST", "/leads/{lead}/skip", "/leads/5/skip", 409),
        to("POST", "/leads/{lead}/skip", "/leads/x/skip", 400),
        to("POST", "/leads/{lead}/requeue", "/leads/5/requeue", 200),
        same("POST", "/api/v1/requeue", 409),
        with("POST", "/requeue", json!({ "disposition": "odd" }), 400),
        with(
            "POST",
            "/requeue",
            json!({ "since": "2020-01-01T00:00:00Z", "disposition": "busy", "reached": true }),
            409,
        ),
        to("POST", "/calls/{attempt}/hangup", "/calls/999/hangup", 409),
        with(
            "POST",
            "/console/orders",
            order(dialdeck::wire::PROTOCOL),
            200,
        ),
        with("POST", "/console/orders", order(99), 400),
        same("POST", "/api/v1/calls/hangup", 200),
        same("POST", "/api/v1/drain", 200),
        same("POST", "/api/v1/stop", 200),
        same("GET", "/api/v1/events", 200),
        same("GET", "/api/v1/console", 200),
    ]
}

async fn until_ready(client: &reqwest::Client, base: &str) {
    let limit = Instant::now() + SOON;
    loop {
        let answer = client.get(format!("{base}/readyz")).send().await;
        if answer.expect("an answer").status() == 200 {
            return;
        }
        assert!(Instant::now() < limit, "calls can't be placed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_answers_as_it_is_described() {
    let asterisk = start(lab()).await.expect("a simulator");
    let mut deck = Deck::on(&asterisk.url())
        .set("MAX_CC", 2)
        .set("CONTROL_TOKEN", TOKEN);
    // They answer and stay; the last ones wait.
    deck.list(numbers("80", 6));
    let process = deck.spawn(&["--headless"]);
    process.wait_for("link.up", SOON);
    let base = process.api();
    let client = client();
    // The log is ahead of the pictures.
    until_ready(&client, &base).await;
    let judge = Judge {
        description: description(),
    };
    let mut asked = BTreeSet::new();
    for (method, path, sent, body, expected) in requests() {
        let verb = method.parse().expect("a method");
        let mut request = client
            .request(verb, format!("{base}{sent}"))
            .bearer_auth(TOKEN);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let mut answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let kind = answer.headers()["content-type"]
            .to_str()
            .expect("text")
            .to_owned();
        let endless = ["/api/v1/events", "/api/v1/console"].contains(&path.as_str());
        let text = if endless {
            let piece = answer.chunk().await.expect("a piece").expect("one");
            String::from_utf8_lossy(&piece).into_owned()
        } else {
            answer.text().await.expect("a body")
        };
        assert_eq!(status, expected, "{method} {sent}: {text}");
        judge.judge((method, &path), status, &kind, &text);
        asked.insert((method.to_owned(), path.clone()));
    }
    assert_eq!(asked, described(), "a route was not asked");
    for (method, path) in described() {
        let sent = path.replace("{lead}", "0").replace("{attempt}", "1");
        let open =
            judge.description["paths"][&path][method.to_lowercase()]["security"] == json!([]);
        let expected = if open { 200 } else { 401 };
        let verb: reqwest::Method = method.parse().expect("a method");
        let foreign = client
            .request(verb.clone(), format!("{base}{sent}"))
            .header("origin", "http://evil.example");
        for (request, expected) in [
            (client.request(verb, format!("{base}{sent}")), expected),
            (foreign, 403),
        ] {
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            assert_eq!(status, expected, "{method} {sent}");
            let kind = answer.headers()["content-type"]
                .to_str()
                .expect("text")
                .to_owned();
            let text = answer.text().await.expect("a body");
            judge.judge((&method, &path), status, &kind, &text);
        }
    }
}
