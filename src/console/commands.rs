//! Keys that change the campaign: what they ask before, and what they give.

use std::time::Duration;

use super::model::{MaxCcAsked, Model, Pane, Tone, View};
use super::popup::{Popup, Prompt, Purpose, Question};
use super::text::counted;
use super::update::{Ask, max_cc_asked, max_cc_step, quit};
use crate::campaign::{self, Again, CallWord, LeadId, LeadState, MaxCc, RunState, Streak};
use crate::control::Command;
use crate::keys::Action;

/// What a command is called in a message: calls and leads by their numbers.
pub(crate) fn name(model: &Model, command: &Command) -> String {
    let live = &model.live;
    let lead = |verb: &str, lead: &LeadId, after: &str| {
        let number = live.leads.number_text(*lead).unwrap_or_default();
        format!("{verb} {}{after}", model.number(number))
    };
    match command {
        Command::Campaign(campaign::Command::Skip(id)) => lead("skip", id, ""),
        Command::Campaign(campaign::Command::Requeue(id)) => lead("call", id, " again"),
        Command::Campaign(campaign::Command::HangUp(attempt)) => {
            let call = live.calls.iter().find(|call| call.attempt == *attempt);
            match call {
                Some(call) => format!("hang up {}", model.number(call.number.as_str())),
                None => "hang up".to_owned(),
            }
        }
        Command::Campaign(command) => command.to_string(),
        Command::NewRun => "new run".to_owned(),
        Command::Quit => "quit".to_owned(),
        Command::QuitNow => "quit now".to_owned(),
    }
}

/// Gives a command: it shows at once, and again when its outcome comes.
pub(crate) fn give(model: &mut Model, command: Command) -> Vec<Ask> {
    model.pending += 1;
    if let Command::Campaign(campaign::Command::SetMaxCc(to)) = command {
        model.max_cc = u32::try_from(to.calls()).ok().map(MaxCcAsked::Sent);
    }
    let dots = if model.setup.theme.ascii {
        "..."
    } else {
        "…"
    };
    model.say(Tone::Pending, format!("{}{dots}", name(model, &command)));
    vec![Ask::Give(command)]
}

fn give_campaign(model: &mut Model, command: campaign::Command) -> Vec<Ask> {
    give(model, Command::Campaign(command))
}

pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Ask> {
    match action {
        Action::Start => start(model),
        Action::Pause => pause(model),
        Action::Drain => {
            let text = format!(
                "No new call is placed; {}. The run is IDLE when they have ended.",
                go_on(model)
            );
            ask(model, "Drain", text, "Drain", campaign::Command::Drain)
        }
        Action::MaxUp | Action::MaxDown => {
            let to = max_cc_step(model, action == Action::MaxUp);
            MaxCc::new(to).map_or_else(Vec::new, |to| set_max_cc(model, to))
        }
        Action::MaxType => {
            let prompt = Prompt::new(Purpose::MaxCc, "");
            model.popup = Some(Popup::Prompt(prompt));
            Vec::new()
        }
        Action::HangUp => hang_up(model),
        Action::HangUpAll => hang_up_all(model),
        Action::Requeue => requeue(model),
        Action::RequeueStreak => requeue_streak(model),
        Action::Skip => skip(model),
        Action::NewRun => new_run(model),
        _ => Vec::new(),
    }
}

/// At DONE there is nobody left to call: the key says so instead of asking the engine.
fn start(model: &mut Model) -> Vec<Ask> {
    if model.live.state == RunState::Done {
        let new_run = model.setup.keys.name(Action::NewRun);
        let text = format!("everybody on the list was called; {new_run} begins a new run");
        return refuse(model, text);
    }
    give_campaign(model, campaign::Command::Start)
}

fn pause(model: &mut Model) -> Vec<Ask> {
    let start = model.setup.keys.name(Action::Start);
    match model.live.state {
        RunState::Paused(_) => refuse(model, format!("dialing is paused already; {start} goes on")),
        _ => give_campaign(model, campaign::Command::Pause),
    }
}

/// A raise by so much is asked about: a digit too many would ring dozens of phones at once.
const LARGE_STEP: usize = 10;
/// Keys that follow each other so fast are one raise.
const ONE_SERIES: Duration = Duration::from_secs(3);

