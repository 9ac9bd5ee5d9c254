//! `GET /api/v1/report`: what `dialdeck report` prints.
//!
//! A thread reads the journal, which it opens for reading only, and writes as fast as the reader
//! takes it: a million leads take no more memory than a thousand.

use std::io::{self, Write};

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::Api;
use crate::campaign::RunId;
use crate::report::{self, By, Format, ReportError, ReportOptions};

/// Pieces of some kilobytes that wait for the reader.
const PIECES: usize = 4;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatWord {
    Csv,
    #[default]
    Json,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ByWord {
    #[default]
    Lead,
    Attempt,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportQuery {
    #[serde(default)]
    format: FormatWord,
    #[serde(default)]
    by: ByWord,
    run: Option<u32>,
}

pub(super) async fn report(
    State(api): State<Api>,
    asked: Result<Query<ReportQuery>, QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = asked else {
        return super::api::bad("allowed are format (json, csv), by (lead, attempt) and run");
    };
    let Some(place) = api.place() else {
        return super::no_place();
    };
    let (format, kind) = match asked.format {
        FormatWord::Csv => (Format::Csv, "text/csv; charset=utf-8"),
        FormatWord::Json => (Format::Json, "application/json"),
    };
    let options = ReportOptions {
        format,
        run: asked.run.map(RunId),
        by: match asked.by {
            ByWord::Lead => By::Lead,
            ByWord::Attempt => By::Attempt,
        },
    };
    let (pieces, mut taken) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut out = Pieces(pieces);
        if let Err(error) = report::write(&api.journal, options, &mut out) {
            // Whoever asked may have gone.
            let _ = out.0.blocking_send(Err(error));
        }
        drop(place);
    });
    match taken.recv().await {
        Some(Err(error)) => refused(&error),
        first => {
            let rest = futures_util::stream::unfold((first, taken), |(first, mut taken)| async {
                let piece = match first {
                    Some(piece) => piece,
                    None => taken.recv().await?,
                };
                Some((piece, (None, taken)))
            });
            ([(header::CONTENT_TYPE, kind)], Body::from_stream(rest)).into_response()
        }
    }
}

fn refused(error: &ReportError) -> Response {
    let code = match error {
        ReportError::NoSuchRun { .. } => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let body = json!({ "status": "error", "message": error.to_string() });
    (code, axum::Json(body)).into_response()
}

/// What is written goes to the reader, piece by piece. An error cuts the answer short, so that
/// nobody takes a part for the whole.
struct Pieces(mpsc::Sender<Result<Vec<u8>, ReportError>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(bytes.to_vec()));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
