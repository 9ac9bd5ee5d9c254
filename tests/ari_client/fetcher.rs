use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dialdeck::campaign::AttemptId;
use dialdeck::recordings::{Fetched, Fetcher, Job, QUEUE, RetryPlan};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::fake::{Asked, Fake, Reply, client};

/// Asterisk's spool: what the server has, by encoded name.
#[derive(Clone, Default)]
struct Spool(Arc<Mutex<HashMap<String, Vec<u8>>>>);

impl Spool {
    fn put(&self, name: &str, content: Vec<u8>) {
        self.0.lock().unwrap().insert(name.to_owned(), content);
    }

    fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap().contains_key(name)
    }

    async fn serve(&self) -> Fake {
        self.serve_unless(|_| false).await
    }

    /// Answers without ARI where `starting` says so.
    async fn serve_unless(
        &self,
        starting: impl Fn(&Asked) -> bool + Send + Sync + 'static,
    ) -> Fake {
        let spool = self.clone();
        Fake::start(move |asked| {
            if starting(asked) {
                return Reply::Json(404, "<!DOCTYPE HTML><html></html>".into());
            }
            let path = asked.path.trim_start_matches("/ari/recordings/stored/");
            let name = path.trim_end_matches("/file");
            let mut files = spool.0.lock().unwrap();
            let Some(content) = files.get(name) else {
                return Reply::Json(404, r#"{"message":"Recording not found"}"#.into());
            };
            match asked.method.as_str() {
                "DELETE" => {
                    files.remove(name);
                    Reply::Json(204, String::new())
                }
                _ if path.ends_with("/file") => Reply::Bytes(content.clone()),
                _ => Reply::ok(r#"{"name":"x","format":"wav"}"#),
            }
        })
        .await
    }
}

fn wav(samples: u32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut out = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut out, spec).unwrap();
    (0..samples).for_each(|_| writer.write_sample(7_i16).unwrap());
    writer.finalize().unwrap();
    out.into_inner()
}

fn job(number: u64, keep: bool) -> Job {
    Job {
        attempt: AttemptId(number),
        name: format!("camp/{number}"),
        format: "wav".into(),
        file_name: format!("call-{number}.wav"),
        keep,
        folder: None,
    }
}

/// Eight tries in a quarter of a second.
const FAST: RetryPlan = RetryPlan {
    first: Duration::from_millis(2),
    longest: Duration::from_millis(100),
    tries: 8,
};

struct Rig {
    fetcher: Fetcher,
    outcomes: mpsc::Receiver<Fetched>,
}

impl Rig {
    fn new(port: u16, folder: &Path) -> Self {
        let (tx, outcomes) = mpsc::channel(64);
        let client = client(port, Duration::from_secs(2));
        Self {
            fetcher: Fetcher::spawn(client, folder.to_owned(), FAST, tx),
            outcomes,
        }
    }

