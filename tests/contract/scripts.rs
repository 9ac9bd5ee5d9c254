//! The scripts: what the dialer does to an Asterisk, one behaviour each.

pub(crate) mod callees;
pub(crate) mod connections;
pub(crate) mod moving;
pub(crate) mod recordings;
pub(crate) mod refusals;
pub(crate) mod sound;
pub(crate) mod targets;

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
