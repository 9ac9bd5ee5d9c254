//! The scripts: what the dialer does to an Asterisk, one behaviour each.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::session::Session;

/// Numbers and targets of the lab; its tables say what each does.
const BUSY: &str = "10000001";
const CONGESTION: &str = "20000001";
const NEVER_ANSWERS: &str = "30000001";
const UNALLOCATED: &str = "40000001";
const FORBIDDEN: &str = "50000001";
const DECLINED: &str = "60000001";
const EARLY_MEDIA: &str = "71000001";
const SILENCE: &str = "75000001";
const ANSWERS: &str = "80000001";
const ANSWERS_AND_LEAVES: &str = "83000001";
const ANSWERS_LATE: &str = "84000001";
const NOT_ACCEPTABLE: &str = "90580001";
const FALSE_ANSWER: &str = "72000001";

const TALKS: &str = "Local/100@lab";
const LEAVES: &str = "Local/101@lab";
const TARGET_BUSY: &str = "Local/102@lab";
const TARGET_CONGESTED: &str = "Local/103@lab";
const TARGET_NEVER: &str = "Local/104@lab";
const TARGET_HANGS_UP: &str = "Local/110@lab";
const TARGET_RINGS: &str = "Local/111@lab";
const TARGET_MISSING: &str = "Local/999@lab";
const QUEUE: &str = "Local/777@default";
const QUEUE_BEHIND_ANSWER: &str = "Local/107@lab";

async fn originate(s: &mut Session, endpoint: &str, timeout: &str) -> u16 {
    let (id, app) = (s.id("a"), s.app());
    let query = [
        ("endpoint", endpoint),
        ("app", app.as_str()),
        ("appArgs", "one,two"),
        ("channelId", &id),
        ("callerId", "Sales Team <1001>"),
        ("timeout", timeout),
    ];
    s.post("/channels", &query).await.status
}

/// Dials `number` as leg A.
async fn dial_a(s: &mut Session, number: &str, timeout: &str) {
    let endpoint = s.trunk(number);
    originate(s, &endpoint, timeout).await;
}

/// Creates leg B for `target` and puts it into a bridge, undialed.
async fn stage_b(s: &mut Session, target: &str) {
    let bridge = format!("/bridges/{}", s.id("bridge"));
    s.post(&bridge, &[("type", "mixing")]).await;
    create_b(s, target).await;
    enter(s, "b").await;
    s.until("b", "ChannelEnteredBridge").await;
}

async fn create_b(s: &mut Session, target: &str) {
    let (app, b, half) = (s.app(), s.id("b"), s.id("half"));
    let mut query = vec![("endpoint", target), ("app", &app), ("channelId", &b)];
    if target.starts_with("Local/") {
        query.push(("otherChannelId", &half));
    }
    let body = json!({ "variables": { "CONNECTEDLINE(num)": "80000001" } });
    s.call(Method::POST, "/channels/create", &query, Some(body))
        .await;
    // Until then it joins no bridge (422) and cannot be dialed (409): most of the time the
    // answer comes later than this event, under load before it.
    s.until("b", "StasisStart").await;
}

async fn enter(s: &mut Session, role: &str) -> u16 {
    let path = format!("/bridges/{}/addChannel", s.id("bridge"));
    let id = s.id(role);
    let query = [
        ("channel", id.as_str()),
        ("inhibitConnectedLineUpdates", "true"),
    ];
    s.post(&path, &query).await.status
}

async fn dial_b(s: &mut Session, timeout: &str) {
    let path = format!("/channels/{}/dial", s.id("b"));
    s.post(&path, &[("timeout", timeout)]).await;
}

async fn hang_up(s: &mut Session, role: &str) -> u16 {
    let path = format!("/channels/{}", s.id(role));
    s.delete(&path).await.status
}

async fn destroy_bridge(s: &mut Session) {
    let path = format!("/bridges/{}", s.id("bridge"));
    s.delete(&path).await;
}

