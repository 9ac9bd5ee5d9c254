//! The settings as a whole: what loads, what is refused with which sentence, what is
//! warned of.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

use dialdeck::campaign::CallerId;
use dialdeck::config::{
    self, ListSource, Loaded, Log, LogFormat, OnHangup, OnInterrupted, Problems, SETTINGS, Unset,
    Warning,
};
use dialdeck::keys::KeyMap;

/// The least that loads without a warning.
const LEAST: &str = "ARI_URL=http://127.0.0.1:8088\nARI_USERNAME=dialdeck\n\
    ARI_PASSWORD=p$ecret#1 # not here\nARI_TRUNK=trunk\nOUTBOUND_NUMBER=79991234567\nTARGET_CONTEXT=default\n";

fn load_bytes(env_file: Option<&[u8]>, environment: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    if let Some(bytes) = env_file {
        fs::write(dir.path().join(".env"), bytes).expect("writable");
    }
    let environment = environment.iter().map(|(n, v)| (n.into(), v.into()));
    config::load(dir.path(), environment)
}

fn load(env_file: &str) -> Result<Loaded, Problems> {
    load_bytes(Some(env_file.as_bytes()), &[])
}

fn least_and(more: &str) -> Result<Loaded, Problems> {
    load(&format!("{LEAST}{more}"))
}

fn loaded(more: &str) -> Loaded {
    least_and(more).expect("these settings are right")
}

fn problems(more: &str) -> Vec<String> {
    let problems = least_and(more).expect_err("something is wrong");
    problems.0.iter().map(ToString::to_string).collect()
}

fn warnings(more: &str) -> Vec<String> {
    let without_hash = |w: &&Warning| !matches!(w, Warning::HashInValue { .. });
    let loaded = loaded(more);
    let told = loaded.warnings.iter().filter(without_hash);
    told.map(ToString::to_string).collect()
}

#[test]
fn the_least_loads_with_the_defaults_of_the_contract() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join(".env"), LEAST).expect("writable");
    let s = config::load(dir.path(), std::iter::empty())
        .expect("the least")
        .settings;
    assert_eq!(s.ari.url.as_str(), "http://127.0.0.1:8088/");
    assert_eq!(s.ari.password.expose(), "p$ecret#1");
    assert_eq!(s.ari.app, "outbound_dialer");
    assert_eq!(s.list.to_string(), "79991234567");
    assert_eq!(s.call.target.endpoint, "Local/777@default");
    assert_eq!(s.call.target.timeout, Duration::from_secs(30));
    assert!(s.call.target.staged);
    assert_eq!(s.call.target.moh_class, None);
    assert_eq!(s.max_cc.calls(), 1);
    assert_eq!(s.call.call_timeout, Duration::from_secs(30));
    assert_eq!(s.call.max_call, None);
    assert_eq!(s.call.caller_id, None);
    assert_eq!(s.call.recordings.dir, dir.path().join("recordings"));
    assert_eq!(s.call.recordings.format, "wav");
    assert!(!s.call.recordings.keep_on_asterisk && !s.autostart);
    assert_eq!(s.state_file, dir.path().join("dialdeck.db"));
    assert_eq!(s.rejects_file(), dir.path().join("dialdeck.rejected.txt"));
    assert_eq!(s.on_interrupted, OnInterrupted::Skip);
    assert_eq!(s.on_hangup, OnHangup::Continue);
    assert_eq!(s.drain, Duration::from_secs(60));
    assert_eq!(s.give_up, Duration::from_secs(60));
    assert_eq!(s.control.addr.to_string(), "127.0.0.1:3000");
    assert_eq!(s.control.token, None);
    assert_eq!(s.mysql, None);
    assert_eq!(s.log_file, dir.path().join("dialdeck.log"));
    assert_eq!(s.log, Log::default());
    assert_eq!(s.keys, KeyMap::default());
}

