//! Event sockets, applications and subscriptions.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{
    ANSWERS, ANSWERS_LATE, NEVER_ANSWERS, TALKS, bridged, destroy_bridge, dial_a, hang_up,
};
use crate::contract::session::Session;

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

/// The callee rings until it is to `answer`.
pub(crate) async fn ringing_through_a_reconnect(s: &mut Session, answer: impl AsyncFn(&str, &str)) {
    s.connect().await;
    dial_a(s, NEVER_ANSWERS, "60").await;
    s.until_dial("a", "RINGING").await;
    s.disconnect().await;
    s.connect().await;
    answer(&s.id("a"), NEVER_ANSWERS).await;
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

/// A channel that is in the script's own app and was never dialed: the probe.
async fn create_probe(s: &mut Session) {
    let (app, probe, half) = (s.app(), s.id("probe"), s.id("probe-half"));
    let query = [
        ("endpoint", "Local/nobody@nowhere"),
        ("app", app.as_str()),
        ("channelId", &probe),
        ("otherChannelId", &half),
    ];
    s.post("/channels/create", &query).await;
    s.until("probe", "StasisStart").await;
}

async fn move_probe(s: &mut Session, query: &[(&str, &str)]) {
    let path = format!("/channels/{}/move", s.id("probe"));
    s.post(&path, query).await;
}

pub(crate) async fn moved_to_an_app_that_nobody_is_connected_to(s: &mut Session) {
    s.connect().await;
    create_probe(s).await;
    let other = s.id("other");
    move_probe(s, &[("app", &other), ("appArgs", "one,two")]).await;
    s.until("probe", "ApplicationMoveFailed").await;
    s.drain(Duration::from_millis(200)).await;
    let app = format!("/applications/{}", s.app());
    s.get(&app, &[]).await;
    // It stays where it was, and can be asked to move again.
    move_probe(s, &[("app", &other)]).await;
    s.until_again("probe", "ApplicationMoveFailed").await;
    hang_up(s, "probe").await;
    s.until("probe", "ChannelDestroyed").await;
}

pub(crate) async fn moved_to_an_app_that_only_a_channel_is_left_of(s: &mut Session) {
    s.connect().await;
    let holder = s.connect_as("other").await;
    let (left, other, endpoint) = (s.id("left"), s.id("other"), s.trunk(NEVER_ANSWERS));
    let query = [
        ("endpoint", endpoint.as_str()),
        ("app", &other),
        ("channelId", &left),
        ("timeout", "20"),
    ];
    s.post("/channels", &query).await;
    s.until_it_rings("left").await;
    drop(holder);
    tokio::time::sleep(Duration::from_millis(200)).await;
    s.get(&format!("/applications/{other}"), &[]).await;
    create_probe(s).await;
    move_probe(s, &[("app", &other)]).await;
    s.until("probe", "ApplicationMoveFailed").await;
    hang_up(s, "probe").await;
    s.until("probe", "ChannelDestroyed").await;
    hang_up(s, "left").await;
    s.drain(Duration::from_millis(200)).await;
}

pub(crate) async fn moved_to_an_app_that_somebody_is_connected_to(s: &mut Session) {
    s.connect().await;
    let mut holder = s.connect_as("other").await;
    create_probe(s).await;
    let other = s.id("other");
    move_probe(s, &[("app", &other), ("appArgs", "one")]).await;
    s.until("probe", "StasisEnd").await;
    let heard = holder.hears("StasisStart").await;
    s.note(&format!("the holder hears of it: {heard}"));
    s.get(&format!("/applications/{other}"), &[]).await;
    s.get(&format!("/applications/{}", s.app()), &[]).await;
    hang_up(s, "probe").await;
    let heard = holder.hears("StasisEnd").await;
    s.note(&format!("the holder hears of its end: {heard}"));
    s.drain(Duration::from_millis(200)).await;
    drop(holder);
    tokio::time::sleep(Duration::from_millis(200)).await;
    s.get(&format!("/applications/{other}"), &[]).await;
}

pub(crate) async fn a_channel_that_is_in_no_app_is_not_moved(s: &mut Session) {
    s.connect().await;
    let path = format!("/channels/{}/move", s.id("a"));
    let app = s.app();
    s.post(&path, &[("app", &app)]).await;
    dial_a(s, NEVER_ANSWERS, "20").await;
    s.until_dial("a", "RINGING").await;
    s.post(&path, &[("app", &app)]).await;
    s.get(&path, &[]).await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
}
