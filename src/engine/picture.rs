//! The picture that the engine publishes.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::{Engine, JournalView, LinkView, RecordingsView, Snapshot, Stop, Told};
use crate::ari::link::LinkStats;
use crate::campaign::{Campaign, Stats, Time};
use crate::config::Settings;
use crate::journal::Health;
use crate::mirror::{Mirror, MirrorState, MirrorView};

/// What every picture shows alike.
#[derive(Debug, Clone)]
pub(super) struct ShownSettings {
    /// What the runs belong to.
    pub(super) list: Arc<str>,
    pub(super) target: Arc<str>,
    /// Host and port of Asterisk.
    pub(super) asterisk: Arc<str>,
}

impl ShownSettings {
    pub(super) fn of(settings: &Settings) -> Self {
        let url = &settings.ari.url;
        // The login stands in settings of its own; what somebody put into the URL stays out.
        let host = url.host_str().unwrap_or_default();
        let asterisk = match url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Self {
            list: settings.list.to_string().into(),
            target: settings.call.target.endpoint.as_str().into(),
            asterisk: asterisk.into(),
        }
    }

    /// The picture before the first: nothing has been heard of anybody.
    pub(super) fn first_picture(&self, now: Time, campaign: &Campaign) -> Snapshot {
        Snapshot {
            at: now,
            run: campaign.run(),
            list: Arc::clone(&self.list),
            target: Arc::clone(&self.target),
            state: campaign.state().clone(),
            stopping: None,
            link: LinkView {
                asterisk: Arc::clone(&self.asterisk),
                down: Some((now, super::NOT_YET.to_owned())),
                last_heard: None,
                lost: 0,
                strangers: 0,
            },
            journal: JournalView::default(),
            recordings: RecordingsView::default(),
            mirror: MirrorView::default(),
            limit: campaign.limit(now),
            leads: campaign.leads().clone(),
            calls: Vec::new(),
            quality: Arc::default(),
            stats: Stats::default(),
            trends: Arc::default(),
            audit: Arc::from([]),
            streak: campaign.streak(),
            news_dropped: 0,
        }
    }
}

impl Engine {
    pub(super) fn publish(&mut self, now: Time) {
        if !self.pace.take(now) {
            return;
        }
        let snapshot = Snapshot {
            at: now,
            run: self.campaign.run(),
            list: Arc::clone(&self.shown.list),
            target: Arc::clone(&self.shown.target),
            state: self.campaign.state().clone(),
            stopping: self.stopping.as_ref().map(|stopping| Stop {
                by: stopping.by.clone(),
                hang_up_at: stopping.hang_up_at,
                hung_up: stopping.hung_up,
            }),
            link: self.link_view(now),
            journal: self.journal_view(),
            recordings: self.recordings_view(),
            mirror: self.mirror_view(),
            limit: self.campaign.limit(now),
            leads: self.campaign.leads().clone(),
            calls: self.campaign.calls().collect(),
            quality: self.sound.figures(),
            stats: self.campaign.stats().clone(),
            trends: self.meter.trends(now),
            audit: self.audit.entries(),
            streak: self.campaign.streak(),
            news_dropped: self.news_dropped,
        };
        // A picture is kept even while nobody looks.
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    fn link_view(&self, now: Time) -> LinkView {
        let link = &self.link_state;
        LinkView {
            asterisk: Arc::clone(&self.shown.asterisk),
            down: (!link.ready).then(|| (link.down_since, link.why.clone())),
            last_heard: last_heard(&self.link_stats, now),
            lost: link.lost,
            strangers: self.strangers.count,
        }
    }

    fn journal_view(&self) -> JournalView {
        let full = match self.writer.health() {
            Health::Well => None,
            Health::Unwell { since, why } => {
                let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
                Some((Time::default() + since, why))
            }
        };
        let waiting = self.writer.stats();
        JournalView {
            full,
            queued: waiting.queued + self.unwritten.len(),
            // What did not fit into the queue is younger than what is in it.
            oldest: waiting.oldest.map(|at| self.clock.at(at)),
        }
    }

    fn recordings_view(&self) -> RecordingsView {
        let waiting = self.jobs.len() + self.fetching;
        RecordingsView {
            saved: self.recordings_saved,
            waiting,
            // One that was given up at last leaves nothing that could be late.
            delayed: self.recordings_delayed.clone().filter(|_| waiting > 0),
        }
    }
}

impl Engine {
    fn mirror_view(&self) -> MirrorView {
        self.mirror.as_ref().map(Mirror::view).unwrap_or_default()
    }

    /// Tells people once what has become of the copy in MySQL.
    pub(super) fn hear_mirror(&mut self) {
        let view = self.mirror_view();
        let before = std::mem::replace(&mut self.mirror_told, view.state.clone());
        match (&view.state, &before) {
            (MirrorState::Away { why, .. }, MirrorState::Away { why: told, .. }) if why == told => {
            }
            (MirrorState::Away { why, .. }, _) => self.tell(Told::Warning(format!(
                "MySQL gets no rows, calls go on: {why}"
            ))),
            (MirrorState::Connected, MirrorState::Away { .. }) => {
                self.tell(Told::Info("MySQL gets rows again".to_owned()));
            }
            _ => {}
        }
    }
}

fn last_heard(stats: &LinkStats, now: Time) -> Option<Time> {
    let age = u64::try_from(stats.last_heard_age()?.as_micros()).ok()?;
    Some(Time(now.0.saturating_sub(age)))
}