#[test]
fn every_setting_arrives() {
    let s = loaded(
        "ARI_URL=https://pbx.example:8089/pbx/ari/\nSTASIS_APP=app-1\nTARGET_ENDPOINT=PJSIP/100\n\
         TARGET_TIMEOUT=7\nSTAGE_TARGET=no\nMOH_CLASS=jazz\nMAX_CC=50\nCALL_TIMEOUT=20\n\
         MAX_CALL_SECONDS=5\nPAUSE_AFTER_REFUSALS=0\nPAUSE_AFTER_ABANDONED=1000\nCALLER_ID=Sales Team <1001>\nRECORDINGS_DIR=/rec\n\
         RECORDING_FORMAT=ulaw\nKEEP_ON_ASTERISK=yes\nSTATE_FILE=data/tuesday.db\nAUTOSTART=yes\n\
         DEFAULT_REGION=de\nSTART_AGAIN_AFTER=90m\n\
         ON_INTERRUPTED=retry\nON_HANGUP=drain\nDRAIN_SECONDS=0\nGIVE_UP_SECONDS=5\nLOG_FILE=log/d.log\nLOG_FORMAT=json\nLOG_MAX_MB=3\nLOG_KEEP=0\nCONSOLE_KEYS=pause=F5,start=space\n\
         CONTROL_ADDR=0.0.0.0:3001\nCONTROL_TOKEN=0123456789abcdef\nMYSQL_HOST=db\n\
         MYSQL_PORT=3307\nMYSQL_USER=u\nMYSQL_PASSWORD=\"p w\"\nMYSQL_DATABASE=calls\nMYSQL_TABLE=legs\n",
    )
    .settings;
    assert_eq!(s.ari.url.as_str(), "https://pbx.example:8089/pbx/");
    let channels = s.ari.url.join("ari/channels").expect("a base");
    assert_eq!(channels.path(), "/pbx/ari/channels");
    assert_eq!(s.ari.app, "app-1");
    assert_eq!(s.call.target.endpoint, "PJSIP/100");
    assert_eq!((s.pause_after.refusals, s.pause_after.abandoned), (0, 1000));
    assert_eq!(s.call.target.timeout, Duration::from_secs(7));
    assert!(!s.call.target.staged);
    assert_eq!(s.call.target.moh_class.as_deref(), Some("jazz"));
    assert_eq!(s.max_cc.calls(), 50);
    assert_eq!(s.call.call_timeout, Duration::from_secs(20));
    assert_eq!(s.call.max_call, Some(Duration::from_secs(5)));
    let shown = CallerId::Shown("Sales Team <1001>".to_owned());
    assert_eq!(s.call.caller_id, Some(shown));
    assert_eq!(
        s.region.map(|region| region.to_string()).as_deref(),
        Some("DE")
    );
    assert_eq!(s.start_again_after, Some(Duration::from_secs(90 * 60)));
    assert!(s.emergency().has("110") && s.emergency().has("112"));
    assert_eq!(s.call.recordings.dir, Path::new("/rec"));
    assert_eq!(s.call.recordings.format, "ulaw");
    assert!(s.call.recordings.keep_on_asterisk && s.autostart);
    assert!(s.state_file.is_absolute() && s.state_file.ends_with("data/tuesday.db"));
    assert!(s.rejects_file().ends_with("data/tuesday.rejected.txt"));
    assert_eq!(s.on_interrupted, OnInterrupted::Retry);
    assert_eq!(s.on_hangup, OnHangup::Drain);
    assert_eq!(s.drain, Duration::ZERO);
    assert_eq!(s.give_up, Duration::from_secs(5));
    assert_eq!(s.control.addr.to_string(), "0.0.0.0:3001");
    assert!(s.log_file.ends_with("log/d.log"));
    let log = Log {
        format: LogFormat::Json,
        max_bytes: 3_000_000,
        keep: 0,
    };
    assert_eq!(s.log, log);
    assert_eq!(Ok(s.keys), KeyMap::with("start=space,pause=F5"));
    let token = s.control.token.expect("given");
    assert_eq!(token.expose(), "0123456789abcdef");
    let mysql = s.mysql.expect("switched on");
    assert_eq!(
        (mysql.host.as_str(), mysql.port, mysql.user.as_str()),
        ("db", 3307, "u")
    );
    assert_eq!(mysql.password.expect("given").expose(), "p w");
    assert_eq!(
        (mysql.database.as_str(), mysql.table.as_str()),
        ("calls", "legs")
    );
}

