//! What events do to the model, and what they make the console ask of the outside.
//!
//! Pure: no clock, no terminal, no engine. Every command leaves through [`Ask::Give`].

use std::sync::Arc;

use super::model::{MaxCcAsked, Model, Pane, Tone, View};
use super::popup::{MOST_CALLS, Popup, Prompt, Purpose, Question};
use super::{commands, moving};
use crate::campaign::{self, LeadId, Outcome, Time};
use crate::control::{Away, Command};
use crate::engine::{Detail, Snapshot};
use crate::keys::{Action, Group, Key, KeyCode, binding};

/// Something that happened.
#[derive(Debug)]
pub(crate) enum ConsoleEvent {
    Key(Key),
    /// Text that was pasted, or came too fast to be typed.
    Paste(String),
    Resize(u16, u16),
    Picture(Arc<Snapshot>),
    Tick(Time),
    /// What came of a command.
    Outcome(Command, Outcome),
    Detail(LeadId, Option<Box<Detail>>),
    /// The engine has died, and why.
    EngineEnded(String),
    /// The engine is in another process: whether it is reached.
    Away(Option<Away>),
}

/// What the console wants of the outside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ask {
    Give(Command),
    Detail(LeadId),
    Redraw,
    Suspend,
    /// Leave; nothing lives.
    Leave,
}

/// How long a message stays.
const MESSAGE_SECONDS: u64 = 8;

/// Takes in an event.
pub(crate) fn update(model: &mut Model, event: ConsoleEvent) -> Vec<Ask> {
    match event {
        ConsoleEvent::Key(pressed) => key(model, pressed),
        ConsoleEvent::Paste(text) => paste(model, &text),
        ConsoleEvent::Resize(columns, rows) => {
            model.size = (columns, rows);
            Vec::new()
        }
        ConsoleEvent::Picture(picture) => {
            if picture.run != model.live.run {
                leave_the_run(model);
            }
            if let Some(MaxCcAsked::Answered(_, at)) = model.max_cc
                && picture.at > at
            {
                model.max_cc = None;
            }
            let stops = model.live.stopping.is_none() && picture.stopping.is_some();
            model.live = picture;
            if model.frozen.is_none() {
                model.refresh();
            }
            commands::renew_question(model, stops);
            wants_detail(model)
        }
        ConsoleEvent::Tick(now) => {
            model.now = now;
            let old = |at: Time| now.since(at).as_secs() >= MESSAGE_SECONDS;
            if model.message.as_ref().is_some_and(|m| old(m.at)) {
                model.message = None;
            }
            if model.queue.has_sorted() {
                model.rebuild(Pane::Queue);
            }
            wants_detail(model)
        }
        ConsoleEvent::Outcome(command, outcome) => {
            answered(model, &command, outcome);
            Vec::new()
        }
        ConsoleEvent::Detail(lead, detail) => {
            // While the display stands still, one that has just been opened still fills.
            if let View::Detail(shown, slot) = &mut model.view
                && *shown == lead
                && (model.frozen.is_none() || slot.is_none())
                && detail.is_some()
            {
                *slot = detail;
            }
            Vec::new()
        }
        ConsoleEvent::EngineEnded(why) => {
            model.engine_ended = Some(why);
            Vec::new()
        }
        ConsoleEvent::Away(away) => {
            model.away = away;
            Vec::new()
        }
    }
}

/// A new run has begun, and its leads have other ids: what is open about one of the run
/// before must not become about somebody else.
fn leave_the_run(model: &mut Model) {
    let about_the_run = match &model.popup {
        Some(Popup::Question(question)) => question
            .choices
            .iter()
            .any(|choice| !matches!(choice.does, None | Some(Command::Quit | Command::QuitNow))),
        _ => false,
    };
    if about_the_run {
        model.popup = None;
    }
    if matches!(model.view, View::Detail(..)) {
        model.view = View::Panes;
    }
    model.calls.selected = None;
    model.queue.selected = None;
    model.frozen = None;
}

/// An open detail follows what happens.
fn wants_detail(model: &Model) -> Vec<Ask> {
    match model.view {
        View::Detail(lead, _) if model.frozen.is_none() => vec![Ask::Detail(lead)],
        _ => Vec::new(),
    }
}

fn answered(model: &mut Model, command: &Command, outcome: Outcome) {
    model.pending = model.pending.saturating_sub(1);
    let asked = match (command, model.max_cc) {
        (Command::Campaign(campaign::Command::SetMaxCc(to)), Some(MaxCcAsked::Sent(last))) => {
            (to.calls() == last as usize).then_some(last)
        }
        _ => None,
    };
    if let Some(last) = asked {
        model.max_cc = outcome
            .is_ok()
            .then_some(MaxCcAsked::Answered(last, model.now));
    }
    match outcome {
        Ok(text) => model.say(Tone::Done, text),
        Err(text) => model.say(
            Tone::Refused,
            format!("{}: {text}", commands::name(model, command)),
        ),
    }
}

