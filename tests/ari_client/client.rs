use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dialdeck::ari::{AriError, CreateChannel, Gone, HangupReason, IfExists, Originate, Recording};

use crate::fake::{Fake, Reply, client};

fn originate(id: &str) -> Originate {
    Originate {
        channel_id: id.into(),
        endpoint: "PJSIP/+4930@mytrunk".into(),
        app_args: "a".into(),
        timeout: 30,
        ..Originate::default()
    }
}

#[tokio::test]
async fn ending_what_is_gone_is_a_success() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/ari/channels/up?reason=busy" | "/ari/bridges/there" => Reply::Json(204, String::new()),
        "/ari/bridges/going" => Reply::Json(
            409,
            r#"{"message":"Bridge not in Stasis application"}"#.into(),
        ),
        _ => Reply::Json(404, r#"{"message":"Channel not found"}"#.into()),
    })
    .await;
    let client = fake.client();
    let busy = Some(HangupReason::Busy);
    assert_eq!(client.hangup("up", busy).await, Ok(Gone::Now));
    assert_eq!(client.hangup("gone", None).await, Ok(Gone::Already));
    assert_eq!(client.destroy_bridge("there").await, Ok(Gone::Now));
    assert_eq!(client.destroy_bridge("gone").await, Ok(Gone::Already));
    assert_eq!(client.destroy_bridge("going").await, Ok(Gone::Already));
    assert_eq!(client.delete_recording("a/b").await, Ok(Gone::Already));
    assert_eq!(client.stop_recording("a/b").await, Ok(Gone::Already));
    assert_eq!(client.channel("gone").await, Ok(None));
    assert_eq!(client.endpoint("PJSIP", "none").await, Ok(None));
}

#[tokio::test]
async fn requests_are_what_asterisk_measured_to_need() {
    let mut fake = Fake::start(|_| Reply::ok("{}")).await;
    let client = fake.client();
    let b = CreateChannel {
        channel_id: "dd-b".into(),
        other_channel_id: Some("dd-b2".into()),
        endpoint: "Local/777@default".into(),
        app_args: "b".into(),
        connected_number: Some("+4930".into()),
        originator: Some("dd-a".into()),
    };
    client.create_channel(&b).await.unwrap();
    client.add_channel("dd-bridge", "dd-b").await.unwrap();
    let recording = Recording {
        name: "camp/1".into(),
        format: "wav".into(),
        if_exists: IfExists::Fail,
        max_seconds: 0,
    };
    client.record("dd-rec", &recording).await.unwrap();
    client.delete_recording("camp/1").await.unwrap();
    let asked = fake.asked_so_far();
    assert_eq!(
        asked[0].path,
        "/ari/channels/create?endpoint=Local%2F777%40default&app=outbound_dialer&appArgs=b&channelId=dd-b&otherChannelId=dd-b2&originator=dd-a"
    );
    assert_eq!(
        asked[0].body,
        r#"{"variables":{"CONNECTEDLINE(num)":"+4930"}}"#
    );
    assert!(asked[0].head.contains("Basic ZGlhbGRlY2s6aHVudGVyMg=="));
    assert_eq!(
        asked[1].path,
        "/ari/bridges/dd-bridge/addChannel?channel=dd-b&inhibitConnectedLineUpdates=true"
    );
    assert_eq!(
        asked[2].path,
        "/ari/channels/dd-rec/record?name=camp%2F1&format=wav&maxDurationSeconds=0&ifExists=fail"
    );
    assert!(asked[3].is("DELETE", "/ari/recordings/stored/camp%2F1"));
}

#[tokio::test]
async fn each_refusal_has_its_own_meaning() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/ari/asterisk/info" => Reply::Json(401, r#"{"message":"Authentication required"}"#.into()),
        "/ari/channels" => Reply::ok("<html>a router's page</html>"),
        "/ari/bridges" => Reply::Json(302, String::new()),
        path if path.starts_with("/ari/bridges/") => Reply::Json(403, "{}".into()),
        _ => Reply::Json(500, r#"{"error":"Allocation failed"}"#.into()),
    })
    .await;
    let client = fake.client();
    assert_eq!(client.info().await, Err(AriError::Login));
    assert_eq!(
        client.create_bridge("x", "x").await,
        Err(AriError::ReadOnly)
    );
    let error = client.channels().await.unwrap_err();
    assert!(matches!(error, AriError::Malformed { .. }), "{error}");
    // A redirect would carry the password elsewhere: it is a refusal.
    assert_eq!(client.bridges().await.unwrap_err().status(), Some(302));
    let error = client.originate(&originate("x")).await.unwrap_err();
    assert!(error.surely_not_carried_out());
    assert_eq!(
        error.to_string(),
        "Asterisk refused POST /channels: 500 Allocation failed"
    );
}

