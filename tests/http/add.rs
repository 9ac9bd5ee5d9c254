//! Numbers that are added over the API, on a simulated Asterisk.

use serde_json::{Value, json};

use super::{Answer, BUSY, Rig, SOON, STAYS, Served};
use crate::support::numbers::numbers;

fn add(rig: &Rig, served: &Served, numbers: &[&str]) -> Answer {
    let url = format!("{}/api/v1/leads", served.base);
    let body = json!({ "numbers": numbers });
    rig.send(served.client.post(url).json(&body))
}

/// What became of each number.
fn results(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let results = body["results"].as_array().expect("results");
    let word = |one: &Value| one["result"].as_str().expect("a word").to_owned();
    results.iter().map(word).collect()
}

/// The lines of the log in which this number is dialed.
fn dialed(rig: &Rig, number: &str) -> usize {
    let stdout = std::fs::read_to_string(rig.deck.path("stdout")).expect("text");
    let lines = stdout.lines();
    lines
        .filter(|line| line.contains("call.dialing ") && line.contains(number))
        .count()
}

#[test]
fn numbers_join_a_run_and_each_is_told_of_in_its_place() {
    let rig = Rig::new(&numbers(STAYS, 2), &[]);
    let served = rig.serve();
    let answer = add(
        &rig,
        &served,
        &["10559001", "80550000", "no", "10559001", "#1"],
    );
    let words = ["added", "already", "refused", "already", "refused"];
    assert_eq!(results(&answer), words);
    let body = answer.json();
    let counts = ["added", "already", "refused"].map(|word| body[word].as_u64());
    assert_eq!(counts, [Some(1), Some(2), Some(2)]);
    assert_eq!((&body["run"], &body["state"]), (&json!(1), &json!("IDLE")));
    let places: Vec<u64> = body["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter_map(|one| one["place"].as_u64())
        .collect();
    assert_eq!(places, [1, 2, 3, 4, 5]);
    assert_eq!(body["results"][0]["lead"], 2);
    assert_eq!(body["results"][3]["lead"], 2);
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["leads"]["waiting"], 3, "{status}");
    let page = rig.get(&served, "/api/v1/leads?number=10559001").json();
    assert_eq!(page["leads"][0]["state"], "waiting", "{page}");
    // The log has it, with who it was.
    served.process.wait_for("add 3 numbers", SOON);
    let skip = rig.post(&served, "/leads/2/skip");
    assert_eq!(skip.status, 200, "{}", skip.text);
    let again = add(&rig, &served, &["10559001"]).json();
    assert_eq!(again["results"][0]["disposition"], "skipped", "{again}");
    served.process.kill();
}

#[test]
fn lines_are_taken_as_the_list_s_file_is_and_other_bodies_are_refused() {
    let rig = Rig::new(&numbers(STAYS, 2), &[("DEFAULT_REGION", "ru")]);
    let served = rig.serve();
    let url = format!("{}/api/v1/leads", served.base);
    let send = |kind: &str, body: &str| {
        let request = served.client.post(&url).header("content-type", kind);
        rig.send(request.body(body.to_owned()))
    };
    let text = "10559001\r\n\n# mine\n 10559002\nx";
    let answer = send("text/plain; charset=utf-8", text);
    assert_eq!(results(&answer), ["added", "added", "refused"]);
    assert_eq!(answer.json()["results"][2]["place"], 5);
    // One person in other spellings, two numbers in one, and emergency services.
    let text = "+10559001\n0010559002\n10559001+10559002\n112\n#31#911\n103\n#N/A";
    let answer = send("text/plain", text);
    let words = [
        "already", "already", "refused", "refused", "refused", "refused", "refused",
    ];
    assert_eq!(results(&answer), words);
    for (place, why) in [
        (2, "a + stands within it"),
        (3, "emergency"),
        (5, "emergency"),
    ] {
        let reason = answer.json()["results"][place]["reason"].to_string();
        assert!(reason.contains(why), "{reason}");
    }
    let refused = [
        ("application/json", "{", 400),
        ("application/json", "[\"10559003\"]", 400),
        (
            "application/json",
            r#"{"numbers":["10559003"],"more":1}"#,
            400,
        ),
        ("application/json", r#"{"numbers":[10559003]}"#, 400),
        ("application/xml", "10559003", 400),
        ("text/plain", "", 400),
        ("text/plain", "# 10559003 is not meant", 400),
        ("text/plain", "x", 422),
    ];
    for (kind, body, status) in refused {
        let answer = send(kind, body);
        assert_eq!(answer.status, status, "{kind} {body}: {}", answer.text);
        assert_eq!(answer.json()["status"], "error", "{kind} {body}");
    }
    assert_eq!(send("text/plain", &"1\n".repeat(10_001)).status, 413);
    assert_eq!(send("text/plain", &" ".repeat(1024 * 1024 + 1)).status, 413);
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["leads"]["all"], 4, "{status}");
    served.process.kill();
}

