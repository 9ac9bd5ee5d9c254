//! New settings and a new list for an engine that runs.

use std::fs;
use std::time::{Duration, Instant};

use dialdeck::campaign::{self, CallWord, Disposition, RunId};
use dialdeck::control::{Began, Command};
use dialdeck::engine::Snapshot;

use super::{BUSY, LONG, Place, STAYS, TALKS, WHO, said};

impl Place {
    fn add_to_env(&self, lines: &str) {
        let env = self.folder.path().join(".env");
        let before = fs::read_to_string(&env).expect("written before");
        fs::write(env, before + lines).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_and_list_are_taken_over_by_an_engine_that_runs_and_the_rest_is_named() {
    let place = Place::new().await;
    let mut engine = place.start(&[STAYS, BUSY, TALKS], &[STAYS, TALKS, "81550009"]);
    let bridged = |s: &Snapshot| s.calls.iter().any(|c| c.word == CallWord::Bridged);
    engine.until("bridged", bridged).await;
    engine
        .command(campaign::Command::Pause)
        .await
        .expect("it dials");
    let same = engine.control.reload(&WHO).await.expect("it is good");
    assert_eq!(same.ignored, [] as [&str; 0]);

    place.add_to_env(
        "MAX_CC=7\nCALL_TIMEOUT=6\nTARGET_ENDPOINT=Local/100@lab\nRECORDINGS_DIR=other\n\
         ARI_PASSWORD=dialdecked\nCONTROL_ADDR=127.0.0.1:3999\nSTATE_FILE=other.db\n",
    );
    let other = place.folder.path().join("other");
    let reloaded = engine.control.reload(&WHO).await.expect("it is good");
    let said = [
        "MAX_CC is 7".to_owned(),
        "CALL_TIMEOUT is 6 s".to_owned(),
        "the target is Local/100@lab".to_owned(),
        "TARGET_TIMEOUT is 6 s".to_owned(),
        format!("RECORDINGS_DIR is {}", other.display()),
    ];
    assert_eq!(reloaded.changed, said);
    let kept = ["ARI_PASSWORD", "STATE_FILE", "CONTROL_ADDR"];
    let kept = kept.map(|name| format!("{name} changes at the next start of the process"));
    assert_eq!(reloaded.ignored, kept);
    let now = engine.now();
    assert_eq!(&*now.target, "Local/100@lab");
    assert_eq!(now.limit.requested.calls(), 7);
    assert_eq!(now.leads.len(), 4);
    let last = now.audit.last().expect("it is written down");
    assert_eq!((&*last.by, &*last.command), ("test", "reload"));
    assert_eq!(last.outcome, said.join("; "));

    place.add_to_env("MAX_CC=9\nCALL_TIMEOUT=soon\nARI_TRUNK=a b\n");
    let bad = engine.control.reload(&WHO).await.expect_err("it is bad");
    assert!(
        bad.contains("CALL_TIMEOUT") && bad.contains("ARI_TRUNK"),
        "{bad}"
    );
    let now = engine.now();
    assert_eq!(now.limit.requested.calls(), 7, "nothing of it holds");
    let last = now.audit.last().expect("it is written down");
    assert!(last.outcome.starts_with("refused: "), "{}", last.outcome);
    assert!(!last.outcome.contains('\n'), "{}", last.outcome);
    engine.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_keeps_target_and_folder_and_the_next_one_has_the_new_ones() {
    let place = Place::new().await;
    let mut engine = place.start(&[STAYS], &[STAYS, TALKS]);
    let bridged = |s: &Snapshot| s.calls.iter().any(|c| c.word == CallWord::Bridged);
    engine.until("bridged", bridged).await;
    place.add_to_env("TARGET_ENDPOINT=Local/100@lab\nRECORDINGS_DIR=other\n");
    engine.control.reload(&WHO).await.expect("it is good");
    let over = |s: &Snapshot| s.leads.ended_as(Disposition::Answered) == 1;
    engine.until("called with the new ones", over).await;
    engine
        .command(campaign::Command::HangUpAll)
        .await
        .expect("always");
    engine.done().await;
    engine.until("saved", |s| s.recordings.saved == 2).await;
    for (lead, target, folder) in [
        (0, "Local/111@lab", "recordings"),
        (1, "Local/100@lab", "other"),
    ] {
        let detail = engine.detail(lead).await;
        let told = said(&detail, 0);
        assert!(told.contains(target), "{told}");
        let saved = detail.attempts[0].recording.as_ref().expect("it is saved");
        let folder = place
            .folder
            .path()
            .join(folder)
            .canonicalize()
            .expect("made");
        assert!(saved.starts_with(&folder.display().to_string()), "{saved}");
    }
    engine.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_starts_at_once_begin_one_run() {
    let place = Place::new().await;
    let mut engine = place.start(&[BUSY], &[BUSY, STAYS]);
    engine.done().await;
    engine.until("quiet", |s| s.calls.is_empty()).await;
    let starts: Vec<_> = (0..50)
        .map(|_| {
            let control = engine.control.clone();
            tokio::spawn(async move { control.start_again(&WHO).await })
        })
        .collect();
    let mut began = Vec::new();
    for start in starts {
        let started = start.await.expect("it does not panic");
        began.push(started.expect("it is taken").began);
    }
    let restarted = began.iter().filter(|b| **b == Began::Restarted).count();
    let running = began
        .iter()
        .filter(|b| **b == Began::AlreadyRunning)
        .count();
    assert_eq!((restarted, running), (1, 49), "{began:?}");
    let bridged = |s: &Snapshot| s.calls.iter().any(|c| c.word == CallWord::Bridged);
    engine.until("bridged", bridged).await;
    engine.until("alone", |s| s.calls.len() == 1).await;
    assert_eq!(engine.now().run, RunId(2));
    assert_eq!(place.asterisk.calls_placed().len(), 3);
    engine
        .control
        .give(Command::Quit, &WHO)
        .await
        .expect("taken");
    engine.until("stopping", |s| s.stopping.is_some()).await;
    for refused in [
        engine.control.start_again(&WHO).await.map(drop),
        engine.control.reload(&WHO).await.map(drop),
    ] {
        assert_eq!(refused, Err("the process is ending".to_owned()));
    }
    engine.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_list_is_named_and_dialed_by_the_next_new_run() {
    let place = Place::new().await;
    let mut engine = place.start(&[STAYS], &[BUSY]);
    engine.until("up", |s| s.calls.len() == 1).await;
    fs::write(place.folder.path().join("other.txt"), "").expect("written");
    place.add_to_env("OUTBOUND_NUMBER_FILE=other.txt\n");
    let started = engine.control.start_again(&WHO).await.expect("it runs");
    assert_eq!(started.began, Began::AlreadyRunning);
    let named = ["OUTBOUND_NUMBER_FILE names another list: the next new run dials it"];
    assert_eq!(started.reloaded.ignored, named);
    assert_eq!(engine.now().leads.len(), 1);
    engine
        .command(campaign::Command::HangUpAll)
        .await
        .expect("always");
    engine.done().await;
    let until = Instant::now() + LONG;
    let started = loop {
        match engine.control.start_again(&WHO).await {
            Ok(started) => break started,
            // What is left of the call may need a moment.
            Err(why) => assert!(Instant::now() < until, "{why}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(started.began, Began::Restarted);
    assert_eq!(started.reloaded.ignored, [] as [&str; 0]);
    assert!(engine.now().list.ends_with("other.txt"));
    let done = engine.done().await;
    assert_eq!(done.leads.ended_as(Disposition::Busy), 1);
    let again = engine.control.start_again(&WHO).await.expect("it runs");
    assert!(
        matches!(again.began, Began::DoneAndUnchanged { .. }),
        "{:?}",
        again.began
    );
    engine.quit().await;
}