#[tokio::test]
async fn an_absent_asterisk_is_told_from_a_silent_one() {
    let silent = Fake::start(|_| Reply::Hang).await;
    let began = Instant::now();
    let patience = Duration::from_millis(200);
    let error = client(silent.port, patience)
        .originate(&originate("x"))
        .await
        .unwrap_err();
    assert!(matches!(error, AriError::Timeout { .. }), "{error}");
    assert!(!error.surely_not_carried_out());
    assert!(began.elapsed() < Duration::from_secs(2));

    // Bound and closed again: nobody listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let error = client(port, patience)
        .originate(&originate("x"))
        .await
        .unwrap_err();
    assert!(matches!(error, AriError::Connect { .. }), "{error}");
    assert!(error.surely_not_carried_out());
    let text = error.to_string();
    assert!(
        text.contains("ARI_URL") && text.contains(&port.to_string()),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn only_what_may_be_done_twice_is_repeated_after_a_lost_connection() {
    static GETS: AtomicUsize = AtomicUsize::new(0);
    let mut fake = Fake::start(|asked| match asked.method.as_str() {
        "GET" if GETS.fetch_add(1, Ordering::SeqCst) == 1 => Reply::Close,
        "GET" => Reply::ok("[]"),
        _ => Reply::Close,
    })
    .await;
    let client = fake.client();
    assert_eq!(client.channels().await, Ok(vec![]));
    assert_eq!(client.channels().await, Ok(vec![]));
    assert_eq!(GETS.load(Ordering::SeqCst), 3);
    let error = client.originate(&originate("x")).await.unwrap_err();
    assert!(matches!(error, AriError::Broken { .. }), "{error}");
    assert!(!error.surely_not_carried_out());
    let posts = fake.asked_so_far();
    assert_eq!(posts.iter().filter(|a| a.method == "POST").count(), 1);
}

#[tokio::test]
async fn a_hundred_requests_at_once_stay_far_below_the_sessionlimit() {
    let fake = Fake::start(|_| Reply::ok("[]")).await;
    let client = fake.client();
    let all = (0..100).map(|_| client.channels());
    for result in futures_util::future::join_all(all).await {
        assert_eq!(result, Ok(vec![]));
    }
    let most = fake.most_connections.load(Ordering::SeqCst);
    assert!((2..=48).contains(&most), "{most}");
}

#[tokio::test]
async fn a_request_that_finds_no_place_was_surely_not_sent() {
    let mut fake = Fake::start(|_| Reply::Bytes(vec![0; 8])).await;
    let client = client(fake.port, Duration::from_millis(300));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(client.download_recording("x").await.unwrap());
    }
    assert_eq!(client.stats().in_flight, 4);
    let error = client.delete_recording("x").await.unwrap_err();
    assert!(matches!(error, AriError::Saturated { .. }), "{error}");
    assert!(error.surely_not_carried_out());
    assert_eq!(fake.asked_so_far().len(), 4);
    held.pop();
    assert_eq!(client.delete_recording("x").await, Ok(Gone::Now));
}

#[tokio::test]
async fn a_request_that_is_dropped_gives_its_place_back() {
    let fake = Fake::start(|_| Reply::Hang).await;
    let client = fake.client();
    for _ in 0..100 {
        let wait = Duration::from_millis(2);
        assert!(tokio::time::timeout(wait, client.channels()).await.is_err());
    }
    assert_eq!(client.stats().in_flight, 0);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let fake = Fake::start(|_| Reply::Bytes(vec![b' '; 17 << 20])).await;
    let error = fake.client().channels().await.unwrap_err();
    assert!(matches!(error, AriError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_download_that_is_cut_short_is_no_success() {
    let fake = Fake::start(|_| Reply::Cut(vec![7; 1000], 5000)).await;
    let mut body = fake.client().download_recording("a/b").await.unwrap();
    assert_eq!(body.length(), Some(5000));
    let mut read = 0;
    let error = loop {
        match body.next_chunk().await {
            Ok(Some(chunk)) => read += chunk.as_ref().len(),
            Ok(None) => panic!("the end was not noticed after {read} bytes"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AriError::Broken { .. }), "{error}");
}

#[tokio::test]
async fn slow_downloads_never_keep_calls_waiting() {
    let fake = Fake::start(|asked| {
        if asked.path.contains("recordings") {
            Reply::Hang
        } else {
            Reply::ok("[]")
        }
    })
    .await;
    let client = fake.client();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.stored_recording("x").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    assert_eq!(client.channels().await, Ok(vec![]));
    assert!(began.elapsed() < Duration::from_millis(500));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}
