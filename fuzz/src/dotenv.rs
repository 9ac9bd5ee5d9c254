use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;

use dialdeck::config::{Settings, load};
use tempfile::TempDir;

/// A secret that no setting allows, since it holds a character that can't be typed: it is
/// always complained of, and never shown.
const CANARY: &str = "canary-5d1f9c42";

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// A `.env`: either settings that can do no harm, or problems that can be read and tell no
/// secret.
pub fn dotenv(bytes: &[u8]) {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
        let file = folder.path().join(".env");
        fs::write(&file, bytes).expect("the folder is ours");
        match load(folder.path(), environment("1234567890abcdef")) {
            Ok(loaded) => {
                check_settings(&loaded.settings);
                for warning in loaded.warnings {
                    check_text(&warning.to_string());
                }
            }
            Err(problems) => check_text(&problems.to_string()),
        }
        // What the file leaves open, a broken secret of the environment answers.
        let broken = format!("{CANARY}\u{7}");
        if let Err(problems) = load(folder.path(), environment(&broken)) {
            check_text(&problems.to_string());
        }
    });
}

fn environment(secret: &str) -> impl Iterator<Item = (OsString, OsString)> {
    let values = [
        ("ARI_URL", "http://127.0.0.1:8088"),
        ("ARI_USERNAME", "user"),
        ("ARI_PASSWORD", secret),
        ("CONTROL_TOKEN", secret),
        ("MYSQL_PASSWORD", secret),
        ("ARI_TRUNK", "mytrunk"),
        ("OUTBOUND_NUMBER", "12"),
    ];
    let owned = values.map(|(name, value)| (name.into(), value.into()));
    owned.into_iter()
}

fn check_text(text: &str) {
    assert!(!text.contains(CANARY), "{text}");
    assert!(text.lines().all(super::is_harmless), "{text:?}");
}

/// What goes into requests, file names and SQL holds nothing that ends or extends it.
fn check_settings(settings: &Settings) {
    let shown = format!("{settings:?}");
    assert!(!shown.contains("1234567890abcdef"), "{shown}");
    let plain = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    assert!(plain(&settings.call.trunk), "{}", settings.call.trunk);
    assert!(plain(&settings.ari.app), "{}", settings.ari.app);
    let format = &settings.call.recordings.format;
    assert!(
        format.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{format}"
    );
    let target = &settings.call.target.endpoint;
    assert!(
        super::is_harmless(target) && !target.contains(['&', ' ']),
        "{target}"
    );
    if let Some(caller) = &settings.call.caller_id {
        assert!(super::is_harmless(&caller.to_string()), "{caller:?}");
    }
    if let Some(mysql) = &settings.mysql {
        assert!(
            !mysql.table.contains(['`', '\'', '"', ';', ' ']),
            "{}",
            mysql.table
        );
    }
    let loopback = settings.control.addr.ip().is_loopback();
    assert!(loopback || settings.control.token.is_some(), "open to all");
}
