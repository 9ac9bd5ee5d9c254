//! Which run an engine begins with.

use std::sync::Arc;

use super::{Options, StartError};
use crate::campaign::{
    CallSettings, Campaign, Command, Disposition, LeadRow, LeadState, Leads, Numbers, Orphan,
    Recorded, RunState, Time,
};
use crate::config::{OnInterrupted, Settings};
use crate::engine::{Clock, Told};
use crate::journal::{Journal, LeadStatus, Recovered, RecoveredRun, Unfinished};

/// Which run goes on, or begins, and in which state.
pub(super) fn choose_run(
    settings: &Settings,
    numbers: &Numbers,
    options: Options,
    clock: Clock,
    journal: &Journal,
    recovered: &Recovered,
    campaign: &mut Campaign,
) -> Result<Vec<Told>, StartError> {
    let list = settings.list.to_string();
    let mut told = Vec::new();
    let now = clock.now();
    match &recovered.run {
        None => campaign.open_run(now, &list, numbers),
        Some(run) if options.new_run && run.unfinished.is_empty() => {
            told.push(Told::Info(format!(
                "run {} ends; a new one begins",
                run.run
            )));
            campaign.restore(now, run.run, RunState::Idle, Leads::default(), Vec::new());
            campaign.open_run(now, &list, numbers);
        }
        Some(run) if options.new_run => {
            restore(settings, journal, now, run, campaign)?;
            campaign.one_lead_a_person(now);
            campaign.open_run_when_quiet(&list, numbers);
            told.push(Told::Info(format!(
                "a new run begins when {} calls of run {}, which an earlier process left, have \
                 ended",
                run.unfinished.len(),
                run.run
            )));
        }
        Some(run) if run.list != list => {
            return Err(StartError::OtherList {
                journal: settings.state_file.clone(),
                run: run.run,
                old: run.list.clone(),
                new: list,
            });
        }
        Some(run) => {
            restore(settings, journal, now, run, campaign)?;
            told.extend(respelt(campaign.one_lead_a_person(now)));
            let relisted = campaign.relist(now, numbers);
            told.push(Told::Info(format!(
                "run {} goes on: {} numbers joined, {} are no longer listed, {} wait",
                run.run,
                relisted.joined,
                relisted.skipped,
                campaign.leads().waiting()
            )));
        }
    }
    if options.start || settings.autostart {
        told.extend(begin(clock, campaign));
    }
    Ok(told)
}

/// `--start`: dials, but for a run that a person has paused.
fn begin(clock: Clock, campaign: &mut Campaign) -> Option<Told> {
    if let RunState::Paused(reason) = campaign.state()
        && !campaign.awaits_a_run()
    {
        return Some(Told::Warning(format!(
            "the run stays PAUSED ({reason}): --start does not resume it"
        )));
    }
    match campaign.command(clock.now(), &Command::Start) {
        Ok(_) => None,
        Err(why) => Some(Told::Info(format!("nothing is dialed: {why}"))),
    }
}

fn respelt(taken_off: usize) -> Option<Told> {
    (taken_off > 0).then(|| {
        Told::Info(format!(
            "{taken_off} waiting numbers are another's in the run but for a leading + or 00, \
             and were taken off: each person is called once"
        ))
    })
}

fn restore(
    settings: &Settings,
    journal: &Journal,
    now: Time,
    run: &RecoveredRun,
    campaign: &mut Campaign,
) -> Result<(), StartError> {
    let again = settings.on_interrupted == OnInterrupted::Retry;
    let mut leads = Leads::default();
    journal.for_each_lead(run.run, |known| {
        // The journal's leads come in the order of their ids, and no spelling twice.
        let Some(id) = leads.add_again(&known.number, now) else {
            return;
        };
        let state = match known.status {
            LeadStatus::Waiting => LeadState::Waiting,
            LeadStatus::Attempted(Disposition::Interrupted) if again => LeadState::Waiting,
            LeadStatus::Attempted(disposition) => LeadState::Final(disposition),
            LeadStatus::InFlight(attempt) => LeadState::Calling(attempt),
        };
        let row = LeadRow {
            state,
            attempts: u16::try_from(known.attempts).unwrap_or(u16::MAX),
            last: known.last,
            cause: known.cause,
        };
        leads.restore_row(id, row);
        if known.added {
            leads.note_added(id);
        }
        if known.unlisted {
            leads.unlist(id);
        }
    })?;
    campaign.restore(
        now,
        run.run,
        run.state.clone(),
        leads,
        orphans(&run.unfinished, settings),
    );
    campaign.restore_since(run.since);
    campaign.restore_streaks(&journal.latest_endings(run.run)?);
    Ok(())
}

/// The calls of a dead process count as begun by the settings of this one, but for the format of
/// a recording that goes on.
fn orphans(unfinished: &[Unfinished], settings: &Settings) -> Vec<Orphan> {
    let settings = Arc::new(settings.call.clone());
    unfinished
        .iter()
        .map(|u| Orphan {
            attempt: u.attempt,
            run: u.run,
            lead: u.lead,
            number: u.number.clone(),
            begun_at: u.begun_at,
            ringing_at: u.ringing_at,
            answered_at: u.answered_at,
            bridged_at: u.bridged_at,
            recorded: match &u.recording {
                Some(_) => Recorded::Begun,
                None if u.recording_over => Recorded::Over,
                None => Recorded::Nothing,
            },
            settings: match &u.recording {
                Some(recording) if recording.format != settings.recordings.format => {
                    let mut other = CallSettings::clone(&settings);
                    other.recordings.format.clone_from(&recording.format);
                    Arc::new(other)
                }
                _ => Arc::clone(&settings),
            },
        })
        .collect()
}