/// By how much a series of keys has raised `MAX_CC`, this one included: one that is held down
/// raises it by dozens as well.
fn raised(model: &mut Model, step: usize) -> usize {
    let before = match model.raising {
        Some((at, raised)) if model.now.since(at) < ONE_SERIES => raised,
        _ => 0,
    };
    model.raising = Some((model.now, before + step));
    before + step
}

pub(crate) fn set_max_cc(model: &mut Model, to: MaxCc) -> Vec<Ask> {
    let from = max_cc_asked(model) as usize;
    let raised = raised(model, to.calls().saturating_sub(from));
    let command = campaign::Command::SetMaxCc(to);
    if raised >= LARGE_STEP {
        let text = format!("Raise MAX_CC from {from} to {to}? Up to {to} phones ring at once.");
        return ask(model, "MAX_CC", text, "Raise", command);
    }
    give_campaign(model, command)
}

fn hang_up(model: &mut Model) -> Vec<Ask> {
    let Some(attempt) = model.selected_call() else {
        return refuse(model, "no live call is selected: the arrows select one");
    };
    let call = model.live.calls.iter().find(|c| c.attempt == attempt);
    let Some(call) = call else {
        return refuse(model, "this call has ended");
    };
    let text = hang_up_text(model, call.number.as_str(), call.word);
    ask(
        model,
        "Hang up",
        text,
        "Hang up",
        campaign::Command::HangUp(attempt),
    )
}

fn hang_up_all(model: &mut Model) -> Vec<Ask> {
    let calls = model.live.limit.in_use;
    if calls == 0 {
        return refuse(model, "no call is up");
    }
    let (text, label) = hang_up_all_text(model);
    ask(
        model,
        "Hang up all",
        text,
        &label,
        campaign::Command::HangUpAll,
    )
}

fn requeue(model: &mut Model) -> Vec<Ask> {
    let Some((lead, number, state)) = selected(model) else {
        return refuse(model, NO_LEAD);
    };
    let command = campaign::Command::Requeue(lead);
    let done = model.live.state == RunState::Done;
    match state {
        LeadState::Waiting => refuse(model, format!("{number} waits already")),
        LeadState::Calling(_) => refuse(model, format!("{number} is being called")),
        LeadState::Final(disposition) if disposition.is_seizure() || done => {
            let reached = if disposition.is_seizure() {
                "was reached"
            } else {
                "was called"
            };
            let at_once = if done {
                " The run is done: it is dialed at once."
            } else {
                ""
            };
            let text =
                format!("{number} {reached} in this run ({disposition}). Call it again?{at_once}");
            ask(model, "Call again", text, "Call again", command)
        }
        LeadState::Final(_) => give_about_lead(model, command),
    }
}

fn requeue_streak(model: &mut Model) -> Vec<Ask> {
    let Some(streak) = model.live.streak else {
        return refuse(
            model,
            "no streak of refused or dropped calls waits for this",
        );
    };
    let text = streak_text(model, streak);
    let command = campaign::Command::RequeueMany(Again {
        reached: streak.reached,
        ..Again::default()
    });
    ask(model, "Call the streak again", text, "Call again", command)
}

fn streak_text(model: &Model, streak: Streak) -> String {
    let people = counted(streak.leads, "number");
    let what = if streak.reached {
        "answered and reached nobody: their phones ring AGAIN"
    } else {
        "were refused by the carrier, and no phone rang"
    };
    let when = match model.live.state {
        RunState::Done => " The run is done: they are dialed at once.",
        RunState::Dialing => "",
        _ => " They wait in line until dialing is started.",
    };
    format!("Call {people} of the last streak again? They {what}.{when}")
}

/// The lead moves to another place of the list: what is looked at stays where it is.
fn give_about_lead(model: &mut Model, command: campaign::Command) -> Vec<Ask> {
    if model.view == View::Panes && model.focus == Pane::Queue {
        model.queue.selected = None;
    }
    give_campaign(model, command)
}

fn skip(model: &mut Model) -> Vec<Ask> {
    let Some((lead, number, state)) = selected(model) else {
        return refuse(model, NO_LEAD);
    };
    if state != LeadState::Waiting {
        return refuse(model, format!("{number} does not wait"));
    }
    give_about_lead(model, campaign::Command::Skip(lead))
}

const NO_LEAD: &str = "no lead is selected: the arrows select one in the queue";

