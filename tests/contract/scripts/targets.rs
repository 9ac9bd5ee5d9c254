//! Leg B: targets that come, and targets that do not.

use std::time::Duration;

use super::{
    ANSWERS, LEAVES, QUEUE, QUEUE_BEHIND_ANSWER, TARGET_BUSY, TARGET_CONGESTED, TARGET_HANGS_UP,
    TARGET_MISSING, TARGET_NEVER, TARGET_RINGS, bridged, create_b, destroy_bridge, dial_a, dial_b,
    enter, hang_up, originate_b, target_fails,
};
use crate::contract::session::Session;

pub(crate) async fn an_agents_phone_as_target(s: &mut Session) {
    bridged(s, ANSWERS, "PJSIP/agent").await;
    hang_up(s, "b").await;
    s.until("b", "ChannelDestroyed").await;
    hang_up(s, "a").await;
    s.until("a", "ChannelDestroyed").await;
    destroy_bridge(s).await;
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
