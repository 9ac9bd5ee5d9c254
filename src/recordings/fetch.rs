//! One try at one recording.

use std::io;
use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;

use super::Job;
use super::folder::PartialFile;
use super::wav::{self, Fault};
use crate::ari::{AriError, Client, Gone};

/// A recording in the folder.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// Why a try failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchFailure {
    /// Asterisk does not have it (yet).
    #[error("Asterisk has no such recording")]
    Absent,
    /// It has no samples.
    #[error("the recording is empty")]
    Empty,
    /// Its header does not fit its content (yet).
    #[error("the recording is not whole; it was left in Asterisk's spool")]
    Unfinished,
    /// It is something else.
    #[error("what Asterisk gave is no recording; it was left in Asterisk's spool")]
    Foreign,
    /// It can never be asked for.
    #[error("the recording cannot be asked for: {0}")]
    Unaskable(AriError),
    /// Asterisk or the network keep it from us.
    #[error("the recording cannot be fetched: {0}")]
    Asterisk(AriError),
    /// The disk keeps it from us.
    #[error(
        "the recording cannot be saved in {folder} ({why}): free its disk or mend RECORDINGS_DIR"
    )]
    Disk {
        /// The folder.
        folder: String,
        /// The system's reason.
        why: String,
    },
}

impl FetchFailure {
    /// Whether it lies outside the recording and will pass: then tries are not counted.
    pub(super) const fn is_obstacle(&self) -> bool {
        matches!(self, Self::Asterisk(_) | Self::Disk { .. })
    }

    /// How many of the `tries` a recording is worth that fails so. A file that Asterisk has
    /// closed without a sample, of a call that lasted a moment, does not fill up later.
    pub(super) fn patience(&self, tries: u32) -> u32 {
        match self {
            Self::Empty => tries.min(2),
            _ => tries,
        }
    }

    /// Whether no further try can help.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Unaskable(_))
    }
}

impl From<AriError> for FetchFailure {
    fn from(error: AriError) -> Self {
        match error {
            AriError::Refused { status: 404, .. } => Self::Absent,
            AriError::Name(_) => Self::Unaskable(error),
            other => Self::Asterisk(other),
        }
    }
}

impl From<Fault> for FetchFailure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Empty => Self::Empty,
            Fault::Unclosed { .. } | Fault::Unfinished => Self::Unfinished,
            Fault::Foreign => Self::Foreign,
        }
    }
}

/// Where recordings come from and go to.
pub(super) struct Fetch {
    pub(super) client: Client,
    pub(super) folder: PathBuf,
}

impl Fetch {
    /// The `last` try takes a file as it is that Asterisk died over, and closes it: nothing
    /// is heard of it that would change it any more.
    pub(super) async fn run(&self, job: &Job, last: bool) -> Result<Saved, FetchFailure> {
        // `RecordingFinished` does not prove that there is a file.
        if self.client.stored_recording(&job.name).await?.is_none() {
            return self.saved_before(job).await.ok_or(FetchFailure::Absent);
        }
        let (part, bytes) = self.download(job).await?;
        let path = self.settle(part, job, last).await?;
        Ok(Saved { path, bytes })
    }

    fn folder<'a>(&'a self, job: &'a Job) -> &'a Path {
        job.folder.as_deref().unwrap_or(&self.folder)
    }

    /// Deletes the copy in Asterisk's spool.
    pub(super) async fn delete(&self, job: &Job) -> Result<Gone, AriError> {
        self.client.delete_recording(&job.name).await
    }

    /// A process that died between deleting the copy and writing that down left the file
    /// under its final name, which has the call's id in it and so belongs to no other.
    async fn saved_before(&self, job: &Job) -> Option<Saved> {
        let path = self.folder(job).join(&job.file_name);
        let metadata = tokio::fs::metadata(&path).await.ok()?;
        let bytes = metadata.len();
        let path = tokio::fs::canonicalize(path).await.ok()?;
        (metadata.is_file() && bytes > 0).then_some(Saved { path, bytes })
    }

    /// Streams into a temporary file, which is synced.
    async fn download(&self, job: &Job) -> Result<(PartialFile, u64), FetchFailure> {
        let mut body = self.client.download_recording(&job.name).await?;
        let folder = self.folder(job).to_owned();
        let part = self
            .on_disk(job, move || {
                std::fs::create_dir_all(&folder)?;
                PartialFile::create(&folder)
            })
            .await?;
        let file = part.file.try_clone().map_err(|e| self.disk(job, &e))?;
        let mut file = tokio::fs::File::from_std(file);
        let mut bytes = 0;
        while let Some(chunk) = body.next_chunk().await? {
            let chunk = chunk.as_ref();
            file.write_all(chunk)
                .await
                .map_err(|e| self.disk(job, &e))?;
            bytes += chunk.len() as u64;
        }
        file.sync_all().await.map_err(|e| self.disk(job, &e))?;
        Ok((part, bytes))
    }

    /// Judges the file and gives it its name.
    async fn settle(
        &self,
        mut part: PartialFile,
        job: &Job,
        last: bool,
    ) -> Result<PathBuf, FetchFailure> {
        let (folder, format, name) = (
            self.folder(job).to_owned(),
            job.format.clone(),
            job.file_name.clone(),
        );
        let judged = self
            .on_disk(job, move || match wav::judge(&mut part.file, &format)? {
                Ok(()) => settle_absolute(part, &folder, &name).map(Ok),
                Err(wav::Fault::Unclosed { at }) if last => {
                    wav::close(&mut part.file, at)?;
                    part.file.sync_all()?;
                    tracing::warn!(
                        recording = name,
                        "Asterisk ended over a recording: what there is of it was saved"
                    );
                    settle_absolute(part, &folder, &name).map(Ok)
                }
                Err(fault) => Ok(Err(fault)),
            })
            .await?;
        Ok(judged?)
    }

    /// Runs what blocks for the disk where it may.
    async fn on_disk<T: Send + 'static>(
        &self,
        job: &Job,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, FetchFailure> {
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|e| Err(io::Error::other(e)))
            .map_err(|e| self.disk(job, &e))
    }

    fn disk(&self, job: &Job, error: &io::Error) -> FetchFailure {
        FetchFailure::Disk {
            folder: self.folder(job).display().to_string(),
            why: error.to_string(),
        }
    }
}

fn settle_absolute(part: PartialFile, folder: &Path, name: &str) -> io::Result<PathBuf> {
    part.settle(&folder.canonicalize()?, name)
}
