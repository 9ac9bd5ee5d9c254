//! Connections that can be cut, and a door that is shut while Asterisk is down. Both keep the
//! limits of Asterisk's HTTP server.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use super::{Shared, unpoisoned};

/// How many connections there may be at once: `sessionlimit` in http.conf.
const SESSION_LIMIT: usize = 100;

/// How long a connection may lie idle: `session_keep_alive` in http.conf.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Takes connections, and shuts each again while the world is down or there are too many.
pub(super) struct Door {
    listener: TcpListener,
    shared: Arc<Shared>,
    /// One for the door, one for each line.
    sessions: Arc<()>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, shared: Arc<Shared>) -> Self {
        Self {
            listener,
            shared,
            sessions: Arc::default(),
        }
    }

    fn is_shut(&self) -> bool {
        Arc::strong_count(&self.sessions) > SESSION_LIMIT
            || unpoisoned(&self.shared.world).is_down(self.shared.clock.now())
    }
}

impl axum::serve::Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) if !self.is_shut() => {
                    // Small answers must not wait for each other. A line without it works too.
                    let _ = stream.set_nodelay(true);
                    let session = Arc::clone(&self.sessions);
                    let cut = self.shared.cut.subscribe();
                    return (Line::new(stream, cut, KEEP_ALIVE, session), peer);
                }
                Ok(_) => {}
                // Too many open files, say: it passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A TCP connection that breaks when all are cut, and ends when it lies idle.
pub(super) struct Line {
    stream: TcpStream,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_cut: bool,
    /// How long it may lie idle.
    keep_alive: Duration,
    /// Over when it has lain idle for too long.
    idle: Pin<Box<Sleep>>,
    standing: Standing,
    _session: Arc<()>,
}

impl Line {
    fn new(
        stream: TcpStream,
        mut cut: watch::Receiver<()>,
        keep_alive: Duration,
        session: Arc<()>,
    ) -> Self {
        let cut = Box::pin(async move {
            // An error means that the server is gone, which cuts as well.
            let _ = cut.changed().await;
        });
        Self {
            stream,
            cut,
            is_cut: false,
            keep_alive,
            idle: Box::pin(sleep(keep_alive)),
            standing: Standing::default(),
            _session: session,
        }
    }

    fn is_used(&mut self) {
        self.idle.as_mut().reset(Instant::now() + self.keep_alive);
    }

    fn is_idle(&mut self, context: &mut Context<'_>) -> bool {
        self.idle.as_mut().poll(context).is_ready() && !self.standing.is_kept()
    }

    /// An error once the line is cut; else wakes the task when it is.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.is_cut {
            self.is_cut = self.cut.as_mut().poll(context).is_ready();
        }
        if self.is_cut {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

/// Whether a line is kept open however idle it is: it has become a WebSocket. Each request
/// carries that of its line.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing(Arc<AtomicBool>);

impl Standing {
    pub(super) fn keep(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_kept(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Connected<IncomingStream<'_, Door>> for Standing {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().standing.clone()
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            // Nothing read is the end.
            Poll::Pending if self.is_idle(context) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
            ready @ Poll::Ready(_) => {
                self.is_used();
                ready
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        self.is_used();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A cut line is to be closed too.
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;

    const IDLE: Duration = Duration::from_millis(150);

    /// A line, the other end of it, and what cuts it.
    async fn line() -> (Line, TcpStream, watch::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let far = TcpStream::connect(addr).await.expect("a line");
        let (near, _) = listener.accept().await.expect("a line");
        let cut = watch::Sender::new(());
        let line = Line::new(near, cut.subscribe(), IDLE, Arc::default());
        (line, far, cut)
    }

    #[tokio::test]
    async fn an_idle_line_ends_and_one_in_use_does_not() {
        let (mut line, mut far, _cut) = line().await;
        for _ in 0..3 {
            tokio::time::sleep(IDLE * 2 / 3).await;
            far.write_all(b"x").await.expect("open");
            assert_eq!(line.read_u8().await.expect("open"), b'x');
        }
        let read = timeout(IDLE * 4, line.read(&mut [0])).await;
        assert_eq!(read.expect("in time").expect("an end"), 0);
    }

    #[tokio::test]
    async fn a_line_that_is_kept_may_be_idle() {
        let (mut line, _far, _cut) = line().await;
        line.standing.keep();
        let read = timeout(IDLE * 4, line.read(&mut [0])).await;
        assert!(read.is_err(), "still open");
    }

    #[tokio::test]
    async fn a_cut_breaks_off_a_read_that_waits() {
        let (mut line, _far, cut) = line().await;
        let waits = tokio::spawn(async move { line.read(&mut [0]).await });
        tokio::task::yield_now().await;
        cut.send_replace(());
        let read = timeout(IDLE, waits)
            .await
            .expect("in time")
            .expect("no panic");
        assert_eq!(
            read.expect_err("cut").kind(),
            io::ErrorKind::ConnectionReset
        );
    }
}
