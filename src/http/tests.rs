//! What is told by the engine's clock, whatever has been done to the machine's.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::{Api, Streams, console, metrics};
use crate::campaign::Time;
use crate::config::Settings;
use crate::control::Control;
use crate::engine::{Clock, Snapshot};
use crate::feed::Feed;
use crate::wire::StreamLine;
use crate::wire::tests::blank;

/// A day in 2001, as the engine's clock has it.
const NOW: Time = Time::from_millis(1_000_000_000_000);

fn settings() -> Settings {
    let values = [
        ("ARI_URL", "http://127.0.0.1:8088"),
        ("ARI_USERNAME", "u"),
        ("ARI_PASSWORD", "p"),
        ("ARI_TRUNK", "t"),
        ("OUTBOUND_NUMBER", "79990000001"),
    ];
    let environment = values.map(|(name, value)| (name.into(), value.into()));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let loaded = crate::config::load(folder.path(), environment.into_iter());
    loaded.expect("the settings are good").settings
}

/// An API over an engine whose last picture is so old.
fn api(age: Duration) -> (Api, watch::Sender<Arc<Snapshot>>) {
    let at = Time(NOW.0 - u64::try_from(age.as_micros()).expect("some seconds"));
    let picture = Arc::new(Snapshot { at, ..blank() });
    let (engine, snapshots) = watch::channel(picture);
    let (requests, _) = mpsc::channel(1);
    let api = Api {
        control: Control::new(requests, Arc::new(|| Err("no settings".to_owned()))),
        snapshots,
        in_force: watch::channel(Arc::new(settings())).1,
        clock: Clock::showing(NOW),
        feed: Feed::default(),
        tasks: Handle::current().metrics(),
        journal: "dialdeck.db".into(),
        token: None,
        streams: Streams::default(),
    };
    (api, engine)
}

async fn health(api: &Api) -> StatusCode {
    metrics::healthz(State(api.clone())).await.status()
}

#[tokio::test]
async fn an_engine_is_well_by_its_own_clock_while_it_gives_pictures() {
    let (young, _engine) = api(Duration::from_secs(2));
    assert_eq!(health(&young).await, StatusCode::OK);
    let (old, _engine) = api(Duration::from_secs(11));
    assert_eq!(health(&old).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_engine_that_has_ended_is_not_well() {
    let (api, engine) = api(Duration::ZERO);
    assert_eq!(health(&api).await, StatusCode::OK);
    drop(engine);
    assert_eq!(health(&api).await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_attached_console_is_told_the_time_that_the_pictures_are_of() {
    let (api, _engine) = api(Duration::ZERO);
    let asked = Query::try_from_uri(&Uri::from_static("/")).expect("nothing is asked");
    let answer = console::stream(State(api), asked).await;
    let line = answer.into_body().into_data_stream().next().await;
    let line = line.expect("a line").expect("it is made here");
    let Ok(StreamLine::Hello(hello)) = serde_json::from_slice(&line) else {
        panic!("no hello: {line:?}");
    };
    assert!(
        hello.now.since(NOW) < Duration::from_secs(60),
        "{:?}",
        hello.now
    );
}
