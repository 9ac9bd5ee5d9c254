//! What Asterisk refuses, and what can be asked of it.

use reqwest::Method;

use super::{
    ANSWERS, BUSY, NEVER_ANSWERS, TALKS, create_b, destroy_bridge, dial_a, dial_b, enter, hang_up,
    originate,
};
use crate::contract::session::Session;

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
    s.get(&format!("/recordings/live/{x}"), &[]).await;
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

pub(crate) async fn dialplan_functions_are_evaluated(s: &mut Session) {
    s.connect().await;
    create_b(s, TALKS).await;
    let path = format!("/channels/{}/variable", s.id("b"));
    let trunk = s.trunk("");
    let trunk = trunk.trim_start_matches("PJSIP/@");
    let setting = |name| format!("PJSIP_ENDPOINT({trunk},{name})");
    for name in [
        "DIALPLAN_EXISTS(lab,100,1)",
        "DIALPLAN_EXISTS(lab,999,1)",
        "DIALPLAN_EXISTS(nosuch,100,1)",
        "DIALPLAN_EXISTS(from-carrier,79990001122,1)",
        &setting("allow_transfer"),
        &setting("context"),
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