fn paste(model: &mut Model, text: &str) -> Vec<Ask> {
    if let Some(Popup::Prompt(prompt)) = &mut model.popup {
        prompt.insert(text);
        typed(model);
    } else {
        let n = text.chars().count();
        model.say(
            Tone::Refused,
            format!("pasted text is no command: {n} characters were ignored"),
        );
    }
    Vec::new()
}

fn key(model: &mut Model, key: Key) -> Vec<Ask> {
    let action = model.setup.keys.action(key);
    let typing = matches!(model.popup, Some(Popup::Prompt(_))) && key.is_text();
    if action == Some(Action::Redraw) && !typing {
        return vec![Ask::Redraw];
    }
    match &mut model.popup {
        Some(Popup::Question(_)) => return answer(model, key),
        Some(Popup::Prompt(_)) => return prompt_key(model, key),
        None => {}
    }
    if !model.has_room() && !matches!(action, Some(Action::Quit | Action::Suspend)) {
        // Nothing is told on so small a screen: nothing is done blindly.
        return Vec::new();
    }
    let Some(action) = action else {
        let help = model.setup.keys.name(Action::Help);
        model.say(
            Tone::Refused,
            format!("{key} does nothing here; {help} lists the keys"),
        );
        return Vec::new();
    };
    act(model, action)
}

/// Keys while a question is open: arrows choose, Enter takes, `y` takes the first that does
/// something, anything else but Esc and `n` is ignored.
fn answer(model: &mut Model, key: Key) -> Vec<Ask> {
    let Some(Popup::Question(question)) = &mut model.popup else {
        return Vec::new();
    };
    if key.ctrl {
        // Ctrl-C gets out of anything; Ctrl-Y is no `y`.
        if key.code == KeyCode::Char('c') {
            model.popup = None;
        }
        return Vec::new();
    }
    if !question.drawn && key.code != KeyCode::Esc {
        // It came behind this very key: whoever typed on has not read it.
        return Vec::new();
    }
    match key.code {
        KeyCode::Left | KeyCode::Up | KeyCode::BackTab | KeyCode::Char('h' | 'k') => {
            question.step(false);
        }
        KeyCode::Right | KeyCode::Down | KeyCode::Tab | KeyCode::Char('l' | 'j') => {
            question.step(true);
        }
        KeyCode::Esc | KeyCode::Char('n' | 'q') => model.popup = None,
        KeyCode::Char('y') if question.choices.len() == 2 => {
            question.chosen = 1;
            return take_answer(model);
        }
        KeyCode::Enter => return take_answer(model),
        _ => {}
    }
    Vec::new()
}

fn take_answer(model: &mut Model) -> Vec<Ask> {
    let Some(Popup::Question(mut question)) = model.popup.take() else {
        return Vec::new();
    };
    let chosen = question.choices.swap_remove(question.chosen);
    // A raise that was confirmed is where the next one begins.
    model.raising = None;
    match chosen.does {
        Some(command) => commands::give(model, command),
        None => Vec::new(),
    }
}

fn prompt_key(model: &mut Model, key: Key) -> Vec<Ask> {
    let Some(Popup::Prompt(prompt)) = &mut model.popup else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Esc => return close_prompt(model),
        KeyCode::Enter => return take_prompt(model),
        KeyCode::Char('c') if key.ctrl => return close_prompt(model),
        KeyCode::Char('u') if key.ctrl => prompt.text.clear(),
        KeyCode::Char(c) if !key.ctrl => prompt.insert(&c.to_string()),
        KeyCode::Backspace => {
            prompt.wrong = None;
            prompt.text.pop();
        }
        _ => {}
    }
    typed(model);
    Vec::new()
}

/// A filter acts while it is typed.
fn typed(model: &mut Model) {
    if let Some(Popup::Prompt(prompt)) = &model.popup
        && let Purpose::Filter(pane) = prompt.purpose
    {
        let text = prompt.text.clone();
        moving::set_filter(model, pane, &text);
    }
}

/// Esc drops what was typed; a filter with it.
fn close_prompt(model: &mut Model) -> Vec<Ask> {
    if let Some(Popup::Prompt(prompt)) = model.popup.take()
        && let Purpose::Filter(pane) = prompt.purpose
    {
        moving::set_filter(model, pane, "");
    }
    Vec::new()
}

fn take_prompt(model: &mut Model) -> Vec<Ask> {
    let Some(Popup::Prompt(prompt)) = &mut model.popup else {
        return Vec::new();
    };
    if prompt.purpose != Purpose::MaxCc {
        model.popup = None;
        return Vec::new();
    }
    match prompt.max_cc() {
        Ok(max_cc) => {
            model.popup = None;
            commands::set_max_cc(model, max_cc)
        }
        Err(allowed) => {
            prompt.wrong = Some(allowed);
            Vec::new()
        }
    }
}

