//! Keys that move: cursor, window, order, filter.

use super::calls::CallSort;
use super::filter::Filter;
use super::model::{Model, Pane, Tone, View};
use super::queue::QueueSort;
use super::scroll::Scroll;
use crate::keys::Action;

/// How many lines a page is where the pane's height is not known.
const PAGE: usize = 10;

pub(crate) fn act(model: &mut Model, action: Action) {
    if model.view != View::Panes {
        return scroll_page(model, action);
    }
    match (model.focus, action) {
        (Pane::Log, action) => model.log.act(action, model.zoom),
        (_, Action::Autoscroll) => model.log.act(action, model.zoom),
        (pane, Action::SortBefore) => sort(model, pane, false),
        (pane, Action::SortNext) => sort(model, pane, true),
        (pane, Action::Invert) => invert(model, pane),
        (pane, action) => move_cursor(model, pane, action),
    }
}

fn scroll_page(model: &mut Model, action: Action) {
    let at = &mut model.page_scroll;
    let page = usize::from(model.size.1.saturating_sub(8)).max(1);
    *at = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => *at + 1,
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => *at + page,
        Action::Top => 0,
        // The view knows the last line, and holds it there.
        Action::Bottom => usize::MAX / 2,
        _ => *at,
    };
}

fn move_cursor(model: &mut Model, pane: Pane, action: Action) {
    let (queue, calls) = (&mut model.queue, &mut model.calls);
    let in_queue = pane == Pane::Queue;
    let (scroll, len, selected) = if in_queue {
        let len = queue.rows().len();
        (&mut queue.scroll, len, queue.selected.is_some())
    } else {
        let len = calls.rows().len();
        (&mut calls.scroll, len, calls.selected.is_some())
    };
    let Some(place) = target(*scroll, len, selected, action) else {
        return;
    };
    scroll.go(place, len);
    if in_queue {
        queue.select(place);
    } else {
        calls.select(place);
    }
}

/// Where the cursor goes. The first key only shows it, where it stood last.
fn target(scroll: Scroll, len: usize, selected: bool, action: Action) -> Option<usize> {
    if len == 0 {
        return None;
    }
    let at = scroll.cursor;
    let page = if scroll.height == 0 {
        PAGE
    } else {
        scroll.height
    };
    let place = match action {
        Action::Top => 0,
        Action::Bottom => len - 1,
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at + page,
        Action::Up | Action::Down if !selected => at.clamp(scroll.offset, scroll.offset + page - 1),
        Action::Up => at.saturating_sub(1),
        Action::Down => at + 1,
        _ => return None,
    };
    Some(place.min(len - 1))
}

fn sort(model: &mut Model, pane: Pane, forward: bool) {
    match pane {
        Pane::Queue => model.queue.sort = neighbour(&QueueSort::ALL, model.queue.sort, forward),
        _ => model.calls.sort = neighbour(&CallSort::ALL, model.calls.sort, forward),
    }
    model.rebuild(pane);
    say_order(model, pane);
}

/// The column may be among those that there is no room for.
fn say_order(model: &mut Model, pane: Pane) {
    let (by, descending) = match pane {
        Pane::Queue => (model.queue.sort.word(), model.queue.descending),
        _ => (model.calls.sort.word(), model.calls.descending),
    };
    let way = if descending { ", turned round" } else { "" };
    model.say(Tone::Done, format!("sorted by {by}{way}"));
}

fn neighbour<T: Copy + PartialEq>(all: &[T], one: T, forward: bool) -> T {
    let place = all.iter().position(|x| *x == one).unwrap_or(0);
    let by = if forward { 1 } else { all.len() - 1 };
    all[(place + by) % all.len()]
}

fn invert(model: &mut Model, pane: Pane) {
    match pane {
        Pane::Queue => model.queue.descending = !model.queue.descending,
        _ => model.calls.descending = !model.calls.descending,
    }
    model.rebuild(pane);
    say_order(model, pane);
}

pub(crate) fn set_filter(model: &mut Model, pane: Pane, text: &str) {
    let filter = Filter::new(text);
    match pane {
        Pane::Queue => model.queue.filter = filter,
        _ => model.calls.filter = filter,
    }
    model.rebuild(pane);
}

/// Esc in a pane: first nothing is selected, then nothing is filtered.
pub(crate) fn back(model: &mut Model) {
    let selected = match model.focus {
        Pane::Queue => model.queue.selected.take().is_some(),
        Pane::Calls => model.calls.selected.take().is_some(),
        Pane::Log => return model.log.follow(),
    };
    if selected {
        model.rebuild(model.focus);
    } else {
        set_filter(model, model.focus, "");
    }
}
