//! The contract: the same scripts are played to a real Asterisk and to the simulator, and
//! must come to the same answers and the same events.

pub(crate) mod place;
pub(crate) mod scripts;
pub(crate) mod session;
pub(crate) mod trace;

use std::time::Duration;

use self::place::Place;
use self::session::Session;
use crate::support::lab::Lab;
use crate::support::phone::{Phone, Script};
use crate::support::simulated::lab;
use dialdeck::simulator::{self, SimConfig, SimHandle};

/// The lab's ARI.
fn place(lab: &Lab) -> Place {
    let (username, password) = lab.credentials();
    Place {
        name: "lab",
        addr: lab.ari_url().trim_start_matches("http://").to_owned(),
        username: username.to_owned(),
        password: password.to_owned(),
        trunk: lab.trunk().to_owned(),
    }
}

/// A simulator of its own for one script, with the lab's numbers and targets.
async fn simulator(like: &Place) -> (SimHandle, Place) {
    let config = SimConfig {
        trunk: like.trunk.clone(),
        ..lab()
    };
    let (username, password) = (config.username.clone(), config.password.clone());
    let handle = simulator::start(config).await.expect("a free port");
    let place = Place {
        name: "simulator",
        addr: handle.addr().to_string(),
        username,
        password,
        trunk: like.trunk.clone(),
    };
    (handle, place)
}

async fn play(place: Place, name: &str, script: impl AsyncFn(&mut Session)) -> Vec<String> {
    let mut session = Session::new(place, name);
    script(&mut session).await;
    session.finish().await.lines()
}

/// Plays `script` to the lab and to a simulator, and shows where they differ.
async fn compare(name: &str, script: impl AsyncFn(&mut Session)) {
    // Held to the end: a test that has the lab alone hangs up whatever it finds there.
    let lab = Lab::shared();
    let real = place(&lab);
    let (_running, simulated) = simulator(&real).await;
    let (real, simulated) = tokio::join!(play(real, name, &script), play(simulated, name, &script));
    same(&real, &simulated);
}

fn same(real: &[String], simulated: &[String]) {
    if let Some(diff) = trace::diff(real, simulated) {
        panic!("the lab (-) and the simulator (+) differ:\n{diff}");
    }
    let in_vain: Vec<&String> = real
        .iter()
        .filter(|line| line.contains("IN VAIN"))
        .collect();
    assert!(
        in_vain.is_empty(),
        "both lack what the script waits for: {in_vain:?}"
    );
}

macro_rules! contract {
    ($group:ident: $($script:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $script() {
                compare(stringify!($script), scripts::$group::$script).await;
            }
        )*
    };
}

contract! { callees:
    a_bridge_deleted_under_the_call,
    a_false_answer,
    answered_and_hung_up_by_a,
    answered_and_hung_up_by_b,
    answered_and_hung_up_by_us,
    answered_and_left_alone,
    busy,
    congestion,
    declined_with_603,
    early_media_then_answer,
    hung_up_by_us_while_it_rings,
    hung_up_with_a_reason,
    music_until_b_answers,
    no_answer,
    not_a_sound,
    not_acceptable_488,
    rejected_with_403,
    staged_and_never_needed,
    taken_out_of_the_bridge,
    unallocated,
}

contract! { connections:
    a_channel_that_is_in_no_app_is_not_moved,
    a_second_client_takes_the_app,
    an_app_and_its_filter,
    answered_while_nobody_is_connected,
    moved_to_an_app_that_nobody_is_connected_to,
    moved_to_an_app_that_only_a_channel_is_left_of,
    moved_to_an_app_that_somebody_is_connected_to,
    originated_while_nobody_is_connected,
    strangers_are_refused,
    subscribed_by_hand,
    the_socket_closes_while_a_call_is_up,
}

/// Played by hand: the lab's callee is a phone that answers when it is told to.
#[tokio::test]
async fn ringing_through_a_reconnect() {
    let name = "ringing_through_a_reconnect";
    let lab = Lab::shared();
    let carrier = Phone::carrier(&lab);
    carrier.decide(|_| Script::new().ring(Duration::from_secs(3600)));
    let real_place = Place {
        trunk: "scripted".to_owned(),
        ..place(&lab)
    };
    let (running, simulated) = simulator(&real_place).await;
    let real = async |s: &mut Session| {
        let answer = async |_: &str, number: &str| carrier.now(number, Script::new().answer());
        scripts::connections::ringing_through_a_reconnect(s, answer).await;
    };
    let played = async |s: &mut Session| {
        let answer = async |id: &str, _: &str| assert!(running.pick_up(id), "{id} does not ring");
        scripts::connections::ringing_through_a_reconnect(s, answer).await;
    };
    let real = play(real_place.clone(), name, real).await;
    same(&real, &play(simulated, name, played).await);
}

contract! { moving:
    a_leg_that_continues_elsewhere,
}

/// Played by hand: on the lab it takes a phone, which the simulator plays itself.
#[tokio::test]
async fn a_phone_that_transfers() {
    let name = "a_phone_that_transfers";
    let lab = Lab::shared();
    let agent = Phone::agent(&lab);
    let to = "100";
    let real = async |s: &mut Session| {
        let transfer = async |_: &str| {
            let script = Script::new().refer(to).transferred().bye();
            agent.now("scripted-agent", script);
        };
        scripts::moving::a_phone_that_transfers(s, transfer).await;
    };
    let (running, simulated) = simulator(&place(&lab)).await;
    let played = async |s: &mut Session| {
        let transfer = async |id: &str| {
            let by = running.transfer(id, &format!("{to}@lab-transfers"));
            assert!(by.is_some(), "nobody talks on {id}");
        };
        scripts::moving::a_phone_that_transfers(s, transfer).await;
    };
    let real = play(place(&lab), name, real).await;
    same(&real, &play(simulated, name, played).await);
}

contract! { recordings:
    a_recorded_channel_joins_no_bridge,
    a_recording_ends_with_the_channel,
    a_recording_name_with_a_folder,
    recorded_by_a_snoop_channel,
    recording_a_bridged_channel_fails,
    snoops_that_are_refused,
}

contract! { refusals:
    a_channel_that_has_not_answered_joins_nothing,
    an_id_used_twice,
    dialed_wrongly,
    dialplan_functions_are_evaluated,
    malformed_originates,
    nobody_there,
    the_trunk_is_looked_at,
    trunk_that_is_not_there,
}

contract! { sound:
    a_call_without_an_answer_has_no_sound,
    early_media_come_one_way,
    the_counters_of_a_call_that_is_up,
    what_is_no_sip_has_no_counters,
}

contract! { targets:
    a_target_originated_in_plain_order,
    an_agent_behind_a_queue,
    an_agent_behind_a_queue_that_answers_first,
    an_agents_phone_as_target,
    an_agents_phone_dialed_without_a_timeout,
    an_originated_target_hangs_up,
    an_originated_target_is_busy,
    an_originated_target_is_congested,
    an_originated_target_is_missing,
    an_originated_target_leaves,
    an_originated_target_never_answers,
    given_up_while_the_target_rings,
    target_busy,
    target_congested,
    target_hangs_up_without_a_word,
    target_missing,
    target_never_answers,
    the_second_half_is_heard_once_subscribed,
}
