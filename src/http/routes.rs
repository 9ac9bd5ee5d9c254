//! Every path there is. One table makes the router, and is what the OpenAPI description and the
//! README are held to.

use axum::Router;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};

use super::{Api, add, api, console, events, metrics, report, requeue, start};

/// The description that is served.
const OPENAPI: &str = include_str!("../../docs/openapi.json");

type Made = fn() -> MethodRouter<Api>;

const POST: MethodFilter = MethodFilter::POST;

/// Method, path, and who answers.
const ROUTES: &[(Method, &str, Made)] = &[
    (Method::GET, "/start", || {
        get(start::start)
            .head(start::look)
            .fallback(start::not_allowed)
    }),
    (Method::GET, "/healthz", || get(metrics::healthz)),
    (Method::GET, "/readyz", || get(metrics::readyz)),
    (Method::GET, "/metrics", || get(metrics::metrics)),
    (Method::GET, "/api/v1/openapi.json", || get(openapi)),
    (Method::GET, "/api/v1/status", || get(api::status)),
    (Method::GET, "/api/v1/calls", || get(api::calls)),
    (Method::GET, "/api/v1/leads", || get(api::leads)),
    (Method::POST, "/api/v1/leads", || on(POST, add::add)),
    (Method::GET, "/api/v1/leads/{lead}", || get(api::lead)),
    (Method::GET, "/api/v1/report", || get(report::report)),
    (Method::GET, "/api/v1/events", || get(events::events)),
    (Method::POST, "/api/v1/start", || on(POST, api::start)),
    (Method::POST, "/api/v1/resume", || on(POST, api::start)),
    (Method::POST, "/api/v1/pause", || on(POST, api::pause)),
    (Method::POST, "/api/v1/drain", || on(POST, api::drain)),
    (Method::POST, "/api/v1/stop", || on(POST, api::stop)),
    (Method::POST, "/api/v1/new_run", || on(POST, api::new_run)),
    (Method::POST, "/api/v1/requeue", || {
        on(POST, requeue::requeue)
    }),
    (Method::PUT, "/api/v1/max_cc", || {
        on(MethodFilter::PUT, api::max_cc)
    }),
    (Method::POST, "/api/v1/calls/hangup", || {
        on(POST, api::hang_up_all)
    }),
    (Method::POST, "/api/v1/calls/{attempt}/hangup", || {
        on(POST, api::hang_up)
    }),
    (Method::POST, "/api/v1/leads/{lead}/requeue", || {
        on(POST, api::requeue)
    }),
    (Method::POST, "/api/v1/leads/{lead}/skip", || {
        on(POST, api::skip)
    }),
    (Method::GET, "/api/v1/console", || get(console::stream)),
    (Method::GET, "/api/v1/console/leads/{lead}", || {
        get(console::detail)
    }),
    (Method::POST, "/api/v1/console/orders", || {
        on(POST, console::order)
    }),
];

/// Method and path of every route, `{name}` standing for a part that varies.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES
        .iter()
        .map(|(method, path, _)| (method.as_str(), *path))
}

pub(super) fn router() -> Router<Api> {
    let add =
        |router: Router<Api>, (_, path, made): &(Method, &str, Made)| router.route(path, made());
    ROUTES.iter().fold(Router::new(), add)
}

async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
