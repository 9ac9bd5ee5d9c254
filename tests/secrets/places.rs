//! The places where secrets come out of programs that keep them out of their logs: panics,
//! errors of libraries, addresses with a login in them, and other programs' views.

use std::fs;

use super::{CANARIES, SOON, assert_clean, assert_folder_clean, rig};
use crate::support::database::Database;
use crate::support::deck::{Deck, Ended};
use crate::support::screen::Screen;

fn assert_ended_clean(what: &str, ended: &Ended) {
    assert_clean(what, ended.stdout.as_bytes());
    assert_clean(what, ended.stderr.as_bytes());
}

/// What came to the terminal, escape sequences and all.
fn assert_screen_clean(what: &str, screen: &Screen) {
    assert_clean(what, &screen.raw());
}

/// As `ps` shows it to its own user, who sees most.
fn assert_pid_clean(pid: u32) {
    for file in ["cmdline", "environ"] {
        let path = format!("/proc/{pid}/{file}");
        let bytes = fs::read(&path).expect("root reads it");
        assert!(file == "environ" || !bytes.is_empty(), "it runs");
        assert_clean(&path, &bytes);
    }
}

#[test]
fn a_panic_shows_no_setting_with_any_backtrace() {
    let (_asterisk, deck) = rig(CANARIES[0]);
    let mut task = deck.command(&["--headless", "--start", "--fail-in", "task"]);
    let output = task
        .env("RUST_BACKTRACE", "full")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("a bug: asked for"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_clean("standard error", &output.stderr);
    assert_clean("standard output", &output.stdout);
    assert_folder_clean(&deck);

    let mut drawing = deck.command(&["--fail-in", "console"]);
    let mut screen = Screen::open(drawing.env("RUST_BACKTRACE", "full"), 24, 80);
    screen.wait_for("a bug: asked for", SOON);
    screen.wait(SOON);
    assert_screen_clean("the terminal", &screen);
    assert_folder_clean(&deck);
}

/// Runs until the mirror has told `why`.
fn mirror_says(deck: &Deck, why: &str) {
    let running = deck.spawn(&["--headless", "--start"]);
    running.wait_for(why, SOON);
    running.stop_now();
    let ended = running.wait(SOON);
    assert_ended_clean(why, &ended);
    let check = deck.run(&["check", "--json"]);
    assert!(check.stdout.contains("\"would_dial\""), "{}", check.stdout);
    assert_ended_clean("check", &check);
    assert_folder_clean(deck);
}

#[test]
fn errors_of_the_database_quote_no_password() {
    let server = Database::start();
    let (_asterisk, mut deck) = rig(CANARIES[0]);
    deck.change("MYSQL_PORT", server.port());
    deck.change("MYSQL_USER", "dialer");
    mirror_says(&deck, "MySQL refuses the login of dialer");
    deck.change("MYSQL_PORT", 1);
    mirror_says(&deck, "nothing listens at 127.0.0.1:1");
    // Longer than any label of a name, so that nobody is asked for it.
    let nobody = "a".repeat(64);
    deck.change("MYSQL_HOST", &nobody);
    mirror_says(&deck, &format!("nobody knows the host {nobody}"));
}

#[test]
fn an_address_with_a_login_in_it_is_refused_without_quoting_it() {
    let (_asterisk, mut deck) = rig(CANARIES[0]);
    let [password, ..] = CANARIES;
    for url in [
        format!("http://127.0.0.1:1/ari?api_key=dialdeck:{password}"),
        format!("http://127.0.0.1:1/ari?api_key=dialdeck:@{password}"),
        format!("http://127.0.0.1:1/#{password}"),
        format!("http://dialdeck:{password}@127.0.0.1:1"),
        format!("http://dialdeck:{password}@no host"),
        format!("dialdeck:{password}@127.0.0.1:1"),
        format!("http://dialdeck:?{password}@127.0.0.1:1"),
    ] {
        deck.change("ARI_URL", &url);
        for args in [
            &["--headless"][..],
            &["check"],
            &["check", "--json"],
            &["report"],
        ] {
            let ended = deck.run(args);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert_eq!(ended.code, Some(2), "{args:?}: {said}");
            assert!(said.contains("ARI_URL is"), "{args:?}: {said}");
            assert_ended_clean(&format!("{args:?} with {url}"), &ended);
        }
        assert_folder_clean(&deck);
    }
}

#[test]
fn the_check_shows_no_secret_whatever_it_finds() {
    for password in [CANARIES[0], "another password"] {
        let (asterisk, deck) = rig(password);
        for args in [&["check"][..], &["check", "--json"]] {
            let ended = deck.run(args);
            assert!(ended.stdout.contains("MYSQL_HOST"), "{}", ended.stdout);
            assert_ended_clean("the check", &ended);
        }
        drop(asterisk);
        let absent = deck.run(&["check", "--json"]);
        assert!(
            absent.stdout.contains("cannot be reached"),
            "{}",
            absent.stdout
        );
        assert_ended_clean("the check", &absent);
        assert_folder_clean(&deck);
    }
}

#[test]
fn an_attached_console_shows_its_token_to_nobody_but_the_engine() {
    let (_asterisk, mut deck) = rig(CANARIES[0]);
    let [_, token, ..] = CANARIES;
    deck.change("CONTROL_TOKEN", "the-token-of-the-engine");
    let engine = deck.spawn(&["--headless"]);
    let url = engine.api();
    // From here on the folder's `.env` has the other one.
    deck.change("CONTROL_TOKEN", token);
    let with_login = url.replace("http://", &format!("http://me:{token}@"));
    let asked = format!("{url}/?token={token}");
    let bare = with_login.replace("http://", "");
    for (url, said, code) in [
        (url.as_str(), "asks for a token, or for another", 1),
        ("http://127.0.0.1:1", "no engine is reached", 1),
        (&with_login, "the token belongs into CONTROL_TOKEN", 2),
        (&asked, "is no address of a control API", 2),
        (&bare, "is no address of a control API", 2),
    ] {
        let mut screen = deck.open(&["attach", url], 24, 160);
        screen.wait_for(said, SOON);
        assert_eq!(screen.wait(SOON), Some(code), "{said}");
        assert_screen_clean(said, &screen);
    }
    assert_folder_clean(&deck);
}

#[test]
fn neither_command_line_nor_environment_of_any_command_tell_a_secret() {
    let (_asterisk, deck) = rig(CANARIES[0]);
    let engine = deck.spawn(&["--headless"]);
    let url = engine.api();
    engine.wait_for("link.up", SOON);
    assert_pid_clean(engine.pid());
    let mut screen = deck.open(&["attach", &url], 24, 80);
    screen.wait_for("link up", SOON);
    assert_pid_clean(screen.pid());
    screen.keys("q");
    assert_eq!(screen.wait(SOON), Some(0));
    assert_screen_clean("the attached console", &screen);
}
