//! Recordings, and the channels that listen.

use std::time::Duration;

use super::{ANSWERS, TALKS, bridged, destroy_bridge, dial_a, enter, hang_up};
use crate::contract::session::Session;

pub(crate) async fn recorded_by_a_snoop_channel(s: &mut Session) {
    bridged(s, ANSWERS, TALKS).await;
    snoop(s).await;
    let name = record(s, "rec", "").await;
    s.drain(Duration::from_secs(1)).await;
    s.get(&format!("/recordings/live/{name}"), &[]).await;
    s.post(&format!("/recordings/live/{name}/stop"), &[]).await;
    s.until("call", "RecordingFinished").await;
    s.get(&format!("/recordings/live/{name}"), &[]).await;
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
