//! The last two lines: what was said last, and the keys that matter now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::model::{Model, Pane, Tone, View};
use super::super::text::{counted, fit, harmless};
use crate::campaign::{LeadId, LeadState, RunState};
use crate::keys::{Action, Group, binding};

pub(super) fn draw_message(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let theme = model.setup.theme;
    let (text, style) = match &model.message {
        Some(message) => {
            let style = match message.tone {
                Tone::Pending => theme.accent(),
                Tone::Done => theme.good(),
                Tone::Refused => theme.warn(),
            };
            (message.text.clone(), style)
        }
        None => (hint(model), theme.dim()),
    };
    // What the engine says may name a number too.
    let text = model.number(&harmless(&text));
    let text = fit(&text, area.width.into(), theme.ellipsis());
    frame.render_widget(Paragraph::new(Span::styled(text, style)), area);
}

/// What somebody who sees this for the first time needs next.
fn hint(model: &Model) -> String {
    let key = |action| model.setup.keys.name(action);
    let live = &model.live;
    if model.engine_ended.is_some() {
        return format!("{} leaves", key(Action::Quit));
    }
    if model.frozen.is_some() {
        return format!(
            "the display stands still, dialing does not; {} shows what is",
            key(Action::Freeze)
        );
    }
    if model.view == View::Panes && model.focus == Pane::Log {
        return format!(
            "{} scrolls back, {} follows the end, {} shows levels",
            key(Action::PageUp),
            key(Action::Autoscroll),
            key(Action::Zoom)
        );
    }
    if model.view == View::Trends {
        return format!("{} goes back", key(Action::Back));
    }
    if model.view != View::Panes {
        return format!(
            "arrows, {} and {} scroll, {} goes back",
            key(Action::PageUp),
            key(Action::PageDown),
            key(Action::Back)
        );
    }
    match &live.state {
        _ if model.setup.read_only => String::new(),
        RunState::Idle if live.leads.waiting() > 0 => {
            let waiting = counted(live.leads.waiting(), "number");
            format!("{} starts dialing: {waiting} waiting", key(Action::Start))
        }
        RunState::Paused(_) => format!("{} goes on dialing", key(Action::Start)),
        RunState::Done => format!(
            "everybody was called; {} begins a new run, {} quits",
            key(Action::NewRun),
            key(Action::Quit)
        ),
        RunState::Draining => "no new calls; the live ones come to their end".to_owned(),
        RunState::Idle | RunState::Dialing => format!(
            "arrows select, {} tells all, {} next pane, {} filters, {} trends, {} audit",
            key(Action::Detail),
            key(Action::NextPane),
            key(Action::Filter),
            key(Action::Trends),
            key(Action::Audit)
        ),
    }
}

pub(super) fn draw_keys(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let theme = model.setup.theme;
    let mut room = usize::from(area.width);
    let entries: Vec<(String, &str)> = actions(model)
        .into_iter()
        .map(|action| entry(model, action))
        .collect();
    let width = |(key, label): &(String, &str)| key.chars().count() + label.len() + 3;
    // The last ones, help and quit, stay on any screen.
    let (optional, fixed) = entries.split_at(entries.len().saturating_sub(2));
    room = room.saturating_sub(fixed.iter().map(width).sum());
    let mut shown: Vec<&(String, &str)> = Vec::new();
    for entry in optional {
        if width(entry) > room {
            break;
        }
        room -= width(entry);
        shown.push(entry);
    }
    let mut spans = Vec::new();
    for (key, label) in shown.into_iter().chain(fixed) {
        spans.push(Span::styled(key.clone(), theme.bold()));
        spans.push(Span::styled(format!(" {label}  "), Style::new()));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn entry(model: &Model, action: Action) -> (String, &'static str) {
    let keys = &model.setup.keys;
    let label = binding(action).label;
    if action == Action::MaxType {
        let (up, down) = (keys.name(Action::MaxUp), keys.name(Action::MaxDown));
        return (format!("{up}{down}{}", keys.name(action)), label);
    }
    (keys.name(action), label)
}

/// The keys worth a place now, the most wanted first; the last two always fit.
fn actions(model: &Model) -> Vec<Action> {
    let mut actions = match (&model.view, model.focus) {
        (View::Detail(lead, _), _) => about_lead(model, *lead),
        (View::Trends, _) => vec![Action::Back],
        (View::Audit | View::Help, _) => vec![Action::Back, Action::Down],
        (View::Panes, Pane::Queue) => with_run(
            model,
            &[
                Action::Detail,
                Action::Requeue,
                Action::Skip,
                Action::NextPane,
                Action::Filter,
                Action::SortNext,
            ],
        ),
        (View::Panes, Pane::Calls) => with_run(
            model,
            &[
                Action::HangUp,
                Action::Detail,
                Action::NextPane,
                Action::Filter,
                Action::Drain,
                Action::SortNext,
            ],
        ),
        (View::Panes, Pane::Log) => with_run(
            model,
            &[
                Action::Autoscroll,
                Action::NextPane,
                Action::PageUp,
                Action::Zoom,
                Action::Drain,
            ],
        ),
    };
    if model.view == View::Panes {
        actions.extend([Action::Freeze, Action::Trends, Action::Audit, Action::Zoom]);
    }
    let stopping = model.live.stopping.is_some();
    actions.retain(|action| match action {
        Action::Start | Action::Pause | Action::MaxType | Action::Drain => !stopping,
        Action::HangUp => model.live.limit.in_use > 0,
        _ => true,
    });
    if model.setup.read_only || model.engine_ended.is_some() {
        actions.retain(|action| binding(*action).group != Group::Campaign);
    }
    actions.extend([Action::Help, Action::Quit]);
    actions
}

/// What can be done about a lead as it stands.
fn about_lead(model: &Model, lead: LeadId) -> Vec<Action> {
    let does = match model.live.leads.row(lead).map(|row| row.state) {
        Some(LeadState::Calling(_)) => Some(Action::HangUp),
        Some(LeadState::Final(_)) => Some(Action::Requeue),
        Some(LeadState::Waiting) => Some(Action::Skip),
        None => None,
    };
    [Action::Back].into_iter().chain(does).collect()
}

/// First what makes the run go or stop.
fn with_run(model: &Model, rest: &[Action]) -> Vec<Action> {
    let first: &[Action] = match model.live.state {
        RunState::Idle | RunState::Paused(_) => &[Action::Start, Action::MaxType],
        RunState::Dialing => &[Action::Pause, Action::MaxType],
        RunState::Draining => &[Action::Start, Action::Pause],
        RunState::Done => &[Action::NewRun],
    };
    [first, rest].concat()
}
