use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dialdeck::ari::{
    AriError, CreateChannel, Gate, Gone, HangupReason, IfExists, Originate, Recording,
    RtpStatistics,
};

use super::fake::{Fake, Reply, client};

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

/// The answers are those of Asterisk 22.10.1, shortened; only the last two are made up.
#[tokio::test]
async fn the_sound_of_a_call_has_its_directions_and_units_put_right() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/ari/channels/up/rtp_statistics" => Reply::ok(
            r#"{"txcount":877,"rxcount":771,"txploss":3,"rxploss":2,"txjitter":0.00125,
                "rxjitter":0.00175,"rtt":0.000656,"txmes":87,"rxmes":88,
                "remote_ssrc":106813315,"channel_uniqueid":"up"}"#,
        ),
        "/ari/channels/new/rtp_statistics" => Reply::ok(
            r#"{"txcount":2,"rxcount":2,"txploss":0,"rxploss":-1,"txjitter":0.0,
                "rxjitter":0.0,"rtt":0.0,"txmes":0,"rxmes":0}"#,
        ),
        "/ari/channels/local/rtp_statistics" => {
            Reply::Json(403, r#"{"message":"Unsupported channel type"}"#.into())
        }
        "/ari/channels/ringing/rtp_statistics" => {
            Reply::Json(404, r#"{"message":"RTP info not found"}"#.into())
        }
        "/ari/channels/gone/rtp_statistics" => {
            Reply::Json(404, r#"{"message":"Channel not found"}"#.into())
        }
        "/ari/channels/old/rtp_statistics" => Reply::ok(r#"{"rxcount":"many","rxploss":7}"#),
        _ => Reply::Json(500, "{}".into()),
    })
    .await;
    let client = fake.client();
    let up = RtpStatistics {
        received: Some(771),
        received_lost: Some(2),
        received_jitter_ms: Some(1.25),
        received_score: Some(87.0),
        sent: Some(877),
        sent_lost: Some(3),
        sent_jitter_ms: Some(1.75),
        sent_score: Some(88.0),
        rtt_ms: Some(0.656),
    };
    assert_eq!(client.rtp_statistics("up").await, Ok(Some(up)));
    let new = client.rtp_statistics("new").await.unwrap().unwrap();
    assert_eq!((new.received, new.received_lost), (Some(2), Some(0)));
    assert_eq!((new.rtt_ms, new.received_score), (None, None));
    let old = RtpStatistics {
        received_lost: Some(7),
        ..RtpStatistics::default()
    };
    assert_eq!(client.rtp_statistics("old").await, Ok(Some(old)));
    for none in ["local", "ringing", "gone"] {
        assert_eq!(client.rtp_statistics(none).await, Ok(None), "{none}");
    }
    let error = client.rtp_statistics("broken").await.unwrap_err();
    assert_eq!(error.status(), Some(500));
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
    let client = client(fake.port, Duration::from_secs(20));
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.stored_recording("x").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    assert_eq!(client.channels().await, Ok(vec![]));
    // A busy machine may be slow; a place that comes free only with a download's time-out is slower.
    assert!(began.elapsed() < Duration::from_secs(10));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn an_originate_whose_gate_was_shut_while_it_waited_is_not_sent() {
    let mut fake = Fake::start(|asked| match asked.method.as_str() {
        "GET" => Reply::Hang,
        _ => Reply::ok("{}"),
    })
    .await;
    let client = client(fake.port, Duration::from_secs(10));
    let hanging: Vec<_> = (0..24)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.channels().await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let gate = Gate::default();
    gate.set_open(true);
    let waiting = {
        let (client, gate) = (client.clone(), gate.clone());
        tokio::spawn(async move { client.originate_through(&gate, &originate("dd-a")).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished(), "it waits for a place");
    gate.set_open(false);
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, AriError::Withheld { .. }), "{error}");
    assert!(error.surely_not_carried_out());
    assert!(
        fake.asked_so_far()
            .iter()
            .all(|asked| asked.method == "GET")
    );

    gate.set_open(true);
    let sent = client.originate_through(&gate, &originate("dd-b")).await;
    assert_eq!(sent, Ok(()));
    let asked = fake.asked_so_far();
    assert!(asked.iter().any(|asked| asked.is("POST", "/ari/channels")));
}
