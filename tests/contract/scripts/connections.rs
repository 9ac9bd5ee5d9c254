//! Event sockets, applications and subscriptions.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{ANSWERS, ANSWERS_LATE, TALKS, bridged, destroy_bridge, dial_a, hang_up};
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
