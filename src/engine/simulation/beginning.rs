//! What a seed begins with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tempfile::TempDir;

use super::deck::world_time;
use super::laws::Notes;
use super::{Play, Sim, Tally, asterisk, tests};
use crate::campaign::{
    AsteriskIds, CallSettings, MaxCc, Number, Numbers, PauseAfter, Recordings, Target,
};
use crate::config::{self, ListSource, OnHangup, OnInterrupted, Secret, Settings};
use crate::journal::Disk;
use crate::simulator::{Scenario, World, WorldConfig};

/// The numbers of a list.
pub(super) fn numbers(count: u32) -> Numbers {
    let mut numbers = Numbers::default();
    for n in 0..count {
        let number = Number::parse(&format!("4930{:06}", n + 1)).expect("digits");
        numbers.push(&number).expect("no number twice");
    }
    numbers
}

fn scenario() -> Scenario {
    Scenario::parse(include_str!("scenario.json")).expect("a scenario")
}

fn settings(rng: &mut fastrand::Rng, dir: &TempDir, pause_after: PauseAfter) -> Settings {
    let target = Target {
        endpoint: "Local/777@default".to_owned(),
        timeout: Duration::from_secs(rng.u64(3..9)),
        staged: rng.u8(..4) > 0,
        moh_class: (rng.u8(..4) == 0).then(|| "default".to_owned()),
    };
    let max_cc = MaxCc::new(rng.u32(1..6)).expect("not 0");
    Settings {
        ari: config::Ari {
            url: "http://127.0.0.1:8088/".parse().expect("a URL"),
            username: "dialdeck".to_owned(),
            password: Secret::new("dialdeck"),
            ca: None,
            app: asterisk::APP.to_owned(),
        },
        list: ListSource::File("/lists/numbers.txt".into()),
        region: None,
        max_cc,
        call: CallSettings {
            trunk: "mytrunk".to_owned(),
            caller_id: None,
            target,
            call_timeout: Duration::from_secs(rng.u64(4..12)),
            max_call: (rng.u8(..4) == 0).then_some(Duration::from_secs(8)),
            recordings: Recordings {
                dir: "/recordings".into(),
                format: "wav".to_owned(),
                keep_on_asterisk: false,
            },
        },
        state_file: dir.path().join("dialdeck.db"),
        autostart: false,
        start_again_after: *rng
            .choice(&[
                None,
                Some(Duration::from_secs(20)),
                Some(Duration::from_secs(60)),
            ])
            .expect("some"),
        on_interrupted: if rng.u8(..4) == 0 {
            OnInterrupted::Retry
        } else {
            OnInterrupted::Skip
        },
        on_hangup: OnHangup::Continue,
        drain: Duration::from_secs(rng.u64(0..10)),
        give_up: Duration::from_secs(60),
        pause_after,
        log_file: dir.path().join("dialdeck.log"),
        log: config::Log::default(),
        keys: crate::keys::KeyMap::default(),
        control: config::ControlSettings {
            addr: ([127, 0, 0, 1], 0).into(),
            token: None,
        },
        mysql: None,
    }
}

impl Sim {
    pub(super) fn new(play: Play) -> Self {
        let mut rng = fastrand::Rng::with_seed(play.seed);
        let dir = tests::folder();
        let pause_after = match play.seed % 10 {
            4 if !play.lives => PauseAfter {
                refusals: 1,
                abandoned: 2,
            },
            _ => PauseAfter::NEVER,
        };
        let settings = settings(&mut rng, &dir, pause_after);
        tests::lay_down_journal(&settings.state_file);
        let config = WorldConfig {
            scenario: scenario(),
            seed: play.seed,
            speed: 1.0,
            trunk: settings.call.trunk.clone(),
        };
        let uptime = Duration::from_secs(10);
        Self {
            world: World::new(config, world_time(uptime)),
            ids: AsteriskIds::new(tests::TOKEN),
            uptime,
            wall_off: 0,
            agenda: BTreeMap::new(),
            serial: 0,
            settings,
            numbers: numbers(play.leads),
            adding: Vec::new(),
            adds: play.seed % 4 == 3,
            keeps: play.seed % 3 == 2,
            leads: play.leads,
            deck: None,
            process: 0,
            stalled: false,
            told_to_restart: false,
            last_event: Duration::ZERO,
            rest_back_at: Duration::ZERO,
            mishaps: *rng.choice(&[0, 10, 40, 120]).expect("some"),
            disk: Disk::Well,
            folder_full: false,
            writing: false,
            calm_from: uptime + play.trouble,
            lives: play.lives,
            sizes: Vec::new(),
            orphans: BTreeSet::new(),
            notes: Notes::default(),
            tally: Tally::default(),
            steps: 0,
            steps_at: (uptime, 0),
            trace: play.traced.then(Vec::new),
            _dir: dir,
            rng,
        }
    }
}
