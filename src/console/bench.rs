//! The console on a terminal that keeps what is written: for whoever measures what a frame
//! costs. No thread, no clock and no engine; keys go the same way as from a real terminal.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::input::{KeyInput, Parser};
use super::model::{Model, Setup};
use super::theme::Theme;
use super::update::{ConsoleEvent, update};
use super::view;
use crate::campaign::Time;
use crate::engine::Snapshot;
use crate::keys::KeyMap;

/// A frame: what led to it, taken in and drawn.
#[derive(Debug, Clone)]
pub struct Frame {
    /// How long that took.
    pub took: Duration,
    /// What was written to the terminal.
    pub written: Vec<u8>,
}

/// A console to measure.
pub struct Bench {
    model: Model,
    screen: Terminal<CrosstermBackend<KeptBytes>>,
    written: KeptBytes,
    parser: Parser,
}

/// Keeps what is written until it is taken.
#[derive(Debug, Default, Clone)]
struct KeptBytes(Rc<RefCell<Vec<u8>>>);

impl Write for KeptBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Bench {
    /// A console with colours and all letters, over this picture.
    pub fn new(snapshot: Arc<Snapshot>, columns: u16, rows: u16) -> io::Result<Self> {
        let setup = Setup {
            theme: Theme {
                colour: true,
                ascii: false,
            },
            keys: KeyMap::default(),
            read_only: false,
            attached: false,
            zone: TimeZone::UTC,
        };
        let options = TerminalOptions {
            viewport: Viewport::Fixed(Rect::new(0, 0, columns, rows)),
        };
        crossterm::style::force_color_output(true);
        let written = KeptBytes::default();
        let screen = Terminal::with_options(CrosstermBackend::new(written.clone()), options)?;
        Ok(Self {
            model: Model::new(setup, snapshot, (columns, rows)),
            screen,
            written,
            parser: Parser::default(),
        })
    }

    /// Bytes as a terminal sends them for keys; the frame after them.
    pub fn keys(&mut self, bytes: &str) -> io::Result<Frame> {
        let begun = Instant::now();
        let mut inputs = self.parser.feed(bytes.as_bytes());
        inputs.extend(self.parser.flush());
        for input in inputs {
            self.take(match input {
                KeyInput::Key(key) => ConsoleEvent::Key(key),
                KeyInput::Paste(text) | KeyInput::Burst(text) => ConsoleEvent::Paste(text),
            });
        }
        self.draw(begun)
    }

    /// A picture that came at its own time; the frame after it.
    pub fn picture(&mut self, snapshot: Arc<Snapshot>) -> io::Result<Frame> {
        let begun = Instant::now();
        self.model.now = self.model.now.max(snapshot.at);
        self.take(ConsoleEvent::Picture(snapshot));
        self.draw(begun)
    }

    /// A second has passed; the frame after it.
    pub fn tick(&mut self, now: Time) -> io::Result<Frame> {
        let begun = Instant::now();
        self.take(ConsoleEvent::Tick(now));
        self.draw(begun)
    }

    /// How many leads the queue lists.
    #[must_use]
    pub fn listed(&self) -> usize {
        self.model.queue.rows().len()
    }

    /// Whether the queue's order is being made beside the frames.
    #[must_use]
    pub fn is_sorting(&self) -> bool {
        self.model.queue.is_sorting()
    }

    /// What is asked of the outside is answered by nobody here.
    fn take(&mut self, event: ConsoleEvent) {
        let _ = update(&mut self.model, event);
    }

    fn draw(&mut self, begun: Instant) -> io::Result<Frame> {
        let model = &mut self.model;
        self.screen.draw(|frame| view::draw(frame, model))?;
        let took = begun.elapsed();
        let written = self.written.0.take();
        Ok(Frame { took, written })
    }
}
