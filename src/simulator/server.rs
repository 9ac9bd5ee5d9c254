//! The world on a socket: HTTP, WebSocket, the login, the clock.

mod events;
mod line;
mod rest;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use super::SimConfig;
use super::world::{ConnectionId, Output, World, WorldConfig};
use crate::campaign::Time;
use events::ToSocket;

/// A world that is being served.
pub(super) struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

/// What all tasks share. One std mutex guards the world: it is held for microseconds and
/// never across an await.
struct Shared {
    world: Mutex<World>,
    sockets: Mutex<HashMap<ConnectionId, mpsc::UnboundedSender<ToSocket>>>,
    /// The world's next timer may have changed.
    timer_changed: Notify,
    /// Changes when every connection is to be cut.
    cut: watch::Sender<()>,
    clock: Clock,
    username: String,
    password: String,
}

/// The world's time: the wall clock at the start, and from there on a monotonic one.
struct Clock {
    start: Instant,
    at_start: Duration,
}

impl Clock {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            at_start: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    fn now(&self) -> Time {
        Time(0) + (self.at_start + self.start.elapsed())
    }

    fn instant(&self, time: Time) -> Instant {
        let since_start = time.since(Time(0) + self.at_start);
        self.start + since_start
    }
}

impl Server {
    pub(super) async fn start(config: SimConfig) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.addr).await?;
        let addr = listener.local_addr()?;
        let clock = Clock::new();
        let world_config = WorldConfig {
            scenario: config.scenario,
            seed: config.seed,
            speed: config.speed,
            trunk: config.trunk,
        };
        let mut world = World::new(world_config, clock.now());
        world.set_faults(clock.now(), config.faults);
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            sockets: Mutex::default(),
            timer_changed: Notify::new(),
            cut: watch::Sender::new(()),
            clock,
            username: config.username,
            password: config.password,
        });
        let tasks = vec![
            tokio::spawn(serve(listener, Arc::clone(&shared))),
            tokio::spawn(keep_time(Arc::clone(&shared))),
        ];
        Ok(Self {
            addr,
            shared,
            tasks,
        })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Does something with the world, at its time of now.
    pub(super) fn with_world<T>(&self, act: impl FnOnce(&mut World, Time) -> T) -> T {
        self.shared.with_world(act)
    }

    pub(super) async fn shutdown(mut self) {
        self.end();
        for task in std::mem::take(&mut self.tasks) {
            // It was cancelled: that is how it ends.
            let _ = task.await;
        }
    }

    fn end(&self) {
        for task in &self.tasks {
            task.abort();
        }
        self.shared.cut.send_replace(());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn with_world<T>(&self, act: impl FnOnce(&mut World, Time) -> T) -> T {
        let mut world = unpoisoned(&self.world);
        let result = act(&mut world, self.clock.now());
        // Under the world's lock, so that events leave in the order in which they happened.
        while let Some(output) = world.poll_output() {
            self.carry_out(output);
        }
        drop(world);
        self.timer_changed.notify_one();
        result
    }

    fn carry_out(&self, output: Output) {
        let mut sockets = unpoisoned(&self.sockets);
        let (connection, message) = match output {
            Output::Event { connection, text } => (connection, ToSocket::Event(text)),
            Output::Stall(connection) => (connection, ToSocket::Stall),
            Output::Close(connection) => {
                // Its task ends with its channel.
                sockets.remove(&connection);
                return;
            }
            Output::Restart => {
                sockets.clear();
                self.cut.send_replace(());
                return;
            }
        };
        if let Some(socket) = sockets.get(&connection) {
            // A task that has ended has no use for it.
            let _ = socket.send(message);
        }
    }
}

/// A panic elsewhere says nothing about this value: each change of it is whole.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let door = line::Door::new(listener, Arc::clone(&shared));
    let router = Router::new().fallback(rest::answer).with_state(shared);
    let service = router.into_make_service_with_connect_info::<line::Standing>();
    // It never ends by itself, and reports no error.
    let _ = axum::serve(door, service).await;
}

/// Advances the world whenever something is due in it.
async fn keep_time(shared: Arc<Shared>) {
    loop {
        let next = unpoisoned(&shared.world).next_timer();
        let changed = shared.timer_changed.notified();
        match next {
            None => changed.await,
            Some(time) if time > shared.clock.now() => {
                let at = tokio::time::Instant::from_std(shared.clock.instant(time));
                tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = changed => {}
                }
            }
            Some(_) => shared.with_world(World::advance),
        }
    }
}
