//! Recordings in Asterisk's spool. These requests have a limit of their own.

use std::time::Duration;

use reqwest::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Client, Gone, RestRequest, found, root_cause};
use crate::ari::error::AriError;
use crate::ari::model::StoredRecording;

const DOWNLOAD: &str = "GET /recordings/stored/{name}/file";

/// The body of a recording, as it comes in.
pub struct Download {
    response: Response,
    patience: Duration,
    /// Held until the body has been read or dropped.
    _place: OwnedSemaphorePermit,
}

impl Download {
    /// How many bytes Asterisk announced.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next piece, or `None` at the end. A body that ends before its announced length
    /// is [`AriError::Broken`].
    pub async fn next_chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, AriError> {
        match timeout(self.patience, self.response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(AriError::Broken {
                request: DOWNLOAD,
                why: root_cause(&error),
            }),
            Err(_) => Err(AriError::Timeout {
                request: DOWNLOAD,
                after: self.patience,
            }),
        }
    }
}

impl Client {
    /// A recording that has ended, if it is there: `GET /recordings/stored/{name}`.
    pub async fn stored_recording(&self, name: &str) -> Result<Option<StoredRecording>, AriError> {
        let request = RestRequest::new("GET /recordings/stored/{name}", &[name])?.files();
        found(self.json(request).await)
    }

    /// All recordings in the spool: `GET /recordings/stored`.
    pub async fn stored_recordings(&self) -> Result<Vec<StoredRecording>, AriError> {
        let request = RestRequest::new("GET /recordings/stored", &[])?.files();
        self.json(request).await
    }

    /// Begins to fetch a recording: `GET /recordings/stored/{name}/file`. Where there is
    /// none it is refused with 404.
    pub async fn download_recording(&self, name: &str) -> Result<Download, AriError> {
        let request = RestRequest::new(DOWNLOAD, &[name])?.files();
        let result = self.begin_download(&request).await;
        self.count(result.as_ref().err());
        result
    }

    async fn begin_download(&self, request: &RestRequest) -> Result<Download, AriError> {
        let deadline = Instant::now() + self.patience();
        let place = self.place(request, deadline).await?;
        let answer = async {
            let response = self.send(request).await?;
            self.accept(request, response).await
        };
        let response = timeout_at(deadline, answer)
            .await
            .map_err(|_| self.timeout_of(request))??;
        Ok(Download {
            response,
            patience: self.patience(),
            _place: place,
        })
    }

    /// Deletes a recording: `DELETE /recordings/stored/{name}`.
    pub async fn delete_recording(&self, name: &str) -> Result<Gone, AriError> {
        let request = RestRequest::new("DELETE /recordings/stored/{name}", &[name])?.files();
        self.end(request).await
    }
}
