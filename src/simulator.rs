//! A fake Asterisk that speaks real ARI (HTTP and WebSocket) on loopback, so that the dialer
//! can't tell it from a real one.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Scenario`] | what people and agents do, as data, drawn from a seed |
//! | [`Faults`] | what goes wrong on purpose, as data |
//! | [`World`] | Asterisk's channels, bridges, recordings and apps, without clock or socket |
//! | `server` | the world on a socket: HTTP, WebSocket, login, the clock |
//! | [`demo_numbers`] | a list for the demo, of numbers that belong to nobody |
//!
//! How the real one behaves was measured on Asterisk 22.10.1; `tests/contract.rs` plays the
//! same scripts to both. Left out, on purpose: dialplan extensions as origination targets,
//! playback, DTMF, bridge recording, REST over the WebSocket, formats other than `wav`, and
//! a second recording on the same channel while one runs, and the events that a dialer
//! switches off (`ChannelVarset` and its like).

mod demo;
mod faults;
mod scenario;
mod server;
mod wav;
mod world;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

pub use demo::demo_numbers;
pub use faults::{Fault, Faults, Handling, ScheduledFault};
pub use scenario::{
    Callee, Outcome, Queue, Scenario, ScenarioError, Signal, Span, Target, TargetOutcome, Weighted,
};
pub use world::{Body, ConnectionId, Method, Output, Request, Response, World, WorldConfig};
#[cfg(test)]
pub(crate) use world::{Hold, Leg};

/// What a simulator is started with.
#[derive(Clone)]
pub struct SimConfig {
    /// What people and agents do.
    pub scenario: Scenario,
    /// What goes wrong from the start.
    pub faults: Faults,
    /// What all fates are drawn from.
    pub seed: u64,
    /// How many times faster than life dialing, ringing and talking go, and the `timeout` of
    /// a request with them. From about 20 on, people of the default scenario may be gone
    /// before a target can answer.
    pub speed: f64,
    /// The ARI user.
    pub username: String,
    /// Their password.
    pub password: String,
    /// The PJSIP endpoint behind which numbers are dialed.
    pub trunk: String,
    /// Where to listen; port 0 takes a free one.
    pub addr: SocketAddr,
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The speed is no speed.
    #[error("the speed {0} makes no sense: it must be above 0, 1 is as in life")]
    Speed(f64),
    /// The address is not to be had.
    #[error("the simulator cannot listen on {addr}: {source}; take another address, or port 0")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A running simulator. It ends when this is dropped.
#[derive(Debug)]
pub struct SimHandle {
    server: server::Server,
}

/// Starts a simulator. Must be called within a tokio runtime with I/O and time.
pub async fn start(config: SimConfig) -> Result<SimHandle, SimError> {
    if !(config.speed.is_finite() && config.speed > 0.0) {
        return Err(SimError::Speed(config.speed));
    }
    let addr = config.addr;
    let server = server::Server::start(config)
        .await
        .map_err(|source| SimError::Listen { addr, source })?;
    Ok(SimHandle { server })
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            scenario: Scenario::default(),
            faults: Faults::default(),
            seed: 1,
            speed: 1.0,
            username: "dialdeck".to_owned(),
            password: "dialdeck".to_owned(),
            trunk: "mytrunk".to_owned(),
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

impl fmt::Debug for SimConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimConfig")
            .field("seed", &self.seed)
            .field("speed", &self.speed)
            .field("username", &self.username)
            .field("trunk", &self.trunk)
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl SimHandle {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// The value for `ARI_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Sets the faults from now on, in place of those before.
    pub fn set_faults(&self, faults: Faults) {
        self.server
            .with_world(|world, now| world.set_faults(now, faults));
    }

    /// Drops all event sockets.
    pub fn drop_sockets(&self) {
        self.inflict(Fault::DropSockets);
    }

    /// Lets all event sockets go silent while they stay open.
    pub fn stall_sockets(&self) {
        self.inflict(Fault::StallSockets);
    }

    /// Ends Asterisk with all its channels, and refuses connections for as long as it is `down`.
    pub fn restart(&self, down: Duration) {
        let down = u64::try_from(down.as_millis()).unwrap_or(u64::MAX);
        self.inflict(Fault::Restart { down });
    }

    /// The phone of the channel `id` transfers its call `to` an extension, which answers at once:
    /// `100@lab-transfers`. Gives the id of the channel that takes its place; `None` if it is in
    /// no conversation.
    #[must_use]
    pub fn transfer(&self, id: &str, to: &str) -> Option<String> {
        self.server
            .with_world(|world, now| world.transfer(now, id, to, Duration::ZERO, None))
    }

    /// Whoever rings on the channel `id` answers now, and stays. Whether there is such a channel.
    #[must_use]
    pub fn pick_up(&self, id: &str) -> bool {
        self.server.with_world(|world, now| world.pick_up(now, id))
    }

    /// Every number dialed through the trunk, in order: the carrier's log.
    #[must_use]
    pub fn calls_placed(&self) -> Vec<String> {
        self.server
            .with_world(|world, _| world.calls_placed().to_vec())
    }

    /// The ids of all channels that exist now.
    #[must_use]
    pub fn channels(&self) -> Vec<String> {
        self.server.with_world(|world, _| world.channel_ids())
    }

    /// The ids of all bridges that exist now.
    #[must_use]
    pub fn bridges(&self) -> Vec<String> {
        self.server.with_world(|world, _| world.bridge_ids())
    }

    /// The names of the recordings on Asterisk's disk.
    #[must_use]
    pub fn recordings_stored(&self) -> Vec<String> {
        self.server.with_world(|world, _| world.stored_names())
    }

    /// The most channels that there were on the trunk at once.
    #[must_use]
    pub fn peak_trunk_channels(&self) -> usize {
        self.server
            .with_world(|world, _| world.peak_trunk_channels())
    }

    /// Ends it, and waits until its address is free.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }

    fn inflict(&self, fault: Fault) {
        self.server
            .with_world(|world, now| world.inflict(now, fault));
    }
}

#[cfg(test)]
mod tests;
