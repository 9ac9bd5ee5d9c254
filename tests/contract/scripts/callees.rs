//! Leg A, and calls that reach the target.

use std::time::Duration;

use reqwest::Method;

use super::{
    ANSWERS, ANSWERS_AND_LEAVES, BUSY, CONGESTION, DECLINED, EARLY_MEDIA, FALSE_ANSWER, FORBIDDEN,
    LEAVES, NEVER_ANSWERS, NOT_ACCEPTABLE, SILENCE, TALKS, TARGET_RINGS, UNALLOCATED, bridged,
    destroy_bridge, dial_a, hang_up, refused, stage_b,
};
use crate::contract::session::Session;

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

pub(crate) async fn a_false_answer(s: &mut Session) {
    refused(s, FALSE_ANSWER, "20").await;
}

pub(crate) async fn answered_and_left_alone(s: &mut Session) {
    refused(s, ANSWERS_AND_LEAVES, "20").await;
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