fn act(model: &mut Model, action: Action) -> Vec<Ask> {
    if binding(action).group == Group::Campaign {
        return command(model, action);
    }
    match action {
        Action::Quit if model.view != View::Panes => back(model),
        Action::Quit => return quit(model),
        Action::Back => back(model),
        Action::Suspend => return suspend(model),
        Action::Help => toggle(model, View::Help),
        Action::Trends => toggle(model, View::Trends),
        Action::Audit => toggle(model, View::Audit),
        Action::Detail => return open_detail(model),
        Action::Zoom => model.zoom = !model.zoom,
        Action::Freeze => freeze(model),
        Action::HideDigits => model.hide_digits = !model.hide_digits,
        Action::Filter if model.view == View::Panes => filter(model),
        Action::NextPane => focus(model, model.focus.next()),
        Action::PreviousPane => focus(model, model.focus.before()),
        Action::QueuePane => focus(model, Pane::Queue),
        Action::CallsPane => focus(model, Pane::Calls),
        Action::LogPane => focus(model, Pane::Log),
        other => moving::act(model, other),
    }
    Vec::new()
}

/// A key that changes the campaign.
fn command(model: &mut Model, action: Action) -> Vec<Ask> {
    if model.setup.read_only {
        model.say(
            Tone::Refused,
            format!("{}: this console is read-only", binding(action).label),
        );
        return Vec::new();
    }
    if let Some(why) = &model.engine_ended {
        let text = format!("the engine has ended: {why}");
        model.say(Tone::Refused, text);
        return Vec::new();
    }
    if model.away.is_some() {
        let text = format!(
            "{}: not sent, the engine is not reached",
            binding(action).label
        );
        model.say(Tone::Refused, text);
        return Vec::new();
    }
    commands::act(model, action)
}

fn toggle(model: &mut Model, view: View) {
    model.page_scroll = 0;
    model.view = if model.view == view {
        View::Panes
    } else {
        view
    };
}

fn focus(model: &mut Model, pane: Pane) {
    model.view = View::Panes;
    model.focus = pane;
}

fn back(model: &mut Model) {
    model.page_scroll = 0;
    if model.view != View::Panes {
        model.view = View::Panes;
        return;
    }
    moving::back(model);
}

fn freeze(model: &mut Model) {
    model.frozen = match model.frozen.take() {
        Some(_) => None,
        None => Some((model.now, Arc::clone(&model.live))),
    };
    model.refresh();
}

fn filter(model: &mut Model) {
    let text = match model.focus {
        Pane::Queue => model.queue.filter.text(),
        Pane::Calls => model.calls.filter.text(),
        Pane::Log => {
            model.say(
                Tone::Refused,
                "the log is filtered by targets: arrows choose, left and right change levels",
            );
            return;
        }
    };
    let prompt = Prompt::new(Purpose::Filter(model.focus), text);
    model.popup = Some(Popup::Prompt(prompt));
}

fn open_detail(model: &mut Model) -> Vec<Ask> {
    let Some(lead) = model.selected_lead() else {
        if model.focus != Pane::Log {
            model.say(
                Tone::Refused,
                "nothing is selected: the arrows select a line",
            );
        }
        return Vec::new();
    };
    model.page_scroll = 0;
    model.view = View::Detail(lead, None);
    vec![Ask::Detail(lead)]
}

/// Asks how to quit. On a screen too small to ask on it says nothing, and does nothing.
pub(crate) fn quit(model: &mut Model) -> Vec<Ask> {
    let goes_on = model.setup.attached;
    if goes_on || model.engine_ended.is_some() || !model.something_lives() {
        return vec![Ask::Leave];
    }
    if model.setup.read_only {
        model.say(
            Tone::Refused,
            "quit: this console is read-only, and calls are up",
        );
        return Vec::new();
    }
    let calls = commands::live_calls(model);
    if model.live.stopping.is_some() {
        let text = format!("{calls}, and Dialdeck ends when they have. Hang them up now?");
        let question = Question::new("Quit now", text, "Hang up and quit", Command::QuitNow);
        model.popup = Some(Popup::Question(question));
        return Vec::new();
    }
    let text = format!(
        "Quit Dialdeck? {calls}. Draining places no new call and waits for them to end; what \
         is still up after DRAIN_SECONDS is hung up."
    );
    let question = Question::new("Quit", text, "Drain and quit", Command::Quit)
        .or("Hang up and quit", Command::QuitNow);
    model.popup = Some(Popup::Question(question));
    Vec::new()
}

fn suspend(model: &mut Model) -> Vec<Ask> {
    if model.something_lives() && !model.setup.attached {
        let calls = commands::live_calls(model);
        model.say(
            Tone::Refused,
            format!("not suspended, the engine would stop with it: {calls}"),
        );
        return Vec::new();
    }
    vec![Ask::Suspend]
}

/// `MAX_CC` as it was asked for last.
pub(crate) fn max_cc_asked(model: &Model) -> u32 {
    match model.max_cc {
        Some(MaxCcAsked::Sent(to) | MaxCcAsked::Answered(to, _)) => to,
        None => u32::try_from(model.live.limit.requested.calls()).unwrap_or(MOST_CALLS),
    }
}

/// One step of `MAX_CC`, from what was asked for last.
pub(crate) fn max_cc_step(model: &Model, up: bool) -> u32 {
    let from = max_cc_asked(model);
    let to = if up { from + 1 } else { from.saturating_sub(1) };
    to.clamp(1, MOST_CALLS)
}