#[test]
fn fifty_at_once_add_a_number_once_and_it_is_called_once() {
    let rig = Rig::new(&numbers(BUSY, 3), &[]);
    let served = rig.serve();
    assert_eq!(rig.get(&served, "/start").status, 201);
    rig.until(&served, "the end", |s| s["state"] == "DONE");
    let url = format!("{}/api/v1/leads", served.base);
    let said: Vec<Value> = rig.asterisk.block_on(async {
        let sent = (0..50).map(|_| {
            let body = json!({ "numbers": ["10559001"] });
            let request = served.client.post(&url).json(&body);
            async move {
                let answer = request.send().await.expect("an answer");
                answer.json().await.expect("JSON")
            }
        });
        futures_util::future::join_all(sent).await
    });
    let added = said.iter().filter(|body| body["added"] == 1).count();
    let already = said.iter().filter(|body| body["already"] == 1).count();
    assert_eq!((added, already), (1, 49), "{said:?}");
    // It waits for a start: a post dials nobody in a run that was done.
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(
        (&status["state"], &status["leads"]["waiting"]),
        (&json!("IDLE"), &json!(1))
    );
    assert_eq!(rig.get(&served, "/start").status, 201);
    rig.until(&served, "the end", |s| s["state"] == "DONE");
    assert_eq!(dialed(&rig, "10559001"), 1);
    let late = add(&rig, &served, &["10559001"]).json();
    assert_eq!(late["results"][0]["disposition"], "busy", "{late}");
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["state"], "DONE", "nothing new, nothing opened");
    served.process.kill();
}

#[test]
fn what_was_answered_outlives_a_kill_and_every_reading_of_the_list() {
    let list = numbers(BUSY, 2);
    let rig = Rig::new(&list, &[]);
    let served = rig.serve();
    let added: Vec<String> = numbers("1055", 3);
    let texts: Vec<&str> = added.iter().map(String::as_str).collect();
    assert_eq!(results(&add(&rig, &served, &texts)), ["added"; 3]);
    served.process.kill();

    let served = rig.serve();
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["leads"]["waiting"], 5, "{status}");
    assert_eq!(results(&add(&rig, &served, &texts)), ["already"; 3]);
    // A start reads the list, on which none of them is.
    assert_eq!(rig.get(&served, "/start").status, 201);
    let status = rig.until(&served, "the end", |s| s["state"] == "DONE");
    let ends = &status["leads"]["ended"];
    assert_eq!((&ends["busy"], &ends["skipped"]), (&json!(5), &json!(0)));
    for number in &added {
        assert_eq!(dialed(&rig, number), 1, "{number}");
    }
    // They belong to their run: the next one has the list and nobody else.
    assert_eq!(rig.post(&served, "/new_run").status, 200);
    let status = rig.until(&served, "run 2 to end", |s| {
        s["run"] == 2 && s["state"] == "DONE"
    });
    assert_eq!(status["leads"]["all"], 2, "{status}");
    served.process.kill();
}