    async fn next(&mut self) -> Fetched {
        timeout(Duration::from_secs(10), self.outcomes.recv())
            .await
            .expect("an outcome in time")
            .expect("the fetcher lives")
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn saved(folder: &Path, number: u64, bytes: usize) -> Fetched {
    Fetched::Saved {
        attempt: AttemptId(number),
        path: folder
            .canonicalize()
            .unwrap()
            .join(format!("call-{number}.wav")),
        bytes: bytes as u64,
    }
}

#[tokio::test]
async fn a_recording_is_saved_whole_and_then_deleted_from_asterisk() {
    let spool = Spool::default();
    let content = wav(8000);
    spool.put("camp%2F1", content.clone());
    spool.put("camp%2F2", content.clone());
    let fake = spool.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    assert_eq!(rig.next().await, saved(folder.path(), 1, content.len()));
    assert!(!spool.has("camp%2F1"));
    rig.fetcher.enqueue(job(2, true)).unwrap();
    assert_eq!(rig.next().await, saved(folder.path(), 2, content.len()));
    assert!(spool.has("camp%2F2"), "told to keep it");
    assert_eq!(names(folder.path()), ["call-1.wav", "call-2.wav"]);
    let file = std::fs::read(folder.path().join("call-1.wav")).unwrap();
    assert_eq!(file, content);
    assert_eq!(rig.fetcher.stats().saved, 2);
    assert_eq!(rig.fetcher.finish(Duration::from_secs(5)).await, 0);
}

#[tokio::test]
async fn a_file_that_appears_a_little_later_is_waited_for() {
    let spool = Spool::default();
    let fake = spool.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    spool.put("camp%2F1", wav(10));
    assert!(matches!(rig.next().await, Fetched::Saved { .. }));
    assert!(rig.fetcher.stats().retries > 0);
}

#[tokio::test]
async fn what_never_appears_is_given_up_without_holding_up_others() {
    let spool = Spool::default();
    spool.put("camp%2F9", wav(10));
    let fake = spool.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    for number in 1..=5 {
        rig.fetcher.enqueue(job(number, false)).unwrap();
    }
    rig.fetcher.enqueue(job(9, false)).unwrap();
    assert!(matches!(rig.next().await, Fetched::Saved { .. }), "first");
    for _ in 1..=5 {
        let outcome = rig.next().await;
        let Fetched::Failed {
            why, will_retry, ..
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            (why.as_str(), will_retry),
            ("Asterisk has no such recording", false)
        );
    }
    assert_eq!(rig.fetcher.stats().failed, 5);
}

#[tokio::test]
async fn an_empty_recording_fails_as_empty_and_leaves_nothing_behind() {
    let spool = Spool::default();
    spool.put("camp%2F1", wav(0));
    let fake = spool.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    let expected = Fetched::Failed {
        attempt: AttemptId(1),
        why: "the recording is empty".into(),
        will_retry: false,
    };
    assert_eq!(rig.next().await, expected);
    assert!(!spool.has("camp%2F1"));
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_recording_is_saved_in_no_format() {
    for format in ["wav", "wav16", "ulaw", "gsm", "sln"] {
        let spool = Spool::default();
        spool.put("camp%2F1", Vec::new());
        let fake = spool.serve().await;
        let folder = tempfile::tempdir().unwrap();
        let mut rig = Rig::new(fake.port, folder.path());
        let empty = Job {
            format: format.into(),
            ..job(1, false)
        };
        rig.fetcher.enqueue(empty).unwrap();
        let expected = Fetched::Failed {
            attempt: AttemptId(1),
            why: "the recording is empty".into(),
            will_retry: false,
        };
        assert_eq!(rig.next().await, expected, "{format}");
        assert_eq!(names(folder.path()), Vec::<String>::new(), "{format}");
    }
}

/// A process that died before it gave a file its content left its name behind.
#[tokio::test]
async fn an_empty_file_in_the_folder_does_not_count_as_saved_before() {
    let fake = Spool::default().serve().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("call-1.wav"), b"").unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    let expected = Fetched::Failed {
        attempt: AttemptId(1),
        why: "Asterisk has no such recording".into(),
        will_retry: false,
    };
    assert_eq!(rig.next().await, expected);
}

#[tokio::test]
async fn a_damaged_recording_stays_in_asterisks_spool() {
    let spool = Spool::default();
    let mut content = wav(100);
    content.truncate(200);
    spool.put("camp%2F1", content);
    let fake = spool.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    assert!(matches!(
        rig.next().await,
        Fetched::Failed {
            will_retry: false,
            ..
        }
    ));
    assert!(spool.has("camp%2F1"));
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_recording_that_asterisk_died_over_is_closed_and_saved() {
    let spool = Spool::default();
    let whole = wav(100);
    let mut content = whole.clone();
    // Asterisk writes both sizes when it closes the file.
    content[4..8].fill(0);
    content[40..44].fill(0);
    spool.put("camp%2F1", content);
    let fake = spool.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    assert_eq!(rig.next().await, saved(folder.path(), 1, whole.len()));
    assert_eq!(
        std::fs::read(folder.path().join("call-1.wav")).unwrap(),
        whole
    );
    assert!(!spool.has("camp%2F1"));
    let retries = rig.fetcher.stats().retries;
    assert_eq!(retries, u64::from(FAST.tries) - 1, "by the last try only");
}

/// Asterisk still writes it when it is asked for first.
#[tokio::test]
async fn an_unclosed_recording_is_fetched_again_until_it_is_closed() {
    let spool = Spool::default();
    let whole = wav(300);
    let mut begun = wav(100);
    begun[4..8].fill(0);
    begun[40..44].fill(0);
    spool.put("camp%2F1", begun);
    let (writing, closed) = (spool.clone(), whole.clone());
    let downloads = AtomicUsize::new(0);
    let fake = spool
        .serve_unless(move |asked| {
            let third =
                asked.path.ends_with("/file") && downloads.fetch_add(1, Ordering::SeqCst) == 2;
            if third {
                writing.put("camp%2F1", closed.clone());
            }
            false
        })
        .await;
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    assert_eq!(rig.next().await, saved(folder.path(), 1, whole.len()));
    let file = std::fs::read(folder.path().join("call-1.wav")).unwrap();
    assert_eq!(file, whole);
    assert_eq!(names(folder.path()), ["call-1.wav"]);
    assert_eq!(rig.fetcher.stats().retries, 2);
}

/// As in the tenth of a second in which a starting Asterisk answers without ARI.
#[tokio::test]
async fn a_404_that_is_not_aris_says_nothing_about_a_recording() {
    let spool = Spool::default();
    spool.put("camp%2F1", wav(100));
    let starting = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&starting);
    let fake = spool
        .serve_unless(move |asked_for| {
            // Once each at the first look and at the deletion.
            let first = match asked_for.method.as_str() {
                "DELETE" => 2,
                _ => 1,
            };
            asked.fetch_or(first, Ordering::SeqCst) & first == 0
        })
        .await;
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    let told = rig.next().await;
    assert!(
        matches!(
            told,
            Fetched::Failed {
                will_retry: true,
                ..
            }
        ),
        "{told:?}"
    );
    assert_eq!(rig.next().await, saved(folder.path(), 1, wav(100).len()));
    timeout(Duration::from_secs(10), async {
        while spool.has("camp%2F1") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it is deleted");
    assert_eq!(starting.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_file_saved_before_a_crash_is_recognised_when_asterisk_has_it_no_more() {
    let fake = Spool::default().serve().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("call-1.wav"), wav(10)).unwrap();
    let mut rig = Rig::new(fake.port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    assert_eq!(rig.next().await, saved(folder.path(), 1, wav(10).len()));
}

#[tokio::test]
async fn a_disk_that_refuses_is_told_once_and_tried_until_it_is_mended() {
    let spool = Spool::default();
    spool.put("camp%2F1", wav(10));
    let fake = spool.serve().await;
    let root = tempfile::tempdir().unwrap();
    // A file in the folder's place: no right of root's gets past that.
    let folder = root.path().join("recordings");
    std::fs::write(&folder, "in the way").unwrap();
    let mut rig = Rig::new(fake.port, &folder);
    rig.fetcher.enqueue(job(1, false)).unwrap();
    let outcome = rig.next().await;
    let Fetched::Failed {
        why, will_retry, ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("RECORDINGS_DIR") && will_retry, "{why}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(rig.outcomes.try_recv().is_err(), "not told again");
    // With at most 100 ms between tries, not hundreds of them: it does not spin.
    let retries = rig.fetcher.stats().retries;
    assert!((4..=20).contains(&retries), "{retries}");
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(rig.next().await, saved(&folder, 1, wav(10).len()));
}

#[tokio::test]
async fn an_asterisk_that_is_away_uses_up_no_tries() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(port, folder.path());
    rig.fetcher.enqueue(job(1, false)).unwrap();
    assert!(matches!(
        rig.next().await,
        Fetched::Failed {
            will_retry: true,
            ..
        }
    ));
    let more = async {
        while rig.fetcher.stats().retries <= u64::from(FAST.tries) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let tried = timeout(Duration::from_secs(10), more).await;
    assert!(tried.is_ok(), "{:?}", rig.fetcher.stats());
    assert!(rig.outcomes.try_recv().is_err());
    assert_eq!(rig.fetcher.finish(Duration::from_millis(50)).await, 1);
}

#[tokio::test]
async fn a_full_queue_gives_the_job_back() {
    let fake = Fake::start(|_| Reply::Hang).await;
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(fake.port, folder.path());
    for number in 0..QUEUE as u64 {
        rig.fetcher.enqueue(job(number, false)).unwrap();
    }
    let refused = rig.fetcher.enqueue(job(5000, false));
    assert_eq!(refused, Err(job(5000, false)));
    assert_eq!(rig.fetcher.stats().waiting, QUEUE);
}