#[test]
fn allowed_values_are_taken() {
    for line in [
        "ARI_URL=http://[::1]:8088/ari",
        "TARGET_ENDPOINT=Local/777@default/n",
        "TARGET_ENDPOINT=PJSIP/trunk/sip:100@127.0.0.1;transport=tcp",
        "TARGET_EXTENSION=*777#",
        "CALLER_ID=+12025550100",
        "CALLER_ID='\"Sales, Team\" <1001>'",
        "CALLER_ID=Отдел продаж <1001>",
        "CALLER_ID=O'Brien",
        "CALLER_ID=anonymous",
        "DEFAULT_REGION=ru",
        "START_AGAIN_AFTER=30m",
        "START_AGAIN_AFTER=366d",
        "OUTBOUND_NUMBER=#31#+79991234567",
        "CALL_TIMEOUT=600",
        "MAX_CC=10000",
        "CONTROL_ADDR=[::ffff:127.0.0.1]:3000",
        "CONTROL_ADDR=127.0.0.1:0",
        "OUTBOUND_NUMBER=*67#79991234567",
    ] {
        least_and(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
}

#[test]
fn each_bad_value_is_refused_by_name_value_line_and_what_is_allowed() {
    let cases = [
        ("ARI_URL", "ws://h", "it must be http://HOST:PORT"),
        ("ARI_URL", "nonsense", "no URL"),
        ("ARI_URL", "http://", "no URL"),
        ("ARI_URL", "http://h/?a=b", "query"),
        ("ARI_URL", "http://h:0", "port 0"),
        ("ARI_USERNAME", "a:b", "colon"),
        ("ARI_TRUNK", "trunk/x", "'/' is not allowed"),
        ("ARI_TRUNK", "a b", "PJSIP endpoint"),
        ("ARI_CA_FILE", "nowhere.pem", "can't be read"),
        ("STASIS_APP", "a,b", "',' is not allowed"),
        ("OUTBOUND_NUMBER", "7999&PJSIP", "'&' is not allowed"),
        ("OUTBOUND_NUMBER", "+", "no digit"),
        ("OUTBOUND_NUMBER", "7999+7999", "a + stands within it"),
        ("OUTBOUND_NUMBER", "112", "emergency number"),
        ("DEFAULT_REGION", "RUS", "ISO 3166-1"),
        ("START_AGAIN_AFTER", "6", "or never"),
        ("START_AGAIN_AFTER", "367d", "at most 366d"),
        ("START_AGAIN_AFTER", "h", "6h"),
        ("TARGET_ENDPOINT", "777@default", "it has no /"),
        ("TARGET_ENDPOINT", "PJSIP/1&PJSIP/2", "several"),
        ("TARGET_ENDPOINT", "Local/777", "Local/EXTENSION@CONTEXT"),
        ("TARGET_ENDPOINT", "P SIP/1", "one endpoint"),
        ("TARGET_EXTENSION", "7@7", "'@' is not allowed"),
        ("TARGET_CONTEXT", "a&b", "'&' is not allowed"),
        ("TARGET_TIMEOUT", "0", "from 1 to 600"),
        ("STAGE_TARGET", "maybe", "yes or no"),
        ("MOH_CLASS", "a/b", "musiconhold.conf"),
        ("MAX_CC", "0", "from 1 to 10000"),
        ("MAX_CC", "+5", "from 1 to 10000"),
        ("MAX_CC", "99999999999999999999", "from 1 to 10000"),
        ("CALL_TIMEOUT", "30s", "from 1 to 600"),
        ("CALL_TIMEOUT", "601", "from 1 to 600"),
        ("MAX_CALL_SECONDS", "-1", "from 1 to 86400"),
        ("CALLER_ID", "A <B", "is not allowed in the name"),
        ("CALLER_ID", "A>", "its > has no <"),
        ("CALLER_ID", "A <1;2>", "no number"),
        ("CALLER_ID", "a\u{202e}b", "invisible or control character"),
        ("RECORDING_FORMAT", "../x", "'.' is not allowed"),
        ("KEEP_ON_ASTERISK", "true", "yes or no"),
        ("STATE_FILE", "data/", "names a folder"),
        ("STATE_FILE", "..", "path of a file"),
        ("CONSOLE_KEYS", "pause=x", "both pause and hang-up"),
        ("CONSOLE_KEYS", "paws=x", "no name of a key"),
        ("LOG_FILE", "logs/", "names a folder"),
        ("LOG_FORMAT", "xml", "human or json"),
        ("LOG_MAX_MB", "0", "from 1 to 10000"),
        ("LOG_KEEP", "-1", "from 0 to 100"),
        ("AUTOSTART", "1", "yes or no"),
        ("ON_INTERRUPTED", "again", "skip or retry"),
        ("ON_HANGUP", "stop", "continue or drain"),
        ("DRAIN_SECONDS", "1e3", "from 0 to 86400"),
        ("GIVE_UP_SECONDS", "0", "from 1 to 86400"),
        ("PAUSE_AFTER_REFUSALS", "1001", "from 0 to 1000"),
        ("PAUSE_AFTER_ABANDONED", "-1", "from 0 to 1000"),
        ("CONTROL_ADDR", "localhost", "an IP address and port"),
        ("MYSQL_HOST", "a b", "a host name"),
        ("MYSQL_PORT", "65536", "from 1 to 65535"),
        ("MYSQL_DATABASE", "a`b", "'`' is not allowed"),
        ("MYSQL_TABLE", "legs;--", "';' is not allowed"),
    ];
    for (name, value, told) in cases {
        let problems = problems(&format!("{name}={value}\n"));
        assert_eq!(problems.len(), 1, "{name}={value}: {problems:?}");
        let problem = &problems[0];
        assert!(problem.starts_with(&format!("{name} is \"")), "{problem}");
        assert!(problem.contains("(.env line 7)"), "{problem}");
        assert!(problem.contains(told), "{told}: {problem}");
        assert!(problem.ends_with('.'), "{problem}");
    }
}

#[test]
fn a_shown_value_is_escaped_and_cut() {
    let problem = &problems(&format!("MAX_CC=\"\u{1b}[2J{}\"\n", "9".repeat(5000)))[0];
    assert!(problem.contains(r"\u{1b}[2J999"), "{problem}");
    assert!(problem.len() < 200, "{problem}");
}

#[test]
fn all_problems_are_told_at_once() {
    let problems =
        problems("ARI_URL=x\nMAX_CC=0\nMYSQL_PORT=0\nCONTROL_TOKEN=short\nTARGET_TIMEOUT=x\n");
    let names: Vec<_> = problems.iter().map(|p| p.split(' ').next()).collect();
    let wanted = [
        "ARI_URL",
        "TARGET_TIMEOUT",
        "MAX_CC",
        "CONTROL_TOKEN",
        "MYSQL_PORT",
    ];
    assert_eq!(names, wanted.map(Some));
}

#[test]
fn no_secret_is_ever_shown() {
    let bad = format!(
        "ARI_URL=http://me:hunter2@host/\nARI_PASSWORD=\"hunter2\u{7}\"\nCONTROL_TOKEN=hunter2\n\
         MYSQL_PASSWORD=\"hunter2{}\"\nARI_PASWORD=hunter2\n",
        "2".repeat(300)
    );
    let error = least_and(&bad).expect_err("four problems");
    assert_eq!(
        error.0.len(),
        5,
        "and the misspelt name beside them: {error}"
    );
    for url in [
        "http:/me:hunter2@h",
        "http:me:hunter2@h",
        "//hunter2@",
        "http://h@/hunter2:@x",
    ] {
        let told = problems(&format!("ARI_URL={url}\n"));
        assert!(!told[0].contains("hunter2"), "{told:?}");
    }
    let good = loaded(
        "ARI_PASSWORD=hunter2\nCONTROL_TOKEN=hunter2hunter2hunter2\nMYSQL_HOST=h\nMYSQL_USER=u\n\
         MYSQL_DATABASE=d\nMYSQL_PASSWORD=hunter2\nARI_PASWORD=hunter2\nhunter2\n",
    );
    let told: Vec<_> = good.warnings.iter().map(ToString::to_string).collect();
    for text in [
        error.to_string(),
        format!("{error:?}"),
        format!("{good:?}"),
        told.join("\n"),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn without_a_file_it_says_where_one_belongs_and_what_is_missing() {
    let error = load_bytes(None, &[]).expect_err("nothing is set");
    let told = error.to_string();
    assert!(told.starts_with("There is no /"), "{told}");
    for part in [
        "/.env: copy .env.example",
        "ARI_URL is not set",
        "ARI_USERNAME is not set",
        "ARI_PASSWORD is not set",
        "ARI_TRUNK is not set",
        "There is nobody to dial: set OUTBOUND_NUMBER_FILE",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(told.lines().count(), 6, "one a line");
}

#[test]
fn the_environment_alone_is_enough() {
    let environment = [
        ("ARI_URL", "http://h"),
        ("ARI_USERNAME", "u"),
        ("ARI_PASSWORD", "p#x $y"),
        ("ARI_TRUNK", "t"),
        ("OUTBOUND_NUMBER", "1"),
        ("TARGET_CONTEXT", "default"),
        ("PATH", "/bin"),
    ];
    let loaded = load_bytes(None, &environment).expect("all is set");
    assert_eq!(loaded.settings.ari.password.expose(), "p#x $y");
    assert_eq!(loaded.warnings, []);
}

#[test]
fn the_file_wins_over_the_environment() {
    let environment = [
        ("MAX_CC", "7"),
        ("STASIS_APP", "other"),
        ("CALL_TIMEOUT", "9"),
    ];
    let file = format!("{LEAST}MAX_CC=3\nSTASIS_APP=\n");
    let s = load_bytes(Some(file.as_bytes()), &environment)
        .expect("right")
        .settings;
    assert_eq!(s.max_cc.calls(), 3);
    assert_eq!(s.ari.app, "outbound_dialer", "empty in the file is unset");
    assert_eq!(s.call.call_timeout, Duration::from_secs(9));
}

#[test]
fn a_bad_value_of_the_environment_is_told_as_such() {
    let error = load_bytes(Some(LEAST.as_bytes()), &[("MAX_CC", "x")]).expect_err("bad");
    assert!(
        error.to_string().contains("MAX_CC is \"x\" (environment)"),
        "{error}"
    );
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join(".env"), LEAST).expect("writable");
    let bytes = OsString::from_vec(b"a\xffb".to_vec());
    let environment = [("CALLER_ID".into(), bytes.clone()), (bytes.clone(), bytes)];
    let error = config::load(dir.path(), environment.into_iter()).expect_err("not UTF-8");
    assert_eq!(error.0.len(), 1, "{error}");
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_the_only_problem() {
    let latin1 = b"# K\xf6ln\r\nARI_URL=http://h\r\n";
    let huge = vec![b'\n'; 300 * 1024];
    for (bytes, told) in [
        (&latin1[..], "/.env can't be read: line 1 is not UTF-8"),
        (&huge, "/.env can't be read: it is larger than 256 KiB"),
    ] {
        let error = load_bytes(Some(bytes), &[]).expect_err("unreadable");
        assert_eq!(error.0.len(), 1, "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(dir.path().join(".env")).expect("writable");
    let error = config::load(dir.path(), std::iter::empty()).expect_err("a folder");
    assert!(error.to_string().contains("directory"), "{error}");
}

#[test]
fn the_list_wins_over_the_number_with_a_warning() {
    let both = loaded("OUTBOUND_NUMBER_FILE=lists/a.txt\n");
    assert!(matches!(&both.settings.list, ListSource::File(p)
        if p.is_absolute() && p.ends_with("lists/a.txt")));
    assert!(both.warnings.contains(&Warning::ListAndNumber));
    let neither = problems("OUTBOUND_NUMBER=\n");
    assert!(
        neither[0].starts_with("There is nobody to dial"),
        "{neither:?}"
    );
}

#[test]
fn an_open_control_api_needs_a_token() {
    for addr in ["0.0.0.0:3000", "192.0.2.1:80", "[::]:3000"] {
        let problems = problems(&format!("CONTROL_ADDR={addr}\n"));
        assert!(
            problems[0].contains("set it, or listen on 127.0.0.1"),
            "{problems:?}"
        );
        loaded(&format!(
            "CONTROL_ADDR={addr}\nCONTROL_TOKEN=0123456789abcdef\n"
        ));
    }
    loaded("CONTROL_ADDR=[::1]:3000\n");
}

#[test]
fn half_a_mysql_configuration_is_a_warning_and_no_mysql() {
    let half = loaded("MYSQL_HOST=db\nMYSQL_PASSWORD=x\n");
    assert_eq!(half.settings.mysql, None);
    let told = warnings("MYSQL_HOST=db\nMYSQL_PASSWORD=x\n");
    assert_eq!(
        told,
        ["MySQL is off: set MYSQL_USER, MYSQL_DATABASE too, or remove MYSQL_HOST, MYSQL_PASSWORD."]
    );
}

#[test]
fn a_missing_target_context_is_a_warning_unless_the_endpoint_is_given() {
    let told = warnings("TARGET_CONTEXT=\n");
    let of_context = |w: &String| w.starts_with("TARGET_CONTEXT is not set");
    assert!(told.iter().any(of_context), "{told:?}");
    let told = warnings("TARGET_CONTEXT=\nTARGET_ENDPOINT=PJSIP/100\n");
    assert!(!told.iter().any(of_context), "{told:?}");
}

#[test]
fn doubtful_lines_are_warned_of() {
    let told = warnings("MAX_CCC=5\nNODE_ENV=x\nwhat is this\nMAX_CC=2\nMAX_CC=3\nMAX-CC=4\n");
    assert_eq!(
        told,
        [
            "MAX_CCC (.env line 7) is not a setting; did you mean MAX_CC?",
            ".env line 9 is ignored: it is neither NAME=value nor a comment.",
            "MAX-CC (.env line 12) is not a setting; did you mean MAX_CC?",
            "MAX_CC stands in .env lines 10 and 11: the last one counts.",
        ]
    );
}

#[test]
fn a_hash_in_a_value_is_warned_of() {
    let loaded = loaded("");
    let [warning] = &loaded.warnings[..] else {
        panic!("{:?}", loaded.warnings)
    };
    let told = warning.to_string();
    assert!(
        told.starts_with("ARI_PASSWORD (.env line 3) holds a #"),
        "{told}"
    );
}

#[test]
fn the_ca_file_must_hold_certificates() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str, pem: &str| {
        fs::write(dir.path().join(name), pem).expect("writable");
        let env = format!("{LEAST}ARI_URL=https://h\nARI_CA_FILE={name}\n");
        fs::write(dir.path().join(".env"), env).expect("writable");
        config::load(dir.path(), std::iter::empty())
    };
    let told = |loaded: Result<Loaded, Problems>| loaded.expect_err("no certificate").to_string();
    assert!(told(at("text.pem", "hello")).contains("no certificate in it"));
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(told(at("damaged.pem", damaged)).contains("damaged"));
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    assert!(told(at("cut.pem", cut)).contains("damaged"));
    let good = include_str!("fixtures/ca.pem");
    let ca = at("good.pem", good).expect("a certificate").settings.ari.ca;
    let ca = ca.expect("given");
    assert_eq!(ca.certificates.len(), 1);
    assert_eq!(ca.path, dir.path().join("good.pem"));
}

#[test]
fn every_default_is_allowed() {
    // The least sets no setting that has a default, except TARGET_CONTEXT.
    let defaults: String = SETTINGS
        .iter()
        .filter_map(|s| match s.unset {
            Unset::Default(value) => Some(format!("{}={value}\n", s.name)),
            _ => None,
        })
        .collect();
    let (set, unset) = (loaded(&defaults).settings, loaded("").settings);
    assert_eq!(set.ari, unset.ari);
    assert_eq!(set.call.target, unset.call.target);
    assert_eq!(set.control, unset.control);
}

#[test]
fn a_misspelt_name_is_told_beside_the_missing_one() {
    let env_file = LEAST.replace("ARI_TRUNK", "ARI_TRUNC");
    let text = load(&env_file).expect_err("no trunk").to_string();
    assert!(text.contains("ARI_TRUNK is not set"), "{text}");
    assert!(text.contains("did you mean ARI_TRUNK?"), "{text}");
}