/// Both legs up in one bridge, as the dialer brings them there.
async fn bridged(s: &mut Session, number: &str, target: &str) {
    s.connect().await;
    stage_b(s, target).await;
    dial_a(s, number, "20").await;
    s.until("a", "StasisStart").await;
    enter(s, "a").await;
    s.until("a", "ChannelEnteredBridge").await;
    dial_b(s, "20").await;
    s.until_dial("b", "ANSWER").await;
}

async fn refused(s: &mut Session, number: &str, timeout: &str) {
    s.connect().await;
    dial_a(s, number, timeout).await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn busy(s: &mut Session) {
    refused(s, BUSY, "20").await;
}

pub(crate) async fn congestion(s: &mut Session) {
    refused(s, CONGESTION, "20").await;
}

pub(crate) async fn unallocated(s: &mut Session) {
    refused(s, UNALLOCATED, "20").await;
}

pub(crate) async fn rejected_with_403(s: &mut Session) {
    refused(s, FORBIDDEN, "20").await;
}

pub(crate) async fn declined_with_603(s: &mut Session) {
    refused(s, DECLINED, "20").await;
}

pub(crate) async fn not_acceptable_488(s: &mut Session) {
    refused(s, NOT_ACCEPTABLE, "20").await;
}

pub(crate) async fn no_answer(s: &mut Session) {
    refused(s, NEVER_ANSWERS, "2").await;
}

pub(crate) async fn not_a_sound(s: &mut Session) {
    refused(s, SILENCE, "2").await;
}

pub(crate) async fn early_media_then_answer(s: &mut Session) {
    s.connect().await;
    dial_a(s, EARLY_MEDIA, "20").await;
    s.until("a", "StasisStart").await;
}

pub(crate) async fn hung_up_by_us_while_it_rings(s: &mut Session) {
    s.connect().await;
    dial_a(s, NEVER_ANSWERS, "20").await;
    s.until_dial("a", "RINGING").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn answered_and_hung_up_by_a(s: &mut Session) {
    bridged(s, ANSWERS_AND_LEAVES, TALKS).await;
    s.until("a", "ChannelDestroyed").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

pub(crate) async fn answered_and_hung_up_by_b(s: &mut Session) {
    bridged(s, ANSWERS, LEAVES).await;
    s.until("b", "ChannelDestroyed").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

pub(crate) async fn answered_and_hung_up_by_us(s: &mut Session) {
    bridged(s, ANSWERS, TARGET_RINGS).await;
    let (a, b) = (s.id("a"), s.id("b"));
    s.get(&format!("/channels/{a}"), &[]).await;
    s.get(&format!("/channels/{b}"), &[]).await;
    for id in [a, b] {
        let path = format!("/channels/{id}/rtp_statistics");
        let answer = s.silently(Method::GET, &path, &[], None).await;
        // The values are the line's own, and some come only once a report has.
        let lost = answer.body["txploss"].is_number() && answer.body["rxploss"].is_number();
        let message = answer.body["message"].clone();
        s.note(&format!(
            "RTP statistics -> {} {lost} {message}",
            answer.status
        ));
    }
    let bridge = s.id("bridge");
    s.get(&format!("/bridges/{bridge}"), &[]).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
    s.drain(Duration::from_millis(200)).await;
    hang_up(s, "a").await;
    destroy_bridge(s).await;
}

pub(crate) async fn hung_up_with_a_reason(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS, "20").await;
    s.until("a", "StasisStart").await;
    let path = format!("/channels/{}", s.id("a"));
    s.call(Method::DELETE, &path, &[("reason", "nonsense")], None)
        .await;
    s.call(Method::DELETE, &path, &[("reason", "busy")], None)
        .await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn an_agents_phone_as_target(s: &mut Session) {
    bridged(s, ANSWERS, "PJSIP/agent").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

/// Leg B by one `POST /channels`, with the customer's number as its caller ID.
async fn originate_b(s: &mut Session, target: &str, timeout: &str) {
    let (app, b, half) = (s.app(), s.id("b"), s.id("half"));
    let query = [
        ("endpoint", target),
        ("app", app.as_str()),
        ("channelId", &b),
        ("otherChannelId", &half),
        ("callerId", ANSWERS),
        ("timeout", timeout),
    ];
    s.post("/channels", &query).await;
}

pub(crate) async fn a_target_originated_in_plain_order(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS, "20").await;
    s.until("a", "StasisStart").await;
    let bridge = format!("/bridges/{}", s.id("bridge"));
    s.post(&bridge, &[("type", "mixing")]).await;
    enter(s, "a").await;
    originate_b(s, TARGET_RINGS, "20").await;
    s.until("b", "StasisStart").await;
    enter(s, "b").await;
    s.until("b", "ChannelEnteredBridge").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

pub(crate) async fn an_originated_target_leaves(s: &mut Session) {
    s.connect().await;
    originate_b(s, LEAVES, "20").await;
    s.until("b", "ChannelDestroyed").await;
    s.until("half", "ChannelDestroyed").await;
}

pub(crate) async fn an_originated_target_is_busy(s: &mut Session) {
    s.connect().await;
    originate_b(s, TARGET_BUSY, "20").await;
    s.until("b", "ChannelDestroyed").await;
    s.until("half", "ChannelDestroyed").await;
}

pub(crate) async fn an_originated_target_is_missing(s: &mut Session) {
    s.connect().await;
    originate_b(s, TARGET_MISSING, "20").await;
    s.until("b", "ChannelDestroyed").await;
    s.until("half", "ChannelDestroyed").await;
}

pub(crate) async fn an_originated_target_hangs_up(s: &mut Session) {
    s.connect().await;
    originate_b(s, TARGET_HANGS_UP, "20").await;
    s.until("b", "ChannelDestroyed").await;
    s.until("half", "ChannelDestroyed").await;
}

pub(crate) async fn an_originated_target_is_congested(s: &mut Session) {
    s.connect().await;
    originate_b(s, TARGET_CONGESTED, "20").await;
    s.until("b", "ChannelDestroyed").await;
    s.until("half", "ChannelDestroyed").await;
}

pub(crate) async fn an_agents_phone_dialed_without_a_timeout(s: &mut Session) {
    s.connect().await;
    create_b(s, "PJSIP/agent").await;
    dial_b(s, "0").await;
    s.until_dial("b", "ANSWER").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn an_originated_target_never_answers(s: &mut Session) {
    s.connect().await;
    originate_b(s, TARGET_NEVER, "2").await;
    s.until("b", "ChannelDestroyed").await;
    s.until("half", "ChannelDestroyed").await;
}

/// What the second half tells of the agent behind a queue.
async fn agent_behind(s: &mut Session, target: &str) {
    s.connect().await;
    create_b(s, target).await;
    let path = format!("/applications/{}/subscription", s.app());
    let half = s.id("half");
    s.post(&path, &[("eventSource", &format!("channel:{half}"))])
        .await;
    dial_b(s, "20").await;
    s.until_dial("b", "ANSWER").await;
    s.drain(Duration::from_millis(600)).await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    s.until("half", "ChannelDestroyed").await;
}

pub(crate) async fn an_agent_behind_a_queue(s: &mut Session) {
    agent_behind(s, QUEUE).await;
}

pub(crate) async fn an_agent_behind_a_queue_that_answers_first(s: &mut Session) {
    agent_behind(s, QUEUE_BEHIND_ANSWER).await;
}

pub(crate) async fn a_false_answer(s: &mut Session) {
    refused(s, FALSE_ANSWER, "20").await;
}

pub(crate) async fn answered_and_left_alone(s: &mut Session) {
    refused(s, ANSWERS_AND_LEAVES, "20").await;
}

/// A is up and in the bridge, B is dialed and does not come.
async fn target_fails(s: &mut Session, target: &str, timeout: &str) {
    s.connect().await;
    stage_b(s, target).await;
    dial_a(s, ANSWERS, "20").await;
    s.until("a", "StasisStart").await;
    enter(s, "a").await;
    s.until("a", "ChannelEnteredBridge").await;
    dial_b(s, timeout).await;
}

pub(crate) async fn target_busy(s: &mut Session) {
    target_fails(s, TARGET_BUSY, "20").await;
    s.until_dial("b", "BUSY").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn target_congested(s: &mut Session) {
    target_fails(s, TARGET_CONGESTED, "20").await;
    s.until_dial("b", "CONGESTION").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn target_hangs_up_without_a_word(s: &mut Session) {
    target_fails(s, TARGET_HANGS_UP, "20").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn target_missing(s: &mut Session) {
    target_fails(s, TARGET_MISSING, "20").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn target_never_answers(s: &mut Session) {
    target_fails(s, TARGET_NEVER, "2").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn given_up_while_the_target_rings(s: &mut Session) {
    target_fails(s, TARGET_NEVER, "20").await;
    s.until_dial("b", "RINGING").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn staged_and_never_needed(s: &mut Session) {
    s.connect().await;
    stage_b(s, TALKS).await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

pub(crate) async fn a_bridge_deleted_under_the_call(s: &mut Session) {
    bridged(s, ANSWERS, TALKS).await;
    destroy_bridge(s).await;
    s.until("a", "ChannelLeftBridge").await;
    s.until("b", "ChannelLeftBridge").await;
    s.drain(Duration::from_millis(200)).await;
    hang_up(s, "a").await;
    hang_up(s, "b").await;
    s.until("a", "ChannelDestroyed").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn taken_out_of_the_bridge(s: &mut Session) {
    bridged(s, ANSWERS, TALKS).await;
    let path = format!("/bridges/{}/removeChannel", s.id("bridge"));
    let (a, nobody) = (s.id("a"), s.id("nobody"));
    s.post(&path, &[("channel", &a)]).await;
    s.until("a", "ChannelLeftBridge").await;
    s.post(&path, &[("channel", &a)]).await;
    s.post(&path, &[("channel", &nobody)]).await;
    hang_up(s, "a").await;
    hang_up(s, "b").await;
    s.until("a", "ChannelDestroyed").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

pub(crate) async fn trunk_that_is_not_there(s: &mut Session) {
    s.connect().await;
    for endpoint in [
        "PJSIP/80000001@nosuchtrunk",
        "PJSIP/nosuchphone",
        "PJSIP/80000001@nosuchtrunk&PJSIP/80000002@nosuchtrunk",
    ] {
        originate(s, endpoint, "20").await;
    }
    let id = s.id("b");
    let app = s.app();
    let query = [
        ("endpoint", "PJSIP/80000001@nosuchtrunk"),
        ("app", app.as_str()),
        ("channelId", &id),
    ];
    s.post("/channels/create", &query).await;
}

pub(crate) async fn malformed_originates(s: &mut Session) {
    s.connect().await;
    for endpoint in ["nonsense", "", "Nosuch/thing", "/x"] {
        originate(s, endpoint, "20").await;
    }
    let (id, app, long) = (s.id("a"), s.app(), "x".repeat(150));
    let trunk = s.trunk(BUSY);
    s.post("/channels", &[("app", app.as_str())]).await;
    s.post(
        "/channels",
        &[("endpoint", trunk.as_str()), ("channelId", &id)],
    )
    .await;
    let query = [
        ("endpoint", trunk.as_str()),
        ("app", &app),
        ("channelId", &long),
    ];
    s.post("/channels", &query).await;
    s.post(
        "/channels/create",
        &[("endpoint", "nonsense"), ("app", &app)],
    )
    .await;
    s.post("/channels/create", &[("app", app.as_str())]).await;
}

pub(crate) async fn an_id_used_twice(s: &mut Session) {
    s.connect().await;
    dial_a(s, NEVER_ANSWERS, "20").await;
    s.until_dial("a", "RINGING").await;
    dial_a(s, ANSWERS, "20").await;
    let bridge = format!("/bridges/{}", s.id("bridge"));
    s.post(&bridge, &[("type", "mixing")]).await;
    s.post(&bridge, &[("type", "mixing")]).await;
    s.post(
        "/bridges",
        &[("type", "mixing"), ("bridgeId", &s.id("bridge"))],
    )
    .await;
    destroy_bridge(s).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn a_channel_that_has_not_answered_joins_nothing(s: &mut Session) {
    s.connect().await;
    let bridge = format!("/bridges/{}", s.id("bridge"));
    s.post(&bridge, &[("type", "mixing")]).await;
    dial_a(s, NEVER_ANSWERS, "20").await;
    s.until_dial("a", "RINGING").await;
    enter(s, "a").await;
    let a = s.id("a");
    s.post(&format!("/channels/{a}/moh"), &[]).await;
    s.post(&format!("/channels/{a}/dial"), &[]).await;
    s.post(
        &format!("/channels/{a}/record"),
        &[("name", &a), ("format", "wav")],
    )
    .await;
    s.get(
        &format!("/channels/{a}/variable"),
        &[("variable", "CHANNEL(state)")],
    )
    .await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

pub(crate) async fn nobody_there(s: &mut Session) {
    s.connect().await;
    let x = s.id("nobody");
    s.get(&format!("/channels/{x}"), &[]).await;
    s.delete(&format!("/channels/{x}")).await;
    s.post(&format!("/channels/{x}/dial"), &[]).await;
    s.post(&format!("/channels/{x}/moh"), &[]).await;
    s.delete(&format!("/channels/{x}/moh")).await;
    s.post(
        &format!("/channels/{x}/record"),
        &[("name", &x), ("format", "wav")],
    )
    .await;
    s.post(
        &format!("/channels/{x}/snoop/{x}s"),
        &[("spy", "both"), ("app", &s.app())],
    )
    .await;
    s.get(&format!("/channels/{x}/rtp_statistics"), &[]).await;
    s.get(&format!("/channels/{x}/variable"), &[("variable", "X")])
        .await;
    s.get(&format!("/bridges/{x}"), &[]).await;
    s.delete(&format!("/bridges/{x}")).await;
    s.post(&format!("/bridges/{x}/addChannel"), &[("channel", &x)])
        .await;
    s.post(&format!("/bridges/{x}/removeChannel"), &[("channel", &x)])
        .await;
    s.get(&format!("/recordings/stored/{x}"), &[]).await;
    s.get(&format!("/recordings/stored/{x}/file"), &[]).await;
    s.delete(&format!("/recordings/stored/{x}")).await;
    s.post(&format!("/recordings/live/{x}/stop"), &[]).await;
    s.get("/endpoints/PJSIP/nosuchtrunk", &[]).await;
    s.get(&format!("/applications/{x}"), &[]).await;
    s.get("/nosuchthing", &[]).await;
    s.call(Method::PUT, "/channels", &[], None).await;
    s.get("/channels/", &[]).await;
    let bridge = format!("/bridges/{}", s.id("bridge"));
    s.post(&bridge, &[("type", "mixing")]).await;
    enter(s, "nobody").await;
    let path = format!("{bridge}/addChannel");
    s.post(&path, &[]).await;
    destroy_bridge(s).await;
}

pub(crate) async fn recorded_by_a_snoop_channel(s: &mut Session) {
    bridged(s, ANSWERS, TALKS).await;
    snoop(s).await;
    let name = record(s, "rec", "").await;
    s.drain(Duration::from_secs(1)).await;
    s.post(&format!("/recordings/live/{name}/stop"), &[]).await;
    s.until("call", "RecordingFinished").await;
    hang_up(s, "rec").await;
    s.until("rec", "StasisEnd").await;
    fetch(s, &name).await;
    hang_up(s, "a").await;
    hang_up(s, "b").await;
    s.until("a", "ChannelDestroyed").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn a_recording_ends_with_the_channel(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS, "20").await;
    s.until("a", "StasisStart").await;
    snoop(s).await;
    let name = record(s, "rec", "").await;
    s.drain(Duration::from_millis(700)).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    s.until("call", "RecordingFinished").await;
    s.until("rec", "StasisEnd").await;
    fetch(s, &name).await;
}

pub(crate) async fn a_recording_name_with_a_folder(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS, "20").await;
    s.until("a", "StasisStart").await;
    snoop(s).await;
    let name = record(s, "rec", "folder/").await;
    s.drain(Duration::from_millis(300)).await;
    s.post(
        &format!("/recordings/live/{}/stop", name.replace('/', "%2F")),
        &[],
    )
    .await;
    s.until("call", "RecordingFinished").await;
    s.get(&format!("/recordings/stored/{name}"), &[]).await;
    fetch(s, &name.replace('/', "%2F")).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}

async fn snoop(s: &mut Session) {
    let path = format!("/channels/{}/snoop/{}", s.id("a"), s.id("rec"));
    let app = s.app();
    s.post(
        &path,
        &[("spy", "both"), ("app", &app), ("appArgs", "snoop")],
    )
    .await;
    s.until("rec", "StasisStart").await;
}

/// Starts a recording of the channel `role`; its name.
async fn record(s: &mut Session, role: &str, folder: &str) -> String {
    let path = format!("/channels/{}/record", s.id(role));
    let name = format!("{folder}{}", s.id("call"));
    s.post(&path, &[("name", &name), ("format", "wav")]).await;
    name
}

/// Looks at a stored recording, fetches it and deletes it, twice.
async fn fetch(s: &mut Session, name: &str) {
    let path = format!("/recordings/stored/{name}");
    s.get(&path, &[]).await;
    let (status, kind, bytes) = s.bytes(&format!("{path}/file")).await;
    let sound = hound::WavReader::new(bytes.as_slice()).map_or_else(
        |e| format!("no WAV: {e}"),
        |wav| {
            let loud = wav.duration() > 0;
            format!("{:?}, any sound: {loud}", wav.spec())
        },
    );
    s.note(&format!("the file -> {status} {kind} {sound}"));
    s.delete(&path).await;
    s.delete(&path).await;
}

pub(crate) async fn recording_a_bridged_channel_fails(s: &mut Session) {
    bridged(s, ANSWERS, TALKS).await;
    record(s, "a", "").await;
    s.until("call", "RecordingFailed").await;
    hang_up(s, "a").await;
    hang_up(s, "b").await;
    s.until("a", "ChannelDestroyed").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn a_recorded_channel_joins_no_bridge(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS, "20").await;
    s.until("a", "StasisStart").await;
    let bridge = format!("/bridges/{}", s.id("bridge"));
    s.post(&bridge, &[("type", "mixing")]).await;
    record(s, "a", "").await;
    s.until("call", "RecordingStarted").await;
    enter(s, "a").await;
    let name = s.id("call");
    record(s, "a", "").await;
    s.post(&format!("/recordings/live/{name}/stop"), &[]).await;
    s.until("call", "RecordingFinished").await;
    record(s, "a", "").await;
    let path = format!("/channels/{}/record", s.id("a"));
    s.post(&path, &[("name", &s.id("other")), ("format", "nosuch")])
        .await;
    s.post(&path, &[("name", "../x"), ("format", "wav")]).await;
    s.post(
        &path,
        &[
            ("name", &s.id("other")),
            ("format", "wav"),
            ("ifExists", "perhaps"),
        ],
    )
    .await;
    s.post(&path, &[("format", "wav")]).await;
    s.delete(&format!("/recordings/stored/{name}")).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    destroy_bridge(s).await;
}

pub(crate) async fn snoops_that_are_refused(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS, "20").await;
    s.until("a", "StasisStart").await;
    let path = format!("/channels/{}/snoop", s.id("a"));
    let (app, id) = (s.app(), s.id("rec"));
    s.post(&path, &[("app", app.as_str()), ("snoopId", &id)])
        .await;
    s.post(
        &path,
        &[("spy", "sideways"), ("app", &app), ("snoopId", &id)],
    )
    .await;
    s.post(&path, &[("spy", "both"), ("snoopId", &id)]).await;
    s.post(&path, &[("spy", "both"), ("app", &app), ("snoopId", &id)])
        .await;
    s.until("rec", "StasisStart").await;
    s.post(&path, &[("spy", "both"), ("app", &app), ("snoopId", &id)])
        .await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    s.until("rec", "StasisEnd").await;
}

pub(crate) async fn music_until_b_answers(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS, "20").await;
    s.until("a", "StasisStart").await;
    let path = format!("/channels/{}/moh", s.id("a"));
    s.post(&path, &[("mohClass", "default")]).await;
    s.delete(&path).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn dialplan_functions_are_evaluated(s: &mut Session) {
    s.connect().await;
    create_b(s, TALKS).await;
    let path = format!("/channels/{}/variable", s.id("b"));
    for name in [
        "DIALPLAN_EXISTS(lab,100,1)",
        "DIALPLAN_EXISTS(lab,999,1)",
        "DIALPLAN_EXISTS(nosuch,100,1)",
        "CHANNEL(state)",
        "NOSUCHVARIABLE",
        "NOSUCHFUNCTION(1)",
    ] {
        s.get(&path, &[("variable", name)]).await;
    }
    s.get(&path, &[]).await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn dialed_wrongly(s: &mut Session) {
    s.connect().await;
    create_b(s, TALKS).await;
    dial_b(s, "20").await;
    s.until_dial("b", "ANSWER").await;
    dial_b(s, "20").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
}

pub(crate) async fn the_socket_closes_while_a_call_is_up(s: &mut Session) {
    bridged(s, ANSWERS, TALKS).await;
    s.disconnect().await;
    let application = format!("/applications/{}", s.app());
    s.get(&application, &[]).await;
    s.connect().await;
    s.get(&application, &[]).await;
    s.get(&format!("/channels/{}", s.id("a")), &[]).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    destroy_bridge(s).await;
    s.drain(Duration::from_millis(200)).await;
    s.disconnect().await;
    s.get(&application, &[]).await;
}

pub(crate) async fn answered_while_nobody_is_connected(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS_LATE, "20").await;
    s.until_dial("a", "RINGING").await;
    s.disconnect().await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let a = format!("/channels/{}", s.id("a"));
    s.get(&a, &[]).await;
    s.connect().await;
    s.drain(Duration::from_millis(300)).await;
}

pub(crate) async fn ringing_through_a_reconnect(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS_LATE, "20").await;
    s.until_dial("a", "RINGING").await;
    s.disconnect().await;
    s.connect().await;
    s.until("a", "StasisStart").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn originated_while_nobody_is_connected(s: &mut Session) {
    let app = format!("/applications/{}", s.app());
    s.get(&app, &[]).await;
    dial_a(s, ANSWERS_LATE, "20").await;
    s.until_it_rings("a").await;
    s.get(&app, &[]).await;
    s.connect().await;
    s.get(&app, &[]).await;
    s.until("a", "StasisStart").await;
    hang_up(s, "a").await;
    s.until("a", "StasisEnd").await;
}

pub(crate) async fn subscribed_by_hand(s: &mut Session) {
    dial_a(s, ANSWERS_LATE, "20").await;
    s.until_it_rings("a").await;
    s.connect().await;
    let path = format!("/applications/{}/subscription", s.app());
    let (a, nobody) = (s.id("a"), s.id("nobody"));
    s.post(&path, &[("eventSource", &format!("channel:{a}"))])
        .await;
    s.post(&path, &[("eventSource", &format!("channel:{nobody}"))])
        .await;
    s.post(&path, &[("eventSource", &format!("bridge:{nobody}"))])
        .await;
    s.post(&path, &[("eventSource", "nonsense")]).await;
    s.post(&path, &[]).await;
    s.post(
        "/applications/ctnobody/subscription",
        &[("eventSource", &format!("channel:{a}"))],
    )
    .await;
    s.until("a", "StasisStart").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}

pub(crate) async fn the_second_half_is_heard_once_subscribed(s: &mut Session) {
    s.connect().await;
    create_b(s, TARGET_RINGS).await;
    let path = format!("/applications/{}/subscription", s.app());
    let half = s.id("half");
    s.post(&path, &[("eventSource", &format!("channel:{half}"))])
        .await;
    dial_b(s, "20").await;
    s.until_dial("b", "ANSWER").await;
    s.until("half", "ChannelStateChange").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    s.until("half", "ChannelDestroyed").await;
}

pub(crate) async fn a_second_client_takes_the_app(s: &mut Session) {
    s.connect().await;
    dial_a(s, ANSWERS_LATE, "20").await;
    s.until_dial("a", "RINGING").await;
    let mut other = s.connect_another().await;
    s.until("the app", "ApplicationReplaced").await;
    let heard = other.hears("StasisStart").await;
    s.note(&format!("the second hears of the answer: {heard}"));
    hang_up(s, "a").await;
    let heard = other.hears("ChannelDestroyed").await;
    s.note(&format!("the second hears of the end: {heard}"));
}

pub(crate) async fn an_app_and_its_filter(s: &mut Session) {
    let app = format!("/applications/{}", s.app());
    let filter = format!("{app}/eventFilter");
    let none = Some(json!({}));
    s.call(Method::PUT, &filter, &[], none.clone()).await;
    s.connect().await;
    s.get(&app, &[]).await;
    s.call(Method::PUT, &filter, &[], None).await;
    s.call(
        Method::PUT,
        &filter,
        &[],
        Some(json!({ "disallowed": [{}] })),
    )
    .await;
    s.call(
        Method::PUT,
        &filter,
        &[],
        Some(json!({ "disallowed": "x" })),
    )
    .await;
    s.call(Method::PUT, &filter, &[], none).await;
    s.get(&app, &[]).await;
    s.disconnect().await;
    s.get(&app, &[]).await;
}

pub(crate) async fn strangers_are_refused(s: &mut Session) {
    s.as_stranger(None).await;
    s.as_stranger(Some(("nobody", "nothing"))).await;
    s.socket_refusal("app=ctstranger").await;
    s.socket_refusal("app=ctstranger&api_key=nobody:nothing")
        .await;
}

pub(crate) async fn the_trunk_is_looked_at(s: &mut Session) {
    let trunk = s.trunk("");
    let trunk = trunk.trim_start_matches("PJSIP/@").to_owned();
    let trunk = s
        .silently(Method::GET, &format!("/endpoints/PJSIP/{trunk}"), &[], None)
        .await;
    s.note(&format!(
        "the trunk -> {} {} {} {}",
        trunk.status,
        trunk.body["technology"],
        trunk.body["state"],
        trunk.body["channel_ids"].is_array()
    ));
    let info = s.silently(Method::GET, "/asterisk/info", &[], None).await;
    let fields: Vec<String> = info
        .body
        .as_object()
        .map(|body| body.keys().cloned().collect())
        .unwrap_or_default();
    s.note(&format!("/asterisk/info -> {} {fields:?}", info.status));
}
