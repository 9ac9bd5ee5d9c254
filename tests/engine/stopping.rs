//! Who asks an engine to end, how often, and what then becomes of calls.

use std::time::Duration;

use dialdeck::campaign::CallWord;
use dialdeck::control::{Command, Who};
use dialdeck::engine::{Exit, Snapshot, Stop};

use super::{LONG, Place, Running, STAYS};

async fn give(engine: &Running, command: Command, who: &Who) -> Stop {
    engine.control.give(command, who).await.expect("it runs");
    let mut snapshots = engine.snapshots.clone();
    let stops = |s: &std::sync::Arc<Snapshot>| s.stopping.is_some();
    let stops = snapshots.wait_for(stops).await.expect("it runs");
    stops.stopping.clone().expect("it stops")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_second_signal_hangs_up_and_who_asks_again_changes_nothing() {
    let place = Place::new().await;
    let mut engine = place.start(&[STAYS], &[]);
    let bridged = |s: &Snapshot| s.calls.iter().any(|c| c.word == CallWord::Bridged);
    engine.until("bridged", bridged).await;
    let person = Who::Terminal;
    let signal = Who::Signal("SIGTERM");
    let first = give(&engine, Command::Quit, &person).await;
    assert!(!first.hung_up);
    for who in [&person, &signal] {
        // The answer to a stop does not wait for the engine: the picture after it does.
        give(&engine, Command::Quit, who).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(engine.now().stopping, Some(first.clone()), "{who}");
        assert!(bridged(&engine.now()), "{who}");
    }
    give(&engine, Command::Quit, &signal).await;
    engine
        .until("hung up", |s| {
            s.stopping.as_ref().is_some_and(|s| s.hung_up)
        })
        .await;
    let exit = tokio::time::timeout(LONG, engine.engine).await;
    assert_eq!(exit.expect("it ends").expect("no panic"), Exit::Finished);
    assert!(place.asterisk.channels().is_empty());
}
