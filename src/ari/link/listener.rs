//! Somebody who is connected to an application and heeds nothing of what it is told.

use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::super::client::Client;
use super::{DownReason, socket};

/// A connection that makes its client's application exist: Asterisk ends the channels of one
/// that nobody is connected to. It takes the application away from whoever holds it, so it is
/// for names that nobody else uses.
#[derive(Debug)]
pub struct Listener {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Connects, within the client's timeout.
    pub async fn open(client: &Client) -> Result<Self, DownReason> {
        let mut socket = socket::open(client.transport(), client.transport().timeout).await?;
        let (stop, mut stopped) = oneshot::channel();
        // Asterisk cuts off whoever does not read.
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = &mut stopped => break,
                    message = socket.next() => if !matches!(message, Some(Ok(_))) { return },
                }
            }
            // One that is gone needs no good-bye.
            let _ = socket.close(None).await;
        });
        Ok(Self { stop, task })
    }

    /// Leaves. Where none of its channels is left, Asterisk then forgets the application.
    pub async fn close(self) {
        // It may have ended by itself; then there is nothing to wait for.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}