fn selected(model: &Model) -> Option<(LeadId, String, LeadState)> {
    let lead = model.selected_lead()?;
    let leads = &model.live.leads;
    let number = model.number(leads.number_text(lead)?);
    Some((lead, number, leads.row(lead)?.state))
}

fn new_run(model: &mut Model) -> Vec<Ask> {
    if model.live.state != RunState::Done {
        let text = format!(
            "a new run begins only when this one is DONE; it is {}",
            model.live.state.word()
        );
        return refuse(model, text);
    }
    let text = format!(
        "Begin a new run over {}? Everybody on the list is called AGAIN, also the {} who were \
         reached.",
        model.number(&model.live.list),
        reached(model)
    );
    let question = Question::new("New run", text, "Call everybody again", Command::NewRun);
    model.popup = Some(Popup::Question(question));
    Vec::new()
}

fn reached(model: &Model) -> u32 {
    campaign::Disposition::ALL
        .into_iter()
        .filter(|d| d.is_seizure())
        .map(|d| model.live.leads.ended_as(d))
        .sum()
}

fn ask(
    model: &mut Model,
    title: &str,
    text: String,
    label: &str,
    command: campaign::Command,
) -> Vec<Ask> {
    let question = Question::new(title, text, label, Command::Campaign(command));
    model.popup = Some(Popup::Question(question));
    Vec::new()
}

/// A picture came while a question is open: it is asked anew of what is now, and starts on
/// Cancel again where that reads otherwise. `stops`: the process has begun to end.
pub(crate) fn renew_question(model: &mut Model, stops: bool) {
    let Some(Popup::Question(question)) = &model.popup else {
        return;
    };
    let about = question
        .choices
        .iter()
        .find_map(|choice| choice.does.clone());
    match about {
        Some(Command::Campaign(campaign::Command::HangUp(attempt))) => {
            let call = model.live.calls.iter().find(|c| c.attempt == attempt);
            let Some(call) = call else {
                model.popup = None;
                model.say(Tone::Refused, "this call has ended by itself");
                return;
            };
            let text = hang_up_text(model, call.number.as_str(), call.word);
            ask_anew(model, text, None);
        }
        Some(Command::Campaign(campaign::Command::RequeueMany(_))) => {
            let Some(streak) = model.live.streak else {
                model.popup = None;
                model.say(
                    Tone::Refused,
                    "somebody has called the streak again already",
                );
                return;
            };
            let text = streak_text(model, streak);
            ask_anew(model, text, None);
        }
        Some(Command::Campaign(campaign::Command::HangUpAll)) => {
            let (text, label) = hang_up_all_text(model);
            ask_anew(model, text, Some(label));
        }
        Some(Command::Quit | Command::QuitNow) if stops => {
            model.popup = None;
            quit(model);
        }
        _ => {}
    }
}

fn ask_anew(model: &mut Model, text: String, label: Option<String>) {
    let Some(Popup::Question(question)) = &mut model.popup else {
        return;
    };
    if question.text == text {
        return;
    }
    question.text = text;
    question.chosen = 0;
    if let (Some(label), Some(choice)) = (label, question.choices.get_mut(1)) {
        choice.label = label;
    }
}

fn hang_up_text(model: &Model, number: &str, word: CallWord) -> String {
    format!("Hang up {} ({})?", model.number(number), word.as_str())
}

fn hang_up_all_text(model: &Model) -> (String, String) {
    let calls = model.live.limit.in_use;
    let goes_on = if model.live.state == RunState::Dialing {
        " Dialing goes on with the next numbers: pause it first if it should not."
    } else {
        ""
    };
    let text = format!("Hang up {}?{goes_on}", counted(calls, "live call"));
    (text, format!("Hang up {calls}"))
}

fn refuse(model: &mut Model, text: impl Into<String>) -> Vec<Ask> {
    model.say(Tone::Refused, text);
    Vec::new()
}

/// How many calls are up, for a question.
pub(crate) fn live_calls(model: &Model) -> String {
    match model.live.limit.in_use {
        0 => format!("No call is up, the run is {}", model.live.state.word()),
        1 => "1 call is up".to_owned(),
        n => format!("{n} calls are up"),
    }
}

fn go_on(model: &Model) -> String {
    match model.live.limit.in_use {
        0 => "no call is up".to_owned(),
        1 => "the live call goes on".to_owned(),
        n => format!("the {n} live calls go on"),
    }
}
