//! One connection of the link, from the open socket to its end.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Bytes, Message};

use super::super::error::harmless;
use super::super::event::{Event, EventKind, ParseError};
use super::super::model::Application;
use super::socket::Socket;
use super::{DownReason, EVENT_QUEUE, LinkEvent, Supervisor, closed};

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Kinds of events that Asterisk is told not to send. The first four are over half of all
/// (measured); of the others some calls cause many.
pub const UNUSED_EVENTS: [&str; 21] = [
    "ChannelVarset",
    "ChannelDialplan",
    "ChannelCallerId",
    "ChannelConnectedLine",
    "ChannelDtmfReceived",
    "ChannelHold",
    "ChannelUnhold",
    "ChannelTalkingStarted",
    "ChannelTalkingFinished",
    "ChannelToneDetected",
    "ChannelUserevent",
    "BridgeAttendedTransfer",
    "BridgeBlindTransfer",
    "BridgeCreated",
    "BridgeMerged",
    "BridgeVideoSourceChanged",
    "ContactStatusChange",
    "DeviceStateChanged",
    "EndpointStateChange",
    "PeerStatusChange",
    "TextMessageReceived",
];

/// How a connection ended.
pub(super) enum End {
    /// The handle was dropped, or nobody listens.
    Closed,
    /// It was lost, or did not come about.
    Lost(DownReason),
    /// Somebody else holds the application; nothing was opened.
    Held(Application),
    /// Somebody else has taken the application over.
    Replaced,
}

pub(super) struct LinkSession<'s> {
    link: &'s mut Supervisor,
    socket: Socket,
    /// When a sign of life is due, after a ping that none has followed yet.
    due: Option<Instant>,
}

impl<'s> LinkSession<'s> {
    pub(super) const fn new(link: &'s mut Supervisor, socket: Socket) -> Self {
        Self {
            link,
            socket,
            due: None,
        }
    }

    pub(super) async fn run(&mut self, left_over: Option<Application>) -> End {
        let end = match self.begin(left_over).await {
            Ok(()) => self.read_on().await,
            Err(end) => end,
        };
        // An orderly goodbye where one can arrive: Asterisk then frees the application's
        // socket at once and not at its next write.
        if matches!(end, End::Closed | End::Replaced) || overrun(&end) {
            let _ = timeout(GOODBYE, self.socket.close(None)).await;
        }
        end
    }

    /// Sets the event filter and says `Up`. What comes in before is kept, to follow it.
    async fn begin(&mut self, left_over: Option<Application>) -> Result<(), End> {
        let early = self.set_filter().await?;
        self.link.note_up();
        self.forward(LinkEvent::Up { left_over })?;
        for event in early {
            self.pass_on(event)?;
        }
        Ok(())
    }

    /// Without the filter the link works all the same, with more than twice the events; but
    /// an Asterisk that does not answer is none to place calls with.
    async fn set_filter(&mut self) -> Result<Vec<Event>, End> {
        let client = self.link.client.clone();
        let filter = client.set_event_filter(client.app(), &UNUSED_EVENTS);
        tokio::pin!(filter);
        let mut early = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = closed(&mut self.link.commands) => return Err(End::Closed),
                message = self.socket.next() => {
                    if let Some(event) = self.take(message)? {
                        early.push(event);
                    }
                    if early.len() >= EVENT_QUEUE {
                        return Err(self.overrun());
                    }
                }
                result = &mut filter => match result {
                    Ok(()) => return Ok(early),
                    Err(error) if error.is_outage() => return Err(End::Lost(error.into())),
                    Err(error) => {
                        tracing::warn!("no event filter: {error}");
                        return Ok(early);
                    }
                },
            }
        }
    }

    async fn read_on(&mut self) -> End {
        let every = self.link.config.timing.ping_every;
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let far = Instant::now() + every * 2;
            // In this order, so that what has already arrived counts before the verdict that
            // nothing has.
            let step = tokio::select! {
                biased;
                () = closed(&mut self.link.commands) => Err(End::Closed),
                message = self.socket.next() => self.handle(message),
                () = sleep_until(self.due.unwrap_or(far)), if self.due.is_some() => {
                    Err(End::Lost(DownReason::Silent))
                }
                _ = ping.tick() => self.ping().await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn handle(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<(), End> {
        match self.take(message)? {
            Some(event) => self.pass_on(event),
            None => Ok(()),
        }
    }

    /// Reads one message, which may hold an event. Any message is a sign of life.
    fn take(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<Option<Event>, End> {
        self.due = None;
        if matches!(&message, Some(Ok(message)) if !message.is_close()) {
            self.link.stats.count_sign_of_life();
        }
        let lost = |why| Err(End::Lost(why));
        match message {
            Some(Ok(Message::Text(text))) => Ok(self.parse(text.as_str())),
            Some(Ok(Message::Binary(bytes))) => {
                self.link.stats.count_message(bytes.len());
                let error = ParseError::NotAnEvent("it is binary".into());
                self.link.stats.count_malformed(&error);
                Ok(None)
            }
            // Pings are answered below us.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Ok(Message::Close(_))) | None => lost(DownReason::Closed),
            Some(Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed)) => {
                lost(DownReason::Closed)
            }
            Some(Err(error)) => lost(DownReason::Broken(harmless(&error.to_string()))),
        }
    }

    fn parse(&self, text: &str) -> Option<Event> {
        let stats = &self.link.stats;
        stats.count_message(text.len());
        match Event::parse(text) {
            Ok(event) => {
                if let EventKind::Other(kind) = &event.kind {
                    stats.count_unknown(kind);
                }
                Some(event)
            }
            Err(error) => {
                stats.count_malformed(&error);
                None
            }
        }
    }

    /// Hands an event to the engine; the one that says we were replaced ends the session.
    fn pass_on(&self, event: Event) -> Result<(), End> {
        let replaced = event.kind == EventKind::ApplicationReplaced;
        self.forward(LinkEvent::Event(Box::new(event)))?;
        if replaced {
            return Err(End::Replaced);
        }
        Ok(())
    }

    fn forward(&self, event: LinkEvent) -> Result<(), End> {
        match self.link.events.try_send(event) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(End::Closed),
            Err(TrySendError::Full(_)) => Err(self.overrun()),
        }
    }

    fn overrun(&self) -> End {
        self.link.stats.count_overrun();
        End::Lost(DownReason::Overrun)
    }

    async fn ping(&mut self) -> Result<(), End> {
        let within = self.link.config.timing.pong_within;
        let ping = self.socket.send(Message::Ping(Bytes::new()));
        match timeout(within, ping).await {
            Ok(Ok(())) => {
                self.due.get_or_insert(Instant::now() + within);
                Ok(())
            }
            Ok(Err(error)) => Err(End::Lost(DownReason::Broken(harmless(&error.to_string())))),
            Err(_) => Err(End::Lost(DownReason::Silent)),
        }
    }
}

const fn overrun(end: &End) -> bool {
    matches!(end, End::Lost(DownReason::Overrun))
}
