//! From texts to typed settings. Every setting is looked at, whatever is wrong with the
//! others, so that all problems are told at once.

use std::path::Path;

use super::Reach;
use super::parse::{self, Parsed};
use super::problem::{Problem, Warning, shown};
use super::raw::Raw;
use super::region::Region;
use super::settings::{Ari, ControlSettings, ListSource, Log, Mysql, Settings};
use super::table::{self, Setting, Unset};
use crate::campaign::{CallSettings, PauseAfter, Recordings, Target};

/// Reads settings one by one and gathers what is wrong.
pub(super) struct Validator<'a> {
    raw: &'a Raw,
    /// Where relative paths begin.
    dir: &'a Path,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl<'a> Validator<'a> {
    pub(super) fn new(raw: &'a Raw, dir: &'a Path) -> Self {
        Self {
            raw,
            dir,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// All settings; `None` if there is any problem.
    pub(super) fn settings(&mut self) -> Option<Settings> {
        // First all of them, then the `?`s: an early end would leave problems untold.
        let ari = self.ari();
        let trunk = self.needed(&table::ARI_TRUNK, |t| parse::word(t, "_.-", 80));
        let region = self.optional(&table::DEFAULT_REGION, parse::region);
        let list = self.list(region);
        let call_timeout = self.needed(&table::CALL_TIMEOUT, |t| parse::seconds(t, 1..=600));
        let target_timeout = self.optional(&table::TARGET_TIMEOUT, |t| parse::seconds(t, 1..=600));
        let target = self.target(target_timeout.or(call_timeout));
        let max_cc = self.needed(&table::MAX_CC, parse::max_cc);
        let max_call = self.optional(&table::MAX_CALL_SECONDS, |t| parse::seconds(t, 1..=86_400));
        let refusals = self.needed(&table::PAUSE_AFTER_REFUSALS, |t| parse::whole(t, 0..=1000));
        let abandoned = self.needed(&table::PAUSE_AFTER_ABANDONED, |t| parse::whole(t, 0..=1000));
        let caller_id = self.optional(&table::CALLER_ID, parse::caller_id);
        let recordings = self.recordings();
        let dir = self.dir;
        let state_file = self.needed(&table::STATE_FILE, |t| parse::file_path(t, dir));
        let autostart = self.needed(&table::AUTOSTART, parse::yes_or_no);
        let start_again = self.needed(&table::START_AGAIN_AFTER, parse::after);
        let on_interrupted = self.needed(&table::ON_INTERRUPTED, parse::on_interrupted);
        let on_hangup = self.needed(&table::ON_HANGUP, parse::on_hangup);
        let drain = self.needed(&table::DRAIN_SECONDS, |t| parse::seconds(t, 0..=86_400));
        let give_up = self.needed(&table::GIVE_UP_SECONDS, |t| parse::seconds(t, 1..=86_400));
        let log_file = self.needed(&table::LOG_FILE, |t| parse::file_path(t, dir));
        let log = self.log();
        let keys = self.optional(&table::CONSOLE_KEYS, parse::keys);
        let control = self.control();
        let mysql = self.mysql();
        if !self.problems.is_empty() {
            return None;
        }
        Some(Settings {
            ari: ari?,
            list: list?,
            region,
            max_cc: max_cc?,
            pause_after: PauseAfter {
                refusals: refusals?,
                abandoned: abandoned?,
            },
            call: CallSettings {
                trunk: trunk?,
                caller_id,
                call_timeout: call_timeout?,
                target: target?,
                max_call,
                recordings: recordings?,
            },
            state_file: state_file?,
            autostart: autostart?,
            start_again_after: start_again?,
            on_interrupted: on_interrupted?,
            on_hangup: on_hangup?,
            drain: drain?,
            give_up: give_up?,
            log_file: log_file?,
            log: log?,
            keys: keys.unwrap_or_default(),
            control: control?,
            mysql,
        })
    }

    /// What a console needs to attach.
    pub(super) fn reach(&mut self) -> Option<Reach> {
        // The engine judges whether its address may go without a token.
        let addr = self.needed(&table::CONTROL_ADDR, parse::control_addr);
        let token = self.optional(&table::CONTROL_TOKEN, parse::token);
        let keys = self.optional(&table::CONSOLE_KEYS, parse::keys);
        Some(Reach {
            addr: addr?,
            token,
            keys: keys.unwrap_or_default(),
        })
    }

    fn ari(&mut self) -> Option<Ari> {
        let dir = self.dir;
        let url = self.needed(&table::ARI_URL, parse::ari_url);
        let username = self.needed(&table::ARI_USERNAME, parse::user);
        let password = self.needed(&table::ARI_PASSWORD, parse::password);
        let ca = self.optional(&table::ARI_CA_FILE, |t| parse::ca_file(t, dir));
        let app = self.needed(&table::STASIS_APP, |t| parse::word(t, "_.-", 80));
        let ari = Ari {
            url: url?,
            username: username?,
            password: password?,
            ca,
            app: app?,
        };
        if ari.password.expose() == table::PASSWORD_PLACEHOLDER
            && let Some(value) = self.raw.value(&table::ARI_PASSWORD)
        {
            let origin = value.origin;
            self.warnings.push(Warning::PlaceholderPassword { origin });
        }
        if ari.ca.is_some() && ari.url.scheme() == "http" {
            self.warnings.push(Warning::UnusedCaFile);
        }
        Some(ari)
    }

    fn list(&mut self, region: Option<Region>) -> Option<ListSource> {
        let dir = self.dir;
        let file = self.optional(&table::OUTBOUND_NUMBER_FILE, |t| parse::path(t, dir));
        let emergency = region.map(Region::emergency).unwrap_or_default();
        let number = self.optional(&table::OUTBOUND_NUMBER, |t| parse::number(t, emergency));
        let file_set = self.raw.is_set(&table::OUTBOUND_NUMBER_FILE);
        match (file_set, self.raw.is_set(&table::OUTBOUND_NUMBER)) {
            (true, true) => self.warnings.push(Warning::ListAndNumber),
            (false, false) => self.problems.push(Problem::NobodyToDial),
            _ => {}
        }
        file.map(ListSource::File).or(number.map(ListSource::One))
    }

    fn target(&mut self, timeout: Option<std::time::Duration>) -> Option<Target> {
        let given = self.optional(&table::TARGET_ENDPOINT, parse::endpoint);
        let extension = self.needed(&table::TARGET_EXTENSION, |t| parse::word(t, "_.-+*#", 80));
        let context = self.needed(&table::TARGET_CONTEXT, |t| parse::word(t, "_.-", 80));
        let staged = self.needed(&table::STAGE_TARGET, parse::yes_or_no);
        let moh_class = self.optional(&table::MOH_CLASS, |t| parse::word(t, "_.-", 80));
        let unset = |setting| !self.raw.is_set(setting);
        if unset(&table::TARGET_ENDPOINT) && unset(&table::TARGET_CONTEXT) {
            self.warnings.push(Warning::NoTargetContext);
        }
        let endpoint = match given {
            Some(endpoint) => endpoint,
            None => format!("Local/{}@{}", extension?, context?),
        };
        Some(Target {
            endpoint,
            timeout: timeout?,
            staged: staged?,
            moh_class,
        })
    }

    fn recordings(&mut self) -> Option<Recordings> {
        let dir = self.dir;
        let folder = self.needed(&table::RECORDINGS_DIR, |t| parse::path(t, dir));
        let format = self.needed(&table::RECORDING_FORMAT, |t| parse::word(t, "", 16));
        let keep = self.needed(&table::KEEP_ON_ASTERISK, parse::yes_or_no);
        Some(Recordings {
            dir: folder?,
            format: format?,
            keep_on_asterisk: keep?,
        })
    }

    fn log(&mut self) -> Option<Log> {
        let format = self.needed(&table::LOG_FORMAT, parse::log_format);
        let megabytes = self.needed(&table::LOG_MAX_MB, |t| parse::whole(t, 1..=10_000));
        let keep = self.needed(&table::LOG_KEEP, |t| parse::whole(t, 0..=100));
        Some(Log {
            format: format?,
            max_bytes: u64::from(megabytes?) * 1_000_000,
            keep: keep?,
        })
    }

    fn control(&mut self) -> Option<ControlSettings> {
        let addr = self.needed(&table::CONTROL_ADDR, parse::control_addr);
        let token = self.optional(&table::CONTROL_TOKEN, parse::token);
        let addr = addr?;
        // `::ffff:127.0.0.1` is loopback too.
        let loopback = addr.ip().to_canonical().is_loopback();
        if !loopback && !self.raw.is_set(&table::CONTROL_TOKEN) {
            self.problems.push(Problem::OpenControl { addr });
        }
        Some(ControlSettings { addr, token })
    }

    fn mysql(&mut self) -> Option<Mysql> {
        let host = self.optional(&table::MYSQL_HOST, parse::host);
        let port = self.needed(&table::MYSQL_PORT, parse::port);
        let user = self.optional(&table::MYSQL_USER, |t| parse::plain(t, 80));
        let password = self.optional(&table::MYSQL_PASSWORD, parse::password);
        let database = self.optional(&table::MYSQL_DATABASE, |t| parse::word(t, "_$-", 64));
        let table = self.needed(&table::MYSQL_TABLE, |t| parse::word(t, "_$", 64));
        self.warn_of_half_mysql();
        Some(Mysql {
            host: host?,
            port: port?,
            user: user?,
            password,
            database: database?,
            table: table?,
        })
    }

    /// Host, user and database switch it on together.
    fn warn_of_half_mysql(&mut self) {
        let names = |wanted: bool, of: &[&'static Setting]| -> Vec<_> {
            let wanted = of.iter().filter(|s| self.raw.is_set(s) == wanted);
            wanted.map(|s| s.name).collect()
        };
        let switches = [
            &table::MYSQL_HOST,
            &table::MYSQL_USER,
            &table::MYSQL_DATABASE,
        ];
        let others = [
            &table::MYSQL_PASSWORD,
            &table::MYSQL_PORT,
            &table::MYSQL_TABLE,
        ];
        let lacking = names(false, &switches);
        let mut set = names(true, &switches);
        set.extend(names(true, &others));
        if !set.is_empty() && !lacking.is_empty() {
            self.warnings.push(Warning::HalfMysql { set, lacking });
        }
    }

    /// A setting that always has a value: its own or its default. `None` after a problem.
    fn needed<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        if self.raw.is_set(setting) {
            return self.optional(setting, parse);
        }
        match setting.unset {
            Unset::Default(text) => parse(text).ok(),
            Unset::Required | Unset::Means(_) => {
                self.problems.push(Problem::Missing {
                    name: setting.name,
                    help: setting.help,
                    allowed: setting.allowed,
                });
                None
            }
        }
    }

    /// A setting that may be unset. `None` after a problem, too.
    fn optional<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let value = self.raw.value(setting)?;
        parse(&value.text)
            .map_err(|detail| {
                self.problems.push(Problem::Invalid {
                    name: setting.name,
                    shown: shown(setting, &value.text),
                    origin: value.origin,
                    // A detail may quote a character, which is too much of a secret.
                    detail: detail.filter(|_| !setting.secret),
                    allowed: setting.allowed,
                });
            })
            .ok()
    }
}
